// USES vm
/*
 * What is copied is read and what is set is pasted, on each backend; a copy outlives its program.
 * Where the tests run as root, an ordinary user's desktop in namespaces is tried as well.
 */

#include "tests/support/contract.h"

#include <grp.h>

#define ORDINARY 70001 /* a user id that nobody has */

/* xterm selects what it shows into the clipboard, and pastes from there. */
#define XTERM "exec xterm -xrm 'XTerm*selectToClipboard: true' -e sh -c "

/* The fake desktop has no programs that copy. */
static bool has_programs(const struct bench *b)
{
	return strcmp(b->dialect->backend, "fake") != 0;
}

static void write_script(struct bench *b, const char *path, const char *what)
{
	char command[500];
	snprintf(command, sizeof(command), "cat > %s <<'END'\n#!/bin/sh\n%s\nEND\nchmod +x %s",
		path, what, path);
	struct answer *a = host_exec(&b->host, b->vm, command, 60000);
	cr_assert_eq(a->exec.status, 0, "%s%s", a->err.text, a->errors);
	answer_free(a);
}

static struct guest_launch launch(struct bench *b, const char *path)
{
	struct answer *a = answer_new();
	guest_launch(vm_guest(b->vm), path, NULL, 60000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert(a->launch.has_window, "%s", a->err.text);
	struct guest_launch launched = a->launch;
	answer_free(a);
	return launched;
}

/* Until the screen is quiet. */
static void act(struct bench *b, struct action action)
{
	struct observe observe;
	struct answer *a = answer_new();
	observe_init(&observe, OBSERVE_SETTLED);
	observe.quiet_ms = 500;
	guest_act(vm_guest(b->vm), &action, 1, &observe, on_act, a);
	host_until(&b->host, &a->done);
	cr_assert_eq(a->act.done, 1, "%s%s", a->err.text, a->act.failed.text);
	answer_free(a);
}

static void a_copy_outlives_its_program(struct bench *b)
{
	char end[200];
	if (!has_programs(b)) {
		return;
	}
	write_script(b, "/tmp/copy", XTERM "'echo kept; exec sleep 1000'");
	write_script(b, "/tmp/paste", XTERM "'head -n 1 > /tmp/new; mv /tmp/new /tmp/typed'");
	struct guest_launch copier = launch(b, "/tmp/copy");
	act(b, waiting(1));
	struct action triple = clicking((int)copier.window.x + 15, (int)copier.window.y + 10);
	triple.count = 3;
	act(b, triple);
	snprintf(end, sizeof(end), "kill %lld; while kill -0 %lld 2>&-; do sleep 0.05; done",
		(long long)copier.pid, (long long)copier.pid);
	answer_free(host_exec(&b->host, b->vm, end, 60000));
	launch(b, "/tmp/paste");
	act(b, (struct action){ .kind = ACTION_KEY, .text = "shift+Insert", .repeat = 1 });
	act(b, (struct action){ .kind = ACTION_KEY, .text = "Return", .repeat = 1 });
	struct answer *a = host_exec(&b->host, b->vm, b->dialect->read_back, 60000);
	cr_expect_str_eq(a->out, "kept\n");
	answer_free(a);
}

/* ---- read and set by the host ---- */

struct copied {
	bool done;
	struct guest_clipboard has;
	struct buf bytes;
	struct err err;
};

static void on_clipboard(const struct guest_clipboard *res, const struct err *err, void *data)
{
	struct copied *copied = data;
	cr_assert(!res == !!err);
	copied->done = true;
	if (err) {
		copied->err = *err;
		return;
	}
	copied->has = *res;
	buf_append(&copied->bytes, res->len ? (const void *)res->bytes : "", res->len);
}

static struct copied clipboard_of(struct bench *b)
{
	static const struct clipboard_wish any = { 2, { CLIPBOARD_TEXT, CLIPBOARD_PNG } };
	struct copied copied = { 0 };
	guest_clipboard_get(vm_guest(b->vm), GUEST_ASKER_AGENT, &any, on_clipboard, &copied);
	cr_assert(!copied.done, "from the loop");
	host_until(&b->host, &copied.done);
	cr_assert_eq(copied.err.kind, ERR_NONE, "%s", copied.err.text);
	return copied;
}

static void expect_clipboard(struct bench *b, int type, const char *bytes, size_t len)
{
	struct copied copied = clipboard_of(b);
	cr_expect_eq(copied.has.type, type);
	cr_expect_eq(copied.has.absent, -1);
	cr_assert_eq(copied.bytes.len, len, "%zu bytes", copied.bytes.len);
	cr_expect(memcmp(buf_text(&copied.bytes), bytes, len) == 0);
	buf_done(&copied.bytes);
}

static struct err set_clipboard(struct bench *b, int type, const char *bytes, size_t len)
{
	struct answer *a = answer_new();
	guest_clipboard_set(vm_guest(b->vm), GUEST_ASKER_AGENT,
		&(struct guest_copy){ type, bytes, len, NULL }, on_json, a);
	cr_assert(!a->done, "from the loop");
	host_until(&b->host, &a->done);
	struct err err = a->err;
	answer_free(a);
	return err;
}

static void set_well(struct bench *b, int type, const char *bytes, size_t len)
{
	struct err err = set_clipboard(b, type, bytes, len);
	cr_assert_eq(err.kind, ERR_NONE, "%s", err.text);
}

#define PNG "\x89PNG\r\n\x1a\n"

static void what_is_set_is_read_back(struct bench *b)
{
	struct copied before = clipboard_of(b);
	cr_expect_eq(before.has.absent, CLIPBOARD_EMPTY);
	buf_done(&before.bytes);
	set_well(b, CLIPBOARD_TEXT, "k\xc3\xa4me \xe6\xbc\xa2\n", 10);
	expect_clipboard(b, CLIPBOARD_TEXT, "k\xc3\xa4me \xe6\xbc\xa2\n", 10);
	set_well(b, CLIPBOARD_TEXT, "", 0);
	expect_clipboard(b, CLIPBOARD_TEXT, "", 0);
	set_well(b, CLIPBOARD_PNG, PNG "\0pixels", 15);
	expect_clipboard(b, CLIPBOARD_PNG, PNG "\0pixels", 15);
}

static void html_has_a_plain_text_beside_it(struct bench *b)
{
	static const struct clipboard_wish html = { 1, { CLIPBOARD_HTML } };
	const struct guest_copy copy = { CLIPBOARD_HTML, "<b>bold</b>", 11, "bold" };
	struct copied copied = { 0 };
	struct answer *a = answer_new();
	guest_clipboard_set(vm_guest(b->vm), GUEST_ASKER_AGENT, &copy, on_json, a);
	host_until(&b->host, &a->done);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	answer_free(a);
	expect_clipboard(b, CLIPBOARD_TEXT, "bold", 4);
	guest_clipboard_get(vm_guest(b->vm), GUEST_ASKER_AGENT, &html, on_clipboard, &copied);
	host_until(&b->host, &copied.done);
	cr_expect_eq(copied.has.type, CLIPBOARD_HTML);
	cr_expect_str_eq(buf_text(&copied.bytes), "<b>bold</b>");
	buf_done(&copied.bytes);
}

static void the_largest_fit_and_larger_are_refused(struct bench *b)
{
	char *large = malloc(CLIPBOARD_MAX + 1);
	size_t most = clipboard_type_max(CLIPBOARD_TEXT);
	memset(large, 'x', CLIPBOARD_MAX + 1);
	cr_expect_eq(set_clipboard(b, CLIPBOARD_TEXT, large, most + 1).kind, ERR_LIMIT);
	set_well(b, CLIPBOARD_TEXT, large, most);
	expect_clipboard(b, CLIPBOARD_TEXT, large, most);
	memcpy(large, PNG, 8);
	cr_expect_eq(set_clipboard(b, CLIPBOARD_PNG, large, CLIPBOARD_MAX + 1).kind, ERR_LIMIT);
	set_well(b, CLIPBOARD_PNG, large, CLIPBOARD_MAX);
	expect_clipboard(b, CLIPBOARD_PNG, large, CLIPBOARD_MAX);
	cr_expect_eq(set_clipboard(b, CLIPBOARD_TEXT, "a\xff", 2).kind, ERR_ARGUMENT);
	free(large);
}

static void a_terminal_copies_and_pastes(struct bench *b)
{
	if (!has_programs(b)) {
		return;
	}
	write_script(b, "/tmp/copy", XTERM "'echo copied; exec sleep 1000'");
	write_script(b, "/tmp/paste", XTERM "'head -n 1 > /tmp/new; mv /tmp/new /tmp/typed'");
	struct guest_launch copier = launch(b, "/tmp/copy");
	act(b, waiting(1));
	struct action twice = clicking((int)copier.window.x + 15, (int)copier.window.y + 10);
	twice.count = 2;
	act(b, twice);
	expect_clipboard(b, CLIPBOARD_TEXT, "copied", 6);
	launch(b, "/tmp/paste");
	set_well(b, CLIPBOARD_TEXT, "h\xc3\xa9llo", 6);
	act(b, (struct action){ .kind = ACTION_KEY, .text = "shift+Insert", .repeat = 1 });
	act(b, (struct action){ .kind = ACTION_KEY, .text = "Return", .repeat = 1 });
	struct answer *a = host_exec(&b->host, b->vm, b->dialect->read_back, 60000);
	cr_expect_str_eq(a->out, "h\xc3\xa9llo\n");
	answer_free(a);
}

/* The clipboard is restored, and the error says that the program did not ask for it. */
static void a_paste_is_taken(struct bench *b)
{
	static const char text[] = "h\xc3\xa9llo \xe6\xbc\xa2 \xf0\x9f\x98\x80\n";
	set_well(b, CLIPBOARD_TEXT, "before", 6);
	if (has_programs(b)) {
		write_script(
			b, "/tmp/paste", XTERM "'head -n 1 > /tmp/new; mv /tmp/new /tmp/typed'");
		launch(b, "/tmp/paste");
	} else {
		launch(b, "terminal");
	}
	act(b, (struct action){ .kind = ACTION_PASTE, .text = text });
	struct answer *a = host_exec(&b->host, b->vm, b->dialect->read_back, 60000);
	cr_expect_str_eq(a->out, text);
	answer_free(a);
	expect_clipboard(b, CLIPBOARD_TEXT, "before", 6);
}

static const struct contract cases[] = {
	CASE(what_is_set_is_read_back), /* the clipboard is empty at first */
	CASE(html_has_a_plain_text_beside_it),
	CASE(a_paste_is_taken),
	CASE(the_largest_fit_and_larger_are_refused),
	CASE(a_copy_outlives_its_program),
	CASE(a_terminal_copies_and_pastes),
};

CONTRACT(clipboard, cases)

/* Criterion runs each test in a process of its own, so nothing has to be taken back. */
static void become_ordinary(void)
{
	cr_assert_eq(chown(scratch, ORDINARY, ORDINARY), 0);
	cr_assert_eq(setgroups(0, NULL), 0);
	cr_assert_eq(setresgid(ORDINARY, ORDINARY, ORDINARY), 0);
	cr_assert_eq(setresuid(ORDINARY, ORDINARY, ORDINARY), 0);
	prctl(PR_SET_DUMPABLE, 1);
	unsetenv("XDG_RUNTIME_DIR");
	setenv("HOME", scratch, 1);
}

Test(clipboard, of_an_ordinary_user, .init = scratch_make, .fini = scratch_remove, .timeout = 600)
{
	if (geteuid() != 0) {
		cr_skip_test("the other tests run as an ordinary user already");
	}
	become_ordinary();
	if (access(contract_agent(false), X_OK) < 0) {
		cr_skip_test("another user cannot read the build's directory");
	}
	for (size_t i = 0; i < N_DIALECTS; i++) {
		if (strcmp(dialects[i].backend, "namespace") == 0) {
			static const struct contract copy[] = { CASE(a_copy_outlives_its_program) };
			run_contract(copy, 1, &(struct one){ i, 1 },
				(struct vm_config){ .max_sandboxes = 2 });
		}
	}
}
