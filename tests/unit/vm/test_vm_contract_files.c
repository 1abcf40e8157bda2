// USES vm
/* Files as every backend's sandbox has them: by its own user, complete or not at all, and none of the
 * host's. */
#include "tests/support/contract.h"

#include "base/cleanup.h"
#include "vm/guest/files.h"

#define SIZE 3000000

struct file_talk {
	struct conversation *c; /* NULL: over */
	struct buf bytes;
	size_t left; /* to be written */
	bool ended, abandons, begun;
	int64_t said; /* bytes of the answer */
	char owner[256];
	struct err err;
};

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 2654435761u >> 11);
}

static void write_more(struct file_talk *t)
{
	uint8_t block[8192];
	size_t n, want;
	do {
		want = t->left < sizeof(block) ? t->left : sizeof(block);
		for (size_t i = 0; i < want; i++) {
			block[i] = byte_at(SIZE - t->left + i);
		}
		n = conversation_write(t->c, FILE_BYTES, block, want);
		t->left -= n;
	} while (n && n == want && t->left);
	if (!t->left && !t->abandons) {
		conversation_close_write(t->c);
	}
}

static void on_writable(struct conversation *c, void *data)
{
	(void)c;
	write_more(data);
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	(void)channel;
	buf_append(&((struct file_talk *)data)->bytes, bytes, len);
	conversation_consumed(c, len);
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	struct file_talk *t = data;
	struct msg_file_entry entry;
	t->begun = true;
	if (message == &message_file_opened) {
		cr_assert(guest_file_entry(
			((const struct msg_file_opened *)args)->entry, &entry, &t->err));
		snprintf(t->owner, sizeof(t->owner), "%s", entry.owner ? entry.owner : "");
	}
	conversation_consumed(c, cost);
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct file_talk *t = data;
	(void)c;
	t->c = NULL;
	t->ended = true;
	if (err) {
		t->err = *err;
	} else {
		t->said = t->bytes.len ? ((const struct msg_file_read_answer *)answer)->bytes : -1;
	}
}

static const struct conversation_handlers handlers = {
	.on_data = on_data, .on_message = on_message, .on_writable = on_writable, .on_end = on_end
};

static void write_as(
	struct bench *b, const struct msg_file_write *how, size_t size, struct file_talk *t)
{
	t->left = size;
	t->c = guest_file_write(vm_guest(b->vm), how, &handlers, t);
	cr_assert_not(t->ended, "from the loop");
	write_more(t);
}

static void write_file(struct bench *b, const char *path, size_t size, struct file_talk *t)
{
	write_as(b, &(struct msg_file_write){ .path = path, .mode = -1 }, size, t);
}

static void read_as(struct bench *b, const char *user, const char *path, struct file_talk *t)
{
	const struct msg_file_read how = { .path = path, .user = user };
	t->c = guest_file_read(vm_guest(b->vm), &how, &handlers, t);
	host_until(&b->host, &t->ended);
}

static void read_file(struct bench *b, const char *path, struct file_talk *t)
{
	read_as(b, NULL, path, t);
}

static bool has_files(struct bench *b)
{
	return strcmp(b->dialect->backend, "fake") != 0;
}

static void shell(struct bench *b, const char *command, const char *want)
{
	struct answer *a = host_exec(&b->host, b->vm, command, 60000);
	cr_assert_str_eq(
		a->out, want, "%s gave '%s', '%s', %s", command, a->out, a->errors, a->err.text);
	answer_free(a);
}

/* ---- one question, one answer ---- */

struct asked {
	bool done, removes;
	int64_t removed;
	struct err err;
};

static void on_answer(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct asked *asked = data;
	(void)tail, (void)tail_len;
	asked->done = true;
	asked->err = err ? *err : (struct err){ 0 };
	asked->removed = err || !asked->removes
				 ? 0
				 : ((const struct msg_file_remove_answer *)answer)->removed;
}

