// USES wire
/* Files of the sandbox: what is written, read, listed, moved, copied and removed, and what remains. */
#include "tests/support/files_client.h"

#include <sys/stat.h>
#include <sys/xattr.h>

static struct client c;
static struct files_talk t;

static void start(void)
{
	setenv(CLIENT_OWN_HOME, "1", 1);
	client_start(&c, NULL);
}

static void stop(void)
{
	client_stop(&c);
}

TestSuite(files, .init = start, .fini = stop, .timeout = 120);

#define RUN(op, ...) \
	do { \
		files_done(&t); \
		files_run(&c, &message_file_##op, json_pack(__VA_ARGS__), &t); \
	} while (0)

static const char *text(const json_t *entry, const char *member)
{
	const char *value = json_string_value(json_object_get(entry, member));
	return value ? value : "";
}

static const json_t *entry(void)
{
	cr_assert(t.answer.result, "%s", t.answer.err.text);
	return json_object_get(t.answer.result, "entry");
}

static void put_text(const char *path, const char *what)
{
	files_put(path, what, strlen(what));
}

static bool holds(const char *path, const char *want)
{
	size_t len;
	auto_free char *got = files_get(path, &len);
	return len == strlen(want) && memcmp(got, want, len) == 0;
}

/* ---- write and read ---- */

Test(files, what_is_written_is_read)
{
	static uint8_t bytes[3000000];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	}
	files_write(&c, json_pack("{ss}", "path", "~/big"), bytes, sizeof(bytes), &t);
	cr_expect_eq(files_number(&t, "bytes"), sizeof(bytes));
	cr_expect(json_is_true(json_object_get(t.answer.result, "created")));
	cr_expect_eq(t.messages, 1, "ready");
	RUN(read, "{ss}", "path", "big");
	cr_expect_eq(files_number(&t, "bytes"), sizeof(bytes));
	cr_assert_eq(t.bytes.len, sizeof(bytes));
	cr_expect_eq(memcmp(t.bytes.data, bytes, sizeof(bytes)), 0);
	const json_t *opened = json_object_get(t.message, "entry");
	cr_expect_eq(json_integer_value(json_object_get(opened, "size")), sizeof(bytes));
	RUN(read, "{ss si si}", "path", "big", "offset", 1000000, "length", 7);
	cr_assert_eq(t.bytes.len, 7);
	cr_expect_eq(memcmp(t.bytes.data, bytes + 1000000, 7), 0);
	RUN(read, "{ss si}", "path", "big", "offset", 2999990);
	cr_expect_eq(t.bytes.len, 10);
	RUN(read, "{ss si}", "path", "big", "offset", 3000001);
	cr_expect_eq(files_number(&t, "bytes"), 0);
	cr_expect_eq(files_count(c.home), 1);
	files_done(&t);
}

Test(files, an_empty_file_is_a_file)
{
	files_write(&c, json_pack("{ss}", "path", "empty"), "", 0, &t);
	cr_expect_eq(files_number(&t, "bytes"), 0);
	RUN(read, "{ss}", "path", "empty");
	cr_expect_eq(files_number(&t, "bytes"), 0);
	cr_expect_eq(t.messages, 1);
	files_done(&t);
}

Test(files, a_replaced_file_keeps_what_it_was)
{
	const char *path = files_path(&c, "script");
	struct stat before, after;
	char value[8] = "";
	put_text(path, "old");
	chmod(path, 0750);
	bool xattrs = setxattr(path, "user.mark", "here", 4, 0) == 0;
	stat(path, &before);
	files_write(&c, json_pack("{ss}", "path", path), "new text", 8, &t);
	cr_expect_not(json_is_true(json_object_get(t.answer.result, "created")));
	cr_expect_not(json_is_true(json_object_get(t.answer.result, "in_place")));
	stat(path, &after);
	cr_expect(holds(path, "new text"));
	cr_expect_eq(after.st_mode, before.st_mode);
	cr_expect_neq(after.st_ino, before.st_ino, "another file has the name");
	cr_expect(!xattrs || getxattr(path, "user.mark", value, 8) == 4);
	files_done(&t);
}

