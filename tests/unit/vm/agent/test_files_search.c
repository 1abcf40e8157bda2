// USES wire
/* Searching files, and watching them. */
#include "tests/support/files_client.h"

#include <sys/stat.h>

static struct client c;
static struct files_talk t;

static void start(void)
{
	setenv(CLIENT_OWN_HOME, "1", 1);
	client_start(&c, NULL);
}

static void stop(void)
{
	files_done(&t);
	client_stop(&c);
}

TestSuite(files_search, .init = start, .fini = stop, .timeout = 120);
TestSuite(files_watch, .init = start, .fini = stop, .timeout = 120);

#define SEARCH(...) \
	do { \
		files_done(&t); \
		files_run(&c, &message_file_search, json_pack(__VA_ARGS__), &t); \
	} while (0)

static void put(const char *name, const char *text)
{
	files_put(files_path(&c, "%s", name), text, strlen(text));
}

/* "a b/c" of the rows, below the home directory. */
static const char *found(void)
{
	static struct buf all;
	size_t i;
	json_t *row;
	cr_assert(t.answer.result, "%s", t.answer.err.text);
	all.len = 0;
	buf_append(&all, "", 0);
	const json_t *rows = files_rows(&t); /* the macro takes it for each row */
	json_array_foreach(rows, i, row)
	{
		const char *path = json_string_value(json_object_get(row, "path"));
		json_int_t line = json_integer_value(json_object_get(row, "line"));
		buf_printf(&all, "%s%s", i ? " " : "", path + strlen(c.home) + 1);
		if (line) {
			buf_printf(&all, ":%d:%d", (int)line,
				(int)json_integer_value(json_object_get(row, "column")));
		}
	}
	return all.len ? (const char *)all.data : "";
}

static void make_tree(void)
{
	mkdir(files_path(&c, "src"), 0755);
	mkdir(files_path(&c, "src/deep"), 0755);
	put("src/main.c", "int main(void)\n{\n\treturn TODO;\r\n}\n");
	put("src/deep/a.h", "/* todo: naïve */\nx TODO y TODO");
	put("src/deep/A.C", "");
	put("notes.txt", "nothing\n");
	files_put(files_path(&c, "binary"), "TODO\0TODO", 9);
	(void)!symlink("notes.txt", files_path(&c, "link.c"));
}

Test(files_search, names_match_globs)
{
	static const struct {
		const char *glob, *want;
	} rows[] = {
		{ "*.c", "link.c src/main.c" },
		{ "*.{c,h}", "link.c src/deep/a.h src/main.c" },
		{ "**/*.h", "src/deep/a.h" },
		{ "src/*", "src/deep src/main.c" },
		{ "src/**", "src/deep src/deep/A.C src/deep/a.h src/main.c" },
		{ "**/main.?", "src/main.c" },
		{ "[a-c]*", "binary src/deep/a.h" },
		{ "[!a-z]*", "src/deep/A.C" },
		{ "a+b", "" },
		{ "notes.txt", "notes.txt" },
		{ "*\\*", "" },
	};
	make_tree();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		SEARCH("{ss ss}", "path", "~", "glob", rows[i].glob);
		cr_expect_str_eq(found(), rows[i].want, "%s: %s", rows[i].glob, found());
	}
	SEARCH("{ss ss sb}", "path", "~", "glob", "*.c", "ignore_case", 1);
	cr_expect_str_eq(found(), "link.c src/deep/A.C src/main.c");
}

Test(files_search, lines_match_expressions)
{
	make_tree();
	SEARCH("{ss ss}", "path", "~", "regex", "TODO");
	cr_expect_str_eq(found(), "src/deep/a.h:2:3 src/main.c:3:9");
	cr_expect_eq(files_number(&t, "files"), 5);
	cr_expect_eq(files_number(&t, "skipped"), 1);
	cr_expect(
		strstr(json_string_value(json_object_get(t.answer.result, "note")), "binary file"));
	const json_t *row = json_array_get(files_rows(&t), 1);
	cr_expect_str_eq(json_string_value(json_object_get(row, "text")), "\treturn TODO;");
	SEARCH("{ss ss sb}", "path", "src", "regex", "todo", "ignore_case", 1);
	cr_expect_str_eq(found(), "src/deep/a.h:1:4 src/deep/a.h:2:3 src/main.c:3:9");
	SEARCH("{ss ss ss}", "path", "src", "regex", "na.ve", "glob", "*.h");
	cr_expect_str_eq(found(), "src/deep/a.h:1:10");
	SEARCH("{ss ss}", "path", "src/main.c", "regex", "^}$");
	cr_expect_str_eq(found(), "src/main.c:4:1");
	SEARCH("{ss ss si}", "path", "~", "regex", ".", "limit", 2);
	cr_expect_eq(files_number(&t, "matches"), 2);
	cr_expect(json_is_true(json_object_get(t.answer.result, "limited")));
}