static struct asked ask(struct bench *b, const struct message *message, const void *args)
{
	struct asked asked = { .removes = message == &message_file_remove };
	guest_file(vm_guest(b->vm), message, args, on_answer, &asked);
	host_until(&b->host, &asked.done);
	return asked;
}

static enum err_kind stat_file(struct bench *b, const char *path, struct err *ret_err)
{
	struct asked asked = ask(b, &message_file_stat, &(struct msg_file_stat){ .path = path });
	*ret_err = asked.err;
	return asked.err.kind;
}

/* ---- the cases ---- */

static void a_backend_without_files_says_so(struct bench *b)
{
	struct err err;
	if (!has_files(b)) {
		cr_expect_eq(stat_file(b, "/", &err), ERR_UNSUPPORTED);
		cr_expect(strstr(err.text, "'file_stat'"), "%s", err.text);
	}
}

static void bytes_arrive_exactly(struct bench *b)
{
	struct file_talk w = { 0 }, r = { 0 };
	if (!has_files(b)) {
		return;
	}
	write_file(b, "~/big", SIZE, &w);
	host_until(&b->host, &w.ended);
	cr_assert_eq(w.err.kind, ERR_NONE, "%s", w.err.text);
	shell(b, "wc -c <big; stat -c %a big; test $(stat -c %u big) = $(id -u) && echo mine",
		"3000000\n644\nmine\n");
	read_file(b, "big", &r);
	cr_assert_eq(r.err.kind, ERR_NONE, "%s", r.err.text);
	cr_assert_eq(r.bytes.len, SIZE);
	cr_expect_eq(r.said, SIZE);
	for (size_t i = 0; i < SIZE; i++) {
		cr_assert_eq(r.bytes.data[i], byte_at(i), "byte %zu", i);
	}
	buf_done(&r.bytes);
	shell(b, "rm big", "");
}

static void an_abandoned_file_leaves_nothing(struct bench *b)
{
	struct file_talk t = { .abandons = true };
	if (!has_files(b)) {
		return;
	}
	shell(b, "mkdir d && echo old >d/file", "");
	write_file(b, "d/file", 1000000, &t);
	host_until(&b->host, &t.begun);
	shell(b, "ls -A d | wc -l", "2\n");
	guest_cancel(vm_guest(b->vm), conversation_id(t.c));
	host_until(&b->host, &t.ended);
	cr_expect_eq(t.err.kind, ERR_CANCELLED, "%s", t.err.text);
	shell(b, "ls -A d; cat d/file; rm -r d", "file\nold\n");
}

struct seen {
	struct file_rows *rows;
	bool started, ended, enough;
	int synced;
	char names[1000];
	const char *until;
	struct err err;
};

static void on_row(const void *row, void *data)
{
	const struct msg_file_change *change = row;
	struct seen *seen = data;
	size_t len = strlen(seen->names);
	snprintf(seen->names + len, sizeof(seen->names) - len, "%s %s,",
		file_change_names[change->change], change->path ? change->path : ".");
	seen->enough = strstr(seen->names, seen->until) != NULL;
}

static void on_started(void *data)
{
	((struct seen *)data)->started = true;
}

static void on_synced(void *data)
{
	struct seen *seen = data;
	seen->synced++;
	seen->enough = seen->synced == 2;
}

static void on_rows_end(const void *answer, const struct err *err, void *data)
{
	struct seen *seen = data;
	(void)answer;
	seen->rows = NULL;
	seen->ended = seen->started = true;
	seen->err = err ? *err : (struct err){ 0 };
}