Test(files, a_link_is_written_through)
{
	put_text(files_path(&c, "real"), "old");
	cr_assert(symlink("real", files_path(&c, "link")) == 0);
	cr_assert(symlink("fresh", files_path(&c, "dangling")) == 0);
	files_write(&c, json_pack("{ss}", "path", "link"), "new", 3, &t);
	cr_expect(holds(files_path(&c, "real"), "new"));
	cr_expect_str_eq(text(entry(), "type"), "symlink");
	files_done(&t);
	files_write(&c, json_pack("{ss}", "path", "dangling"), "new", 3, &t);
	cr_expect(holds(files_path(&c, "fresh"), "new"), "%s", t.answer.err.text);
	files_done(&t);
}

Test(files, it_is_written_in_the_requested_way)
{
	const char *path = files_path(&c, "log");
	struct stat before, after;
	put_text(path, "0123456789");
	stat(path, &before);
	files_write(&c, json_pack("{ss ss}", "path", path, "how", "append"), "ab", 2, &t);
	cr_expect(holds(path, "0123456789ab"));
	files_done(&t);
	files_write(&c, json_pack("{ss ss si}", "path", path, "how", "update", "offset", 2), "XY",
		2, &t);
	cr_expect(holds(path, "01XY456789ab"));
	files_done(&t);
	files_write(&c, json_pack("{ss ss}", "path", path, "how", "truncate"), "t", 1, &t);
	cr_expect(holds(path, "t"));
	stat(path, &after);
	cr_expect_eq(before.st_ino, after.st_ino);
	files_done(&t);
	files_write(&c, json_pack("{ss sb}", "path", path, "exclusive", 1), "no", 2, &t);
	files_must_fail(&t, ERR_STATE, "(EEXIST)");
	files_done(&t);
	files_write(&c, json_pack("{ss sb si}", "path", "a/b/c", "parents", 1, "mode", 0600),
		"deep", 4, &t);
	cr_assert(t.answer.result, "%s", t.answer.err.text);
	stat(files_path(&c, "a/b/c"), &after);
	cr_expect_eq(after.st_mode & 07777, 0600);
	files_done(&t);
}

Test(files, attributes_are_set_and_replaced)
{
	files_write(&c,
		json_pack("{ss s{ss ss}}", "path", "x", "xattrs", "user.e2b.a", "1", "user.b", "2"),
		"x", 1, &t);
	if (!t.answer.result && t.answer.err.kind == ERR_UNSUPPORTED) {
		cr_skip_test("no attributes in this file system");
	}
	cr_assert(t.answer.result, "%s", t.answer.err.text);
	RUN(stat, "{ss sb}", "path", "x", "xattrs", 1);
	cr_expect_str_eq(text(json_object_get(entry(), "xattrs"), "user.e2b.a"), "1");
	files_done(&t);
	files_write(&c, json_pack("{ss s{}}", "path", "x", "xattrs"), "y", 1, &t);
	RUN(stat, "{ss sb}", "path", "x", "xattrs", 1);
	cr_expect_eq(json_object_size(json_object_get(entry(), "xattrs")), 0);
	files_done(&t);
	files_write(
		&c, json_pack("{ss s{ss}}", "path", "x", "xattrs", "security.x", "1"), "z", 1, &t);
	files_must_fail(&t, ERR_ARGUMENT, "'user.'");
	files_done(&t);
}

/* ---- nothing is left behind ---- */