/* Plain texts are searched in blocks, others in lines: both find the same. */
Test(files_search, a_plain_text_is_found_like_an_expression)
{
	auto_buf struct buf text = { 0 };
	for (int i = 1; text.len < 1000000; i++) {
		buf_printf(&text, i % 7000 == 1 ? "%d word word\n" : i % 11 ? "%d wor\n" : "\n", i);
	}
	buf_printf(&text, "word at the end");
	put("text", buf_text(&text));
	SEARCH("{ss ss}", "path", "text", "regex", "word");
	auto_free char *plain = strdup(found());
	cr_expect_gt(files_number(&t, "matches"), 10);
	SEARCH("{ss ss}", "path", "text", "regex", "w[o]rd");
	cr_expect_str_eq(found(), plain);
}

Test(files_search, what_is_wrong_is_told)
{
	SEARCH("{ss}", "path", "~");
	files_must_fail(&t, ERR_ARGUMENT, "'glob', 'regex' or both");
	SEARCH("{ss ss}", "path", "~", "regex", "a(b");
	files_must_fail(&t, ERR_ARGUMENT, "'a(b' is invalid");
	SEARCH("{ss ss}", "path", "~", "glob", "{a");
	files_must_fail(&t, ERR_ARGUMENT, "not closed");
	SEARCH("{ss ss}", "path", "gone", "glob", "*");
	files_must_fail(&t, ERR_NOT_FOUND, "(ENOENT)");
}

/* Lines longer than any buffer, without end, of no encoding; and expressions that would never end. */
Test(files_search, hostile_files_and_expressions_end)
{
	static char line[1000000];
	memset(line, 'a', sizeof(line));
	line[300000] = '\n';
	memcpy(line + 300001, "needle", 6);
	files_put(files_path(&c, "long"), line, sizeof(line));
	put("bytes", "\377\376needle\n\n\n");
	SEARCH("{ss ss}", "path", "~", "regex", "needle");
	cr_expect_str_eq(found(), "bytes:1:7 long:2:1");
	SEARCH("{ss ss}", "path", "~", "regex", "n.edle"); /* is searched in another way */
	cr_expect_str_eq(found(), "bytes:1:7 long:2:1");
	memset(line, 'a', 5000);
	line[4999] = 'b';
	files_put(files_path(&c, "long"), line, 5000);
	SEARCH("{ss ss}", "path", "long", "regex", "^(a|a)*(a|aa)*$");
	cr_expect_eq(files_number(&t, "matches"), 0);
	cr_expect_eq(files_number(&t, "skipped"), 1);
	cr_expect(strstr(json_string_value(json_object_get(t.answer.result, "note")), "too long"));
}

Test(files_search, it_can_be_cancelled)
{
	files_open(&c, &message_file_search,
		json_pack("{ss ss}", "path", "/usr", "regex", "a.*b.*c"), &t);
	t.stalled = true;
	cr_assert(client_until(&c, t.total > 0));
	link_cancel(c.link, t.id);
	cr_assert(client_until(&c, t.answer.came));
	files_must_fail(&t, ERR_CANCELLED, "cancelled");
}

/* ---- watch ---- */

static void watch(bool recursive)
{
	files_open(&c, &message_file_watch,
		json_pack("{ss sb sb}", "path", "~", "recursive", recursive, "entries", 1), &t);
	cr_assert(client_until(&c, t.messages || t.answer.came));
	cr_assert(t.messages, "%s", t.answer.err.text);
}

/* "create a write a", after so many rows; the mark comes last. */
static const char *changes(void)
{
	static struct buf all;
	size_t i;
	json_t *row;
	put("last", "");
	cr_assert(client_until(
		&c, t.answer.came || strstr(buf_text(&t.bytes), "\"create\",\"path\":\"last\"")));
	all.len = 0;
	buf_append(&all, "", 0);
	const json_t *rows = files_rows(&t); /* the macro takes it for each row */
	json_array_foreach(rows, i, row)
	{
		const char *path = json_string_value(json_object_get(row, "path"));
		if (path && strcmp(path, "last") == 0) {
			break;
		}
		buf_printf(&all, "%s%s %s", i ? " " : "",
			json_string_value(json_object_get(row, "change")), path ? path : ".");
	}
	return (const char *)all.data;
}

Test(files_watch, an_upload_is_three_changes)
{
	watch(false);
	struct files_talk w;
	files_write(&c, json_pack("{ss ss}", "path", "up", "how", "truncate"), "text", 4, &w);
	cr_assert(w.answer.result);
	cr_expect_str_eq(changes(), "create up chmod up write up");
	const json_t *row = json_array_get(files_rows(&t), 2);
	const json_t *entry = json_object_get(row, "entry");
	cr_expect_eq(json_integer_value(json_object_get(entry, "size")), 4);
	files_done(&w);
}

