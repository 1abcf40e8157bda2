// USES agent
/* Text on a real screen: read by Tesseract, found among elements, waited for; and OCR programs that
 * lie, hang, fail or are not there. */
#include "tests/support/agent_client.h"

#include <sys/stat.h>

static struct client c;
static char bin[64]; /* before others in the desktop's PATH */

/* Instead of tesseract. */
static void put_program(const char *script)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/tesseract", bin);
	FILE *file = fopen(path, "we");
	cr_assert(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	fclose(file);
	chmod(path, 0755);
}

static void start(void)
{
	char path[256];
	snprintf(bin, sizeof(bin), "/tmp/vitrine-bin-XXXXXX");
	cr_assert(mkdtemp(bin));
	snprintf(path, sizeof(path), "%s:/usr/local/bin:/usr/bin:/bin", bin);
	setenv("PATH", path, 1);
	client_start_ready(&c);
}

static void stop(void)
{
	char path[128];
	client_stop(&c);
	snprintf(path, sizeof(path), "%s/tesseract", bin);
	unlink(path);
	rmdir(bin);
}

TestSuite(text, .init = start, .fini = stop, .timeout = 200);

/* True: this host has none. */
static bool count_runs_of_tesseract(void)
{
	put_program("echo ran >>\"$HOME/ran\"; exec /usr/bin/tesseract \"$@\"");
	if (access("/usr/bin/tesseract", X_OK) == 0) {
		return false;
	}
	cr_log_warn("no tesseract: the test is skipped");
	return true;
}

static int runs(void)
{
	char path[128], line[8];
	int n = 0;
	snprintf(path, sizeof(path), "%s/ran", c.dir);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		n++;
	}
	if (file) {
		fclose(file);
	}
	return n;
}

static void launch(const char *application, const char *command)
{
	struct answer a;
	json_t *args = json_pack("{s:s, s:i}", "application", application, "timeout_ms", 60000);
	if (command) {
		json_object_set_new(
			args, "arguments", json_pack("[s, s, s, s]", "-e", "sh", "-c", command));
	}
	client_call(&c, "launch", args, &a);
	cr_assert(a.result, "%s", a.err.text);
	cr_assert(json_object_get(a.result, "window"), "no window");
	answer_done(&a);
}

static void find(struct answer *a, const char *text, const char *source, int timeout_ms)
{
	client_call(&c, "find_text",
		json_pack("{s:s, s:s, s:i, s:i}", "text", text, "source", source, "elements_ms",
			10000, "timeout_ms", timeout_ms),
		a);
}

static const json_t *match(const struct answer *a, size_t i)
{
	cr_assert(a->result, "%s", a->err.text);
	return json_array_get(json_object_get(a->result, "matches"), i);
}

static json_int_t edge(const json_t *one, size_t i)
{
	return json_integer_value(json_array_get(json_object_get(one, "box"), i));
}

static const char *string(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : "";
}

/* ---- reading ---- */

#define HAYSTACK "printf 'a needle in a haystack\\nand more\\n'; exec sleep 1000"