Test(files, a_cancelled_write_leaves_nothing)
{
	static const char *const ways[] = { "replace", "truncate", "append", "update" };
	for (size_t i = 0; i < 4; i++) {
		t = (struct files_talk){ .left = 2000000, .keeps_open = true };
		files_open(&c, &message_file_write,
			json_pack("{ss ss}", "path", "half", "how", ways[i]), &t);
		link_write(c.link, t.id, FILE_BYTES, "some", 4);
		cr_assert(client_until(&c, t.messages == 1));
		link_cancel(c.link, t.id);
		cr_assert(client_until(&c, t.answer.came));
		files_must_fail(&t, ERR_CANCELLED, "cancelled");
		cr_expect_eq(files_count(c.home), 0, "%s", ways[i]);
		files_done(&t);
	}
}

Test(files, a_host_that_disconnects_leaves_nothing)
{
	const char *path = files_path(&c, "kept");
	put_text(path, "old");
	t = (struct files_talk){ .keeps_open = true };
	files_open(&c, &message_file_write, json_pack("{ss}", "path", "kept"), &t);
	link_write(c.link, t.id, FILE_BYTES, "some", 4);
	cr_assert(client_until(&c, t.messages == 1));
	cr_expect_eq(files_count(c.home), 2);
	link_free(c.link);
	c.link = NULL;
	cr_assert(client_until(&c, c.ended));
	cr_expect_eq(files_count(c.home), 1);
	cr_expect(holds(path, "old"));
	files_done(&t);
}

/* ---- stat, list ---- */

Test(files, a_file_is_described)
{
	const char *path = files_path(&c, "one");
	struct timespec times[2] = { { 1, 0 }, { 1700000000, 123456789 } };
	put_text(path, "12345");
	chmod(path, 04751);
	utimensat(AT_FDCWD, path, times, 0);
	RUN(stat, "{ss}", "path", "~//./one/");
	cr_expect_str_eq(text(entry(), "path"), path);
	cr_expect_str_eq(text(entry(), "type"), "file");
	cr_expect_eq(json_integer_value(json_object_get(entry(), "size")), 5);
	cr_expect_eq(json_integer_value(json_object_get(entry(), "mode")), 04751);
	cr_expect_eq(json_integer_value(json_object_get(entry(), "mtime_ns")), 1700000000123456789);
	cr_expect_eq(json_integer_value(json_object_get(entry(), "uid")), getuid());
	symlink("one", files_path(&c, "link"));
	symlink("nowhere", files_path(&c, "broken"));
	symlink("loop", files_path(&c, "loop"));
	RUN(stat, "{ss}", "path", "link");
	cr_expect_str_eq(text(entry(), "type"), "symlink");
	cr_expect_str_eq(text(entry(), "target"), "one");
	cr_expect_str_eq(text(entry(), "resolved"), path);
	cr_expect_str_eq(text(entry(), "target_type"), "file");
	RUN(stat, "{ss}", "path", "broken");
	cr_expect_str_eq(text(entry(), "target"), "nowhere");
	cr_expect_str_eq(text(entry(), "target_type"), "");
	RUN(stat, "{ss}", "path", "loop");
	cr_expect_str_eq(text(entry(), "target_type"), "");
	RUN(read, "{ss}", "path", "loop");
	files_must_fail(&t, ERR_ARGUMENT, "(ELOOP)");
	RUN(stat, "{ss}", "path", "absent");
	files_must_fail(&t, ERR_NOT_FOUND, "absent': no such file or directory (ENOENT)");
	files_done(&t);
}