static void changes_are_seen(struct bench *b)
{
	static const struct file_rows_handlers watching = { on_row, on_started, on_synced,
		on_rows_end };
	struct seen seen = { .until = "create new/sub/file" };
	const struct msg_file_watch how = { .path = "watched", .recursive = true };
	if (!has_files(b)) {
		return;
	}
	shell(b, "mkdir watched", "");
	seen.rows = file_rows_open(
		vm_guest(b->vm), &message_file_watch, &how, 0, GUEST_ASKER_AGENT, &watching, &seen);
	host_until(&b->host, &seen.started);
	cr_assert_not(seen.ended, "%s", seen.err.text);
	shell(b, "cd watched; mkdir -p new/sub; echo >new/sub/file", "");
	host_until(&b->host, &seen.enough);
	cr_expect_eq(strncmp(seen.names, "create new,create new/sub,", 26), 0, "%s", seen.names);
	file_rows_close(seen.rows);
	shell(b, "rm -r watched", "");
}

/* Whoever asks afterwards has all of it: an upload is a create, a chmod and a write. */
static void changes_are_complete_after_a_sync(struct bench *b)
{
	static const struct file_rows_handlers watching = { on_row, on_started, on_synced,
		on_rows_end };
	struct seen seen = { .until = "never" };
	const struct msg_file_watch how = { .path = "synced", .entries = true };
	if (!has_files(b)) {
		return;
	}
	shell(b, "mkdir synced", "");
	seen.rows = file_rows_open(
		vm_guest(b->vm), &message_file_watch, &how, 0, GUEST_ASKER_AGENT, &watching, &seen);
	host_until(&b->host, &seen.started);
	const struct msg_file_write upload = {
		.path = "synced/f", .how = FILE_TRUNCATE, .mode = -1
	};
	struct file_talk w = { 0 };
	write_as(b, &upload, 10, &w);
	host_until(&b->host, &w.ended);
	cr_assert(file_rows_sync(seen.rows) && file_rows_sync(seen.rows));
	host_until(&b->host, &seen.enough);
	cr_expect_str_eq(seen.names, "create f,chmod f,write f,");
	file_rows_close(seen.rows);
	shell(b, "rm -r synced", "");
}

static enum err_kind stat_as(struct bench *b, const char *user, const char *path)
{
	return ask(b, &message_file_stat, &(struct msg_file_stat){ .path = path, .user = user })
		.err.kind;
}

/* Bytes go both ways through a second agent, and both sides may be slow. */
static void root_has_files_in_a_machine_only(struct bench *b)
{
	struct file_talk w = { 0 }, r = { 0 };
	if (!has_files(b)) {
		return;
	}
	cr_expect_eq(stat_as(b, "nosuchuser", "/"), ERR_UNSUPPORTED);
	if (!b->dialect->is_machine) {
		cr_expect_eq(stat_as(b, "root", "/"), ERR_UNSUPPORTED);
		return;
	}
	write_as(b,
		&(struct msg_file_write){
			.path = "d/f", .user = "root", .mode = 0600, .parents = true },
		SIZE, &w);
	host_until(&b->host, &w.ended);
	cr_assert_eq(w.err.kind, ERR_NONE, "%s", w.err.text);
	shell(b, "sudo stat -c '%U %a %s' /root/d/f", "root 600 3000000\n");
	read_as(b, "root", "~/d/f", &r);
	cr_assert_eq(r.err.kind, ERR_NONE, "%s", r.err.text);
	cr_assert_eq(r.bytes.len, SIZE);
	for (size_t i = 0; i < SIZE; i++) {
		cr_assert_eq(r.bytes.data[i], byte_at(i), "byte %zu", i);
	}
	buf_done(&r.bytes);
	cr_expect_eq(stat_as(b, NULL, "/root/d/f"), ERR_HOST, "it is root's");
	w = (struct file_talk){ 0 };
	write_as(b,
		&(struct msg_file_write){ .path = "/far/f",
			.how = FILE_TRUNCATE,
			.privileged = true,
			.mode = -1,
			.parents = true },
		10, &w);
	host_until(&b->host, &w.ended);
	cr_assert_eq(w.err.kind, ERR_NONE, "%s", w.err.text);
	shell(b, "stat -c '%U:%G %a' /far /far/f; sudo rm -r /far",
		"user:user 755\nuser:user 644\n");
	cr_expect_eq(stat_as(b, "root", "/root/d/g"), ERR_NOT_FOUND);
	shell(b, "sudo rm -r /root/d; pgrep -c -u root -x ld.so", "2\n");
}