Test(files_watch, a_replaced_file_is_one_change)
{
	put("file", "old");
	watch(true);
	struct files_talk w;
	files_write(&c, json_pack("{ss}", "path", "file"), "text", 4, &w);
	cr_expect_str_eq(changes(), "create file");
	files_done(&w);
}

Test(files_watch, changes_have_their_names)
{
	put("a", "");
	mkdir(files_path(&c, "d"), 0755);
	watch(false);
	chmod(files_path(&c, "a"), 0600);
	rename(files_path(&c, "a"), files_path(&c, "b"));
	unlink(files_path(&c, "b"));
	put("d/below", "");
	cr_expect_str_eq(changes(), "chmod a rename a create b remove b");
}

/* The shell is faster than anyone could be. */
Test(files_watch, a_new_directory_is_watched_before_it_is_told)
{
	watch(true);
	shell_expect(&c, "mkdir -p x/y/z; echo 1 >x/y/z/f; mkdir x/2; echo 2 >x/2/g", "");
	auto_buf struct buf names = { 0 };
	changes();
	static const char *const want[] = { "x", "x/y", "x/y/z", "x/y/z/f", "x/2", "x/2/g" };
	for (size_t i = 0; i < 6; i++) {
		auto_buf struct buf row = { 0 };
		buf_printf(&row, "\"create\",\"path\":\"%s\"", want[i]);
		const char *at = strstr(buf_text(&t.bytes), buf_text(&row));
		cr_expect(at, "%s was not told", want[i]);
		cr_expect(!at || !strstr(at + 1, buf_text(&row)), "%s was told twice", want[i]);
	}
	/* And now that it was told. */
	size_t before = t.bytes.len;
	put("x/y/z/f", "more");
	cr_assert(client_until(&c, strstr(buf_text(&t.bytes) + before, "x/y/z/f")));
	rename(files_path(&c, "x/y"), files_path(&c, "moved"));
	before = t.bytes.len;
	cr_assert(client_until(&c, strstr(buf_text(&t.bytes) + before, "\"path\":\"moved\"")));
	put("moved/z/new", "");
	cr_assert(
		client_until(&c, strstr(buf_text(&t.bytes) + before, "\"path\":\"moved/z/new\"")));
	cr_expect_not(strstr(buf_text(&t.bytes) + before, "x/y/z/new"));
}

/* What is made while the agent looks into a new directory is found, and an event says so, too. */
Test(files_watch, everything_is_told_once)
{
	enum { ROUNDS = 300 };
	unsigned seen[ROUNDS] = { 0 };
	size_t i;
	json_t *row;
	watch(true);
	for (int n = 0; n < ROUNDS; n++) {
		mkdir(files_path(&c, "%d", n), 0755);
		mkdir(files_path(&c, "%d/a", n), 0755);
		files_put(files_path(&c, "%d/a/f", n), "", 0);
	}
	changes();
	const json_t *rows = files_rows(&t); /* the macro takes it for each row */
	json_array_foreach(rows, i, row)
	{
		int n, len = 0;
		const char *path = json_string_value(json_object_get(row, "path"));
		const char *change = json_string_value(json_object_get(row, "change"));
		if (strcmp(change, "create") == 0 && sscanf(path, "%d/a/f%n", &n, &len) == 1 &&
			len && n >= 0 && n < ROUNDS) {
			seen[n]++;
		}
	}
	for (int n = 0; n < ROUNDS; n++) {
		cr_expect_eq(seen[n], 1u, "%d/a/f was told %u times", n, seen[n]);
	}
}

Test(files_watch, it_ends_with_its_directory)
{
	mkdir(files_path(&c, "d"), 0755);
	files_open(&c, &message_file_watch, json_pack("{ss}", "path", "d"), &t);
	cr_assert(client_until(&c, t.messages));
	rmdir(files_path(&c, "d"));
	cr_assert(client_until(&c, t.answer.came));
	files_must_fail(&t, ERR_NOT_FOUND, "was removed");
	files_done(&t);
	put("file", "");
	files_run(&c, &message_file_watch, json_pack("{ss}", "path", "file"), &t);
	files_must_fail(&t, ERR_ARGUMENT, "(ENOTDIR)");
}

/* More than the kernel's queue holds, while the host does not read. */
Test(files_watch, lost_changes_are_told)
{
	watch(false);
	t.stalled = true;
	for (int i = 0; i < 40000; i++) {
		put("f", "");
		unlink(files_path(&c, "f"));
	}
	t.stalled = false;
	link_consumed(c.link, t.id, t.total);
	cr_assert(client_until(&c, strstr(buf_text(&t.bytes), "\"lost\"")));
	link_cancel(c.link, t.id);
	cr_assert(client_until(&c, t.answer.came));
}