Test(files, a_directory_is_listed_in_order)
{
	static const char *const want[] = { "b", "b/1", "b/2", "b/2/x", "c", "z" };
	mkdir(files_path(&c, "d"), 0755);
	mkdir(files_path(&c, "d/b"), 0755);
	mkdir(files_path(&c, "d/b/2"), 0755);
	put_text(files_path(&c, "d/b/2/x"), "");
	put_text(files_path(&c, "d/z"), "");
	put_text(files_path(&c, "d/c"), "");
	put_text(files_path(&c, "d/b/1"), "");
	RUN(list, "{ss si}", "path", "d", "depth", 3);
	cr_assert_eq(files_number(&t, "entries"), 6);
	const json_t *rows = files_rows(&t);
	for (size_t i = 0; i < 6; i++) {
		cr_expect_str_eq(
			text(json_array_get(rows, i), "path"), files_path(&c, "d/%s", want[i]));
	}
	RUN(list, "{ss}", "path", "d");
	cr_expect_eq(files_number(&t, "entries"), 3);
	cr_expect_not(json_is_true(json_object_get(t.answer.result, "limited")));
	RUN(list, "{ss si}", "path", "d", "limit", 2);
	cr_expect_eq(files_number(&t, "entries"), 2);
	cr_expect_eq(files_number(&t, "total"), 3);
	cr_expect(json_is_true(json_object_get(t.answer.result, "limited")));
	RUN(list, "{ss}", "path", "d/c");
	files_must_fail(&t, ERR_ARGUMENT, "(ENOTDIR)");
	RUN(list, "{ss}", "path", "nowhere");
	files_must_fail(&t, ERR_NOT_FOUND, "(ENOENT)");
	files_done(&t);
}

/* ---- make, move, copy, remove ---- */

Test(files, a_directory_is_made_once)
{
	RUN(make_directory, "{ss}", "path", "p/q");
	files_must_fail(&t, ERR_NOT_FOUND, "(ENOENT)");
	RUN(make_directory, "{ss sb}", "path", "p/q", "parents", 1);
	cr_expect(json_is_true(json_object_get(t.answer.result, "made")));
	RUN(make_directory, "{ss sb}", "path", "p/q", "parents", 1);
	cr_expect_not(json_is_true(json_object_get(t.answer.result, "made")));
	put_text(files_path(&c, "file"), "");
	RUN(make_directory, "{ss}", "path", "file");
	files_must_fail(&t, ERR_ARGUMENT, "not a directory");
	RUN(make_directory, "{ss sb}", "path", "file/x", "parents", 1);
	files_must_fail(&t, ERR_ARGUMENT, "(ENOTDIR)");
	files_done(&t);
}

Test(files, a_file_is_moved)
{
	put_text(files_path(&c, "a"), "a");
	put_text(files_path(&c, "b"), "b");
	RUN(move, "{ss ss}", "from", "a", "to", "b");
	files_must_fail(&t, ERR_STATE, "(EEXIST)");
	cr_expect(holds(files_path(&c, "b"), "b"));
	RUN(move, "{ss ss sb}", "from", "a", "to", "b", "replace", 1);
	cr_expect(holds(files_path(&c, "b"), "a"), "%s", t.answer.err.text);
	RUN(move, "{ss ss}", "from", "b", "to", "new/dir/c");
	cr_expect_str_eq(text(entry(), "path"), files_path(&c, "new/dir/c"));
	RUN(move, "{ss ss}", "from", "new", "to", "new/dir/inside");
	files_must_fail(&t, ERR_ARGUMENT, "inside");
	RUN(move, "{ss ss}", "from", "gone", "to", "x");
	files_must_fail(&t, ERR_NOT_FOUND, "(ENOENT)");
	files_done(&t);
}

Test(files, a_move_between_file_systems_is_complete)
{
	char other[] = "/dev/shm/vitrine-files-XXXXXX";
	struct stat here, there;
	cr_assert(mkdtemp(other));
	if (stat(other, &there) < 0 || stat(c.home, &here) < 0 || here.st_dev == there.st_dev) {
		rmdir(other);
		cr_skip_test("one file system");
	}
	mkdir(files_path(&c, "tree"), 0700);
	put_text(files_path(&c, "tree/file"), "text");
	symlink("file", files_path(&c, "tree/link"));
	auto_buf struct buf to = { 0 };
	buf_printf(&to, "%s/tree", other);
	RUN(move, "{ss ss}", "from", "tree", "to", buf_text(&to));
	cr_assert(t.answer.result, "%s", t.answer.err.text);
	cr_expect_eq(files_count(c.home), 0);
	cr_expect_eq(files_count(buf_text(&to)), 2);
	RUN(remove, "{ss sb}", "path", other, "recursive", 1);
	cr_expect_eq(files_number(&t, "removed"), 4);
	files_done(&t);
}