/* What it was doing fails; the next request starts another. */
static void a_helper_that_is_killed_is_replaced(struct bench *b)
{
	static const struct file_rows_handlers watching = { on_row, on_started, on_synced,
		on_rows_end };
	struct seen seen = { .until = "never" };
	const struct msg_file_watch how = { .path = "/root", .user = "root" };
	if (!b->dialect->is_machine) {
		return;
	}
	seen.rows = file_rows_open(
		vm_guest(b->vm), &message_file_watch, &how, 0, GUEST_ASKER_AGENT, &watching, &seen);
	host_until(&b->host, &seen.started);
	cr_assert_not(seen.ended, "%s", seen.err.text);
	shell(b, "sudo pkill -KILL -u root -x ld.so", "");
	host_until(&b->host, &seen.ended);
	cr_expect_eq(seen.err.kind, ERR_HOST, "%s", seen.err.text);
	cr_expect_eq(stat_as(b, "root", "/root"), ERR_NONE);
}

/* The helper goes on with what others have asked for. */
static void a_request_of_a_helper_is_cancelled(struct bench *b)
{
	struct file_talk w = { .abandons = true };
	if (!b->dialect->is_machine) {
		return;
	}
	write_as(b, &(struct msg_file_write){ .path = "part", .user = "root", .mode = -1 }, 3000000,
		&w);
	host_until(&b->host, &w.begun);
	guest_cancel(vm_guest(b->vm), conversation_id(w.c));
	host_until(&b->host, &w.ended);
	cr_expect_eq(w.err.kind, ERR_CANCELLED, "%s", w.err.text);
	cr_expect_eq(stat_as(b, "root", "part"), ERR_NOT_FOUND, "nothing remains");
}

struct attributes {
	bool done;
	char text[200];
};

static void on_attributes(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct attributes *seen = data;
	(void)tail, (void)tail_len;
	cr_assert_not(err, "%s", err ? err->text : "");
	const json_t *entry = ((const struct msg_file_answer *)answer)->entry;
	auto_free char *text = json_dumps(json_object_get(entry, "xattrs"), JSON_SORT_KEYS);
	snprintf(seen->text, sizeof(seen->text), "%s", text);
	seen->done = true;
}

static void expect_attributes(struct bench *b, bool privileged, const char *path, const char *want)
{
	struct attributes seen = { 0 };
	const struct msg_file_stat how = { .path = path, .xattrs = true, .privileged = privileged };
	guest_file(vm_guest(b->vm), &message_file_stat, &how, on_attributes, &seen);
	host_until(&b->host, &seen.done);
	cr_expect_str_eq(seen.text, want);
}

static void write_attributes(struct bench *b, json_t *xattrs)
{
	struct file_talk w = { 0 };
	write_as(b,
		&(struct msg_file_write){
			.path = "attr", .how = FILE_TRUNCATE, .mode = -1, .xattrs = xattrs },
		1, &w);
	host_until(&b->host, &w.ended);
	cr_assert_eq(w.err.kind, ERR_NONE, "%s", w.err.text);
	json_decref(xattrs);
}