/* The shell may draw later than its window opens. */
static void wait_for_text(const char *text)
{
	struct answer a;
	client_call(&c, "wait",
		json_pack("{s:s, s:s, s:i}", "until", "text", "text", text, "timeout_ms", 25000),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_assert(
		json_is_true(json_object_get(a.result, "happened")), "%s", json_dumps(a.result, 0));
	cr_expect(strstr(string(json_object_get(a.result, "match"), "text"), text));
	answer_done(&a);
}

Test(text, is_found_where_it_is)
{
	struct answer a, b;
	if (count_runs_of_tesseract()) {
		return;
	}
	launch("xterm", HAYSTACK);
	wait_for_text("needle");
	find(&a, "Needle in a", "picture", 25000);
	const json_t *m = match(&a, 0);
	cr_assert(m, "%s", json_dumps(a.result, 0));
	cr_expect_gt(json_integer_value(json_object_get(m, "confidence")), 50);
	cr_expect_gt(edge(m, 2) - edge(m, 0), 3 * (edge(m, 3) - edge(m, 1)), "it is a line");
	find(&b, "haystack", "picture", 25000);
	const json_t *next = match(&b, 0);
	cr_assert(next);
	cr_expect_geq(edge(next, 0), edge(m, 2) - 2, "it stands to the right");
	cr_expect_lt(edge(next, 1), edge(m, 3), "in the same line");
	answer_done(&a);
	answer_done(&b);
}

Test(text, is_read_once_while_nothing_changes)
{
	struct answer a;
	if (count_runs_of_tesseract()) {
		return;
	}
	launch("xterm", HAYSTACK);
	wait_for_text("needle");
	find(&a, "needle", "picture", 25000);
	answer_done(&a);
	int n = runs();
	find(&a, "haystack", "picture", 25000);
	cr_expect(match(&a, 0));
	cr_expect(json_is_true(json_object_get(a.result, "cached")));
	cr_expect_eq(runs(), n);
	answer_done(&a);
	launch("xterm", "printf 'a second window\\n'; exec sleep 1000");
	wait_for_text("second window");
	cr_expect_gt(runs(), n);
}

Test(text, a_region_has_only_its_own)
{
	struct answer a;
	if (count_runs_of_tesseract()) {
		return;
	}
	launch("xterm", HAYSTACK);
	wait_for_text("needle");
	find(&a, "needle", "picture", 25000);
	json_int_t x = edge(match(&a, 0), 2), y = edge(match(&a, 0), 3);
	answer_done(&a);
	client_call(&c, "find_text",
		json_pack("{s:s, s:s, s:[i, i, i, i], s:i, s:i}", "text", "needle", "source",
			"picture", "region", (int)x, (int)y, 1280, 800, "elements_ms", 1,
			"timeout_ms", 25000),
		&a);
	cr_expect_null(match(&a, 0));
	answer_done(&a);
	client_call(&c, "find_text",
		json_pack("{s:s, s:[i, i, i, i], s:i, s:i}", "text", "needle", "region", 10, 10, 10,
			20, "elements_ms", 1, "timeout_ms", 25000),
		&a);
	cr_expect_eq(a.err.kind, ERR_ARGUMENT, "%s", a.err.text);
	answer_done(&a);
}

/* ---- elements ---- */

Test(text, the_name_of_an_element_needs_no_ocr)
{
	struct answer a;
	put_program("exit 1");
	launch("mousepad", NULL);
	find(&a, "file", "any", 25000);
	const json_t *m = match(&a, 0);
	cr_assert(m, "%s", json_dumps(a.result, 0));
	cr_expect_str_eq(string(m, "role"), "menu");
	cr_expect_str_eq(string(m, "text"), "File");
	cr_expect(strstr(string(a.result, "program"), "mousepad"));
	answer_done(&a);
	find(&a, "Save As", "elements", 25000);
	cr_expect_null(match(&a, 0), "the entry of a closed menu cannot be clicked");
	answer_done(&a);
}

/* A window of no program lies above the editor, which stays active. */
Test(text, a_covered_element_does_not_count)
{
	struct answer a;
	put_program("exit 1");
	launch("mousepad", NULL);
	find(&a, "file", "elements", 25000);
	cr_assert(match(&a, 0));
	answer_done(&a);
	static struct shell sh; /* it is answered when the desktop ends */
	shell_ask(&c,
		"exec python3 -c 'import gi; gi.require_version(\"Gtk\", \"3.0\")\n"
		"from gi.repository import Gtk, GLib\n"
		"w = Gtk.Window(type=Gtk.WindowType.POPUP); w.move(0, 0); w.resize(1280, 800)\n"
		"w.show_all(); GLib.timeout_add(500, lambda: open(\"covered\", \"w\").close())\n"
		"Gtk.main()'",
		c.dir, 100000, &sh);
	client_call(&c, "wait",
		json_pack(
			"{s:s, s:s, s:i}", "until", "file", "path", "covered", "timeout_ms", 25000),
		&a);
	cr_assert(json_is_true(json_object_get(a.result, "happened")), "%s", a.err.text);
	answer_done(&a);
	find(&a, "file", "elements", 25000);
	cr_expect_null(match(&a, 0), "%s", json_dumps(a.result, 0));
	answer_done(&a);
}

/* ---- programs that are no OCR programs ---- */

static void expect_error(const char *script, enum err_kind kind, const char *says, int timeout_ms)
{
	struct answer a;
	put_program(script);
	find(&a, "x", "picture", timeout_ms);
	cr_expect_eq(a.err.kind, kind, "%s: %s", script, a.err.text);
	cr_expect(strstr(a.err.text, says), "%s: %s", script, a.err.text);
	answer_done(&a);
}

Test(text, programs_that_fail_are_told)
{
	struct answer a;
	expect_error("echo 'first'; echo 'no \033[1mdata' >&2; exit 3", ERR_HOST,
		"tesseract exited with status 3: no  [1mdata", 25000);
	expect_error("kill -9 $$", ERR_HOST, "SIGKILL", 25000);
	expect_error("exec yes", ERR_LIMIT, "more than", 25000);
	expect_error("sleep 1000", ERR_TIMEOUT, "longer than 300 ms", 300);
	put_program("exit 0"); /* it reads nothing and prints nothing */
	find(&a, "x", "picture", 25000);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect_null(match(&a, 0));
	answer_done(&a);
	client_call(&c, "ping", NULL, &a);
	cr_expect(a.result);
	answer_done(&a);
}

Test(text, a_table_that_lies_is_bounded)
{
	struct answer a;
	put_program(
		"cat >/dev/null; for i in 1 2 3; do "
		"printf '5\\t1\\t1\\t1\\t1\\t1\\t%d\\t10\\t90\\t12\\t96\\tx\\342\\200\\256\\033y\\n' "
		"$((i * 200)); done; "
		"printf '5\\t1\\t1\\t1\\t1\\t1\\t999999\\t10\\t90\\t12\\t96\\tx y\\n'; "
		"head -c 100000 /dev/zero");
	find(&a, "x y", "picture", 25000);
	for (size_t i = 0; i < 3; i++) {
		const json_t *m = match(&a, i);
		cr_assert(m, "%s", json_dumps(a.result, 0));
		cr_expect_str_eq(string(m, "text"), "x y");
		cr_expect_leq(edge(m, 2), 1280);
	}
	cr_expect_null(match(&a, 3));
	answer_done(&a);
}

Test(text, a_cancelled_search_ends_its_program)
{
	struct answer a;
	put_program("echo $$ >\"$HOME/pid\"; exec sleep 1000");
	uint32_t id = client_ask(&c, "find_text",
		json_pack("{s:s, s:s, s:i, s:i}", "text", "x", "source", "picture", "elements_ms",
			1, "timeout_ms", 100000),
		&a);
	struct shell sh;
	shell_run(&c, "while [ ! -s \"$HOME/pid\" ]; do sleep 0.02; done; cat \"$HOME/pid\"", &sh);
	pid_t pid = (pid_t)strtol(buf_text(&sh.out), NULL, 10);
	cr_assert_gt(pid, 0);
	shell_done(&sh);
	link_cancel(c.link, id);
	cr_assert(client_until(&c, a.came));
	cr_expect_eq(a.err.kind, ERR_CANCELLED, "%s", a.err.text);
	cr_expect(process_ends(pid));
	answer_done(&a);
}

/* ---- waiting ---- */

Test(text, is_waited_for_and_missed)
{
	struct answer a;
	if (count_runs_of_tesseract()) {
		return;
	}
	launch("xterm", "sleep 1; printf 'it has arrived\\n'; exec sleep 1000");
	wait_for_text("has arrived");
	client_call(&c, "wait",
		json_pack("{s:s, s:s, s:i}", "until", "text", "text", "it has arrixed",
			"timeout_ms", 8000),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(json_is_false(json_object_get(a.result, "happened")),
		"similar text is not the text");
	cr_expect(strstr(string(a.result, "text"), "has arrived"), "%s", string(a.result, "text"));
	answer_done(&a);
}

Test(text, without_damage_nothing_is_read_again)
{
	struct answer a;
	put_program("echo ran >>\"$HOME/ran\"; cat >/dev/null");
	launch("xterm", "exec sleep 1000");
	client_call(
		&c, "wait", json_pack("{s:s, s:i}", "until", "settled", "timeout_ms", 20000), &a);
	answer_done(&a);
	int n = runs();
	client_call(&c, "wait",
		json_pack("{s:s, s:s, s:[i, i, i, i], s:i}", "until", "text", "text", "never",
			"region", 600, 600, 700, 700, "timeout_ms", 3000),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	cr_expect(json_is_false(json_object_get(a.result, "happened")));
	cr_expect_eq(runs(), n + 1);
	answer_done(&a);
}