Test(files, a_copy_is_the_same)
{
	struct stat st;
	struct timespec times[2] = { { 1, 0 }, { 1600000000, 5 } };
	char target[100] = "";
	mkdir(files_path(&c, "tree"), 0751);
	put_text(files_path(&c, "tree/file"), "text");
	chmod(files_path(&c, "tree/file"), 0640);
	utimensat(AT_FDCWD, files_path(&c, "tree/file"), times, 0);
	symlink("/nowhere", files_path(&c, "tree/link"));
	mkfifo(files_path(&c, "tree/fifo"), 0600);
	RUN(copy, "{ss ss}", "from", "tree", "to", "copies/one");
	cr_expect_eq(files_number(&t, "files"), 4);
	cr_expect_eq(files_number(&t, "bytes"), 4);
	cr_expect(stat(files_path(&c, "copies/one"), &st) == 0 && (st.st_mode & 07777) == 0751);
	cr_expect(holds(files_path(&c, "copies/one/file"), "text"));
	stat(files_path(&c, "copies/one/file"), &st);
	cr_expect_eq(st.st_mode & 07777, 0640);
	cr_expect_eq(st.st_mtim.tv_sec, 1600000000);
	cr_expect(readlink(files_path(&c, "copies/one/link"), target, 99) == 8);
	RUN(copy, "{ss ss}", "from", "tree/file", "to", "copies/one");
	files_must_fail(&t, ERR_STATE, "is a directory");
	RUN(copy, "{ss ss}", "from", "tree", "to", "tree/inside");
	files_must_fail(&t, ERR_ARGUMENT, "inside");
	RUN(copy, "{ss ss sb}", "from", "tree/file", "to", "copies/one/link", "replace", 1);
	cr_expect(holds(files_path(&c, "copies/one/link"), "text"));
	RUN(copy, "{ss ss}", "from", "/dev/null", "to", "null");
	files_must_fail(&t, ERR_ARGUMENT, "cannot be copied");
	cr_expect_eq(files_count(c.home), 2);
	files_done(&t);
}

Test(files, only_what_is_named_is_removed)
{
	mkdir(files_path(&c, "keep"), 0755);
	put_text(files_path(&c, "keep/file"), "");
	mkdir(files_path(&c, "d"), 0755);
	put_text(files_path(&c, "d/x"), "");
	symlink("../keep", files_path(&c, "d/link"));
	RUN(remove, "{ss}", "path", "d");
	files_must_fail(&t, ERR_STATE, "(ENOTEMPTY)");
	RUN(remove, "{ss sb}", "path", "d", "recursive", 1);
	cr_expect_eq(files_number(&t, "removed"), 3);
	cr_expect_eq(files_count(files_path(&c, "keep")), 1);
	RUN(remove, "{ss}", "path", "d");
	files_must_fail(&t, ERR_NOT_FOUND, "(ENOENT)");
	RUN(remove, "{ss sb}", "path", "d", "missing_ok", 1);
	cr_expect_eq(files_number(&t, "removed"), 0);
	/* However it is named; were it not refused, only the test's home would go. */
	mkdir(files_path(&c, "d"), 0755);
	static const char *const never[] = { "~", ".", "~/d/..", "d/../../home",
		"~/d/../../home/" };
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		RUN(remove, "{ss sb}", "path", never[i], "recursive", 1);
		files_must_fail(&t, ERR_ARGUMENT, "home directory");
	}
	RUN(remove, "{ss sb}", "path", c.dir, "recursive", 1);
	files_must_fail(&t, ERR_ARGUMENT, "home directory");
	cr_expect_eq(files_count(c.home), 2);
	files_done(&t);
}