/* Also on a file system that has none. */
static void attributes_stay_with_a_file(struct bench *b)
{
	if (!has_files(b)) {
		return;
	}
	write_attributes(b, json_pack("{s:s, s:s}", "user.a", "1", "user.b", "2"));
	expect_attributes(b, false, "attr", "{\"user.a\": \"1\", \"user.b\": \"2\"}");
	shell(b, "mv attr attr2", "");
	expect_attributes(b, true, "attr2", "{\"user.a\": \"1\", \"user.b\": \"2\"}");
	shell(b, "mv attr2 attr", "");
	write_attributes(b, json_pack("{s:s}", "user.c", "3"));
	expect_attributes(b, false, "attr", "{\"user.c\": \"3\"}");
	write_attributes(b, json_object());
	expect_attributes(b, false, "attr", "{}");
	shell(b, "rm attr", "");
}

static void on_entry(const void *row, void *data)
{
	const struct msg_file_entry *entry = row;
	struct seen *seen = data;
	size_t len = strlen(seen->names);
	snprintf(
		seen->names + len, sizeof(seen->names) - len, "%s|", strrchr(entry->path, '/') + 1);
}

static void every_name_is_listed(struct bench *b)
{
	static const struct file_rows_handlers listing = { .row = on_entry, .end = on_rows_end };
	struct seen seen = { 0 };
	const struct msg_file_list how = { .path = "l", .depth = 2, .limit = 100 };
	if (!has_files(b)) {
		return;
	}
	shell(b, "mkdir -p l/d; touch l/d/x \"$(printf 'l/a\\nb')\" \"$(printf 'l/\\377')\"", "");
	file_rows_open(vm_guest(b->vm), &message_file_list, &how, 60000, GUEST_ASKER_AGENT,
		&listing, &seen);
	host_until(&b->host, &seen.ended);
	cr_expect_eq(seen.err.kind, ERR_NONE, "%s", seen.err.text);
	cr_expect_str_eq(seen.names, "a\nb|d|x|\\xff|");
	struct asked asked = ask(b, &message_file_remove,
		&(struct msg_file_remove){ .path = "l", .recursive = true });
	cr_expect_eq(asked.err.kind, ERR_NONE, "%s", asked.err.text);
	cr_expect_eq(asked.removed, 5);
}

/* Neither by a path nor through a link is a file of the host there; the sandbox's user decides about
 * the others. */
static void the_host_is_out_of_reach(struct bench *b)
{
	struct err err;
	if (!has_files(b)) {
		return;
	}
	auto_free char *secret = strdup(in_scratch("secret"));
	put_text(secret, "secret");
	cr_expect_eq(stat_file(b, secret, &err), ERR_NOT_FOUND, "%s", err.text);
	auto_buf struct buf command = { 0 };
	buf_printf(&command, "ln -s %s escape", secret);
	shell(b, buf_text(&command), "");
	struct file_talk r = { 0 };
	read_file(b, "escape", &r);
	cr_expect_eq(r.err.kind, ERR_NOT_FOUND, "%s", r.err.text);
	r = (struct file_talk){ 0 };
	read_file(b, "/proc/1/root/etc/passwd", &r);
	cr_expect_neq(r.err.kind, ERR_NONE, "the agent's own directories were read");
	buf_done(&r.bytes);
	struct file_talk w = { 0 };
	write_file(b, "/usr/new", 10, &w);
	host_until(&b->host, &w.ended);
	cr_expect_eq(w.err.kind, ERR_HOST, "%s", w.err.text);
	cr_expect(strstr(w.err.text, "'/usr/new'"), "%s", w.err.text);
	shell(b, "rm escape", "");
}

static const struct contract cases[] = {
	CASE(a_backend_without_files_says_so),
	CASE(attributes_stay_with_a_file),
	CASE(bytes_arrive_exactly),
	CASE(a_helper_that_is_killed_is_replaced),
	CASE(a_request_of_a_helper_is_cancelled),
	CASE(an_abandoned_file_leaves_nothing),
	CASE(changes_are_complete_after_a_sync),
	CASE(changes_are_seen),
	CASE(every_name_is_listed),
	CASE(root_has_files_in_a_machine_only),
	CASE(the_host_is_out_of_reach),
};

CONTRACT(contract_files, cases)
