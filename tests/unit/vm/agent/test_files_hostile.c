// USES wire
/* Hostile names, links, special files and full disks: each is answered with a sentence, the agent keeps
 * working, and no files remain. */
#include "tests/support/files_client.h"

#include "tests/support/scratch.h"

#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define ALMOST (LINK_WINDOW - 2000) /* the message `opened` has taken some credit */

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

TestSuite(files_hostile, .init = start, .fini = stop, .timeout = 240);

#define RUN(op, ...) \
	do { \
		files_done(&t); \
		files_run(&c, &message_file_##op, json_pack(__VA_ARGS__), &t); \
	} while (0)

static void write_text(const char *path, const char *text)
{
	files_done(&t);
	files_write(&c, json_pack("{ss}", "path", path), text, strlen(text), &t);
}

static const char *row_path(size_t i)
{
	return json_string_value(json_object_get(json_array_get(files_rows(&t), i), "path"));
}

/* ---- names ---- */

/* Each name, as it is in the directory, and as it is told; what is told must lead back to it. */
Test(files_hostile, every_name_can_be_told_and_used)
{
	static const char *const names[][2] = {
		{ "line\nbreak\ttab", "line\nbreak\ttab" },
		{ "\377\300x", "\\xff\\xc0x" },
		{ "back\\slash", "back\\slash" },
		{ "\\xff", "\\x5cxff" },
		{ "\\x5cxff", "\\x5cx5cxff" },
		{ "\\x41", "\\x41" },
		{ "-rf *", "-rf *" },
		{ "\303\251\360\237\230\200", "\303\251\360\237\230\200" },
		{ "\355\240\200", "\\xed\\xa0\\x80" },
		{ " ", " " },
		{ "...", "..." },
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *path = files_path(&c, "d/%s", names[i][0]);
		mkdir(files_path(&c, "d"), 0755);
		files_put(path, "x", 1);
		RUN(list, "{ss}", "path", "d");
		cr_assert_eq(files_number(&t, "entries"), 1);
		cr_expect_str_eq(strrchr(row_path(0), '/') + 1, names[i][1]);
		auto_free char *told = strdup(row_path(0));
		RUN(read, "{ss}", "path", told);
		cr_assert_eq(files_number(&t, "bytes"), 1, "%s", t.answer.err.text);
		write_text(told, "more");
		RUN(search, "{ss ss}", "path", "d", "regex", "mo.e");
		cr_expect_str_eq(row_path(0), told);
		RUN(remove, "{ss}", "path", told);
		cr_assert(t.answer.result, "%s", t.answer.err.text);
		cr_expect_eq(files_count(files_path(&c, "d")), 0);
	}
}

Test(files_hostile, impossible_paths_are_refused)
{
	static char name[300], path[6000];
	memset(name, 'n', 299);
	for (size_t i = 0; i < sizeof(path) - 1; i++) {
		path[i] = i % 100 ? 'p' : '/';
	}
	RUN(stat, "{ss}", "path", name);
	files_must_fail(&t, ERR_ARGUMENT, "(ENAMETOOLONG)");
	RUN(stat, "{ss}", "path", path);
	files_must_fail(&t, ERR_ARGUMENT, "(ENAMETOOLONG)");
	RUN(stat, "{ss}", "path", "");
	files_must_fail(&t, ERR_ARGUMENT, "'path'");
	RUN(stat, "{ss}", "path", "/a/../../../..");
	files_must_fail(&t, ERR_NOT_FOUND, "(ENOENT)");
	RUN(stat, "{ss}", "path", "/../../..");
	cr_assert(t.answer.result);
	RUN(stat, "{}");
	files_must_fail(&t, ERR_ARGUMENT, "'path'");
	RUN(stat, "{ss ss}", "path", "x", "paht", "x");
	files_must_fail(&t, ERR_ARGUMENT, "'paht'");
}

Test(files_hostile, the_longest_path_is_possible)
{
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s", c.home);
	while (path.len < PATH_MAX - 1 - 240) {
		buf_printf(&path, "/%0200d", 1);
	}
	RUN(make_directory, "{ss sb}", "path", buf_text(&path), "parents", 1);
	cr_assert(t.answer.result, "%s", t.answer.err.text);
	size_t parent = path.len;
	buf_printf(&path, "/%0*d", (int)(PATH_MAX - 2 - path.len), 2);
	cr_assert_eq(path.len, PATH_MAX - 1);
	write_text(buf_text(&path), "end");
	cr_assert(t.answer.result, "%s", t.answer.err.text);
	RUN(read, "{ss}", "path", buf_text(&path));
	cr_expect_eq(files_number(&t, "bytes"), 3);
	RUN(list, "{ss si}", "path", "~", "depth", 100);
	cr_expect_eq(files_number(&t, "entries"), files_number(&t, "total"));
	path.data[parent] = '\0';
	RUN(list, "{ss}", "path", buf_text(&path));
	cr_expect_eq(files_number(&t, "entries"), 1);
}

/* ---- special files ---- */

Test(files_hostile, special_files_block_nothing)
{
	static const char *const never[] = { "fifo", "/dev/zero", "/dev/tty", "/dev/ptmx", "~",
		"/dev/stdin", "/proc/self/fd/3", "/proc/self/mem", "/proc/self/environ",
		"/proc/thread-self/maps" };
	mkfifo(files_path(&c, "fifo"), 0600);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		RUN(read, "{ss}", "path", never[i]);
		cr_expect_not(t.answer.result, "%s was read", never[i]);
		write_text(never[i], "x");
		cr_expect_not(t.answer.result, "%s was written", never[i]);
		cr_expect_neq(t.answer.err.kind, ERR_LIMIT);
	}
	RUN(read, "{ss}", "path", "fifo");
	files_must_fail(&t, ERR_ARGUMENT, "is a FIFO");
	RUN(read, "{ss}", "path", "~");
	files_must_fail(&t, ERR_ARGUMENT, "(EISDIR)");
	RUN(read, "{ss}", "path", "/proc/self/mem");
	files_must_fail(&t, ERR_ARGUMENT, "the agent itself");
	RUN(search, "{ss ss}", "path", "~", "regex", "x");
	cr_expect_eq(files_number(&t, "matches"), 0);
}

/* Also by the number of the agent, and of its threads. */
Test(files_hostile, the_agent_does_not_read_itself)
{
	static const char *const files[] = { "mem", "environ", "maps", "fd/3" };
	for (size_t i = 0; i < 8; i++) {
		auto_buf struct buf path = { 0 };
		buf_printf(&path, "/proc/%d/", c.pid);
		if (i >= 4) {
			buf_printf(&path, "task/%d/", c.pid);
		}
		buf_printf(&path, "%s", files[i % 4]);
		RUN(read, "{ss}", "path", buf_text(&path));
		cr_expect_not(t.answer.result, "%s was read", buf_text(&path));
	}
	RUN(search, "{ss ss si}", "path", "/proc/self", "regex", "VITRINE", "depth", 2);
	cr_expect_eq(files_number(&t, "matches"), 0);
}

Test(files_hostile, files_without_size_are_read_to_their_end)
{
	RUN(read, "{ss}", "path", "/proc/meminfo");
	cr_expect(strstr(buf_text(&t.bytes), "MemTotal"), "%s", t.answer.err.text);
	cr_expect_eq(files_number(&t, "bytes"), t.bytes.len);
	RUN(read, "{ss si}", "path", "/proc/meminfo", "length", 8);
	cr_expect_str_eq(buf_text(&t.bytes), "MemTotal");
	RUN(read, "{ss}", "path", "/sys/kernel/mm/transparent_hugepage/enabled");
	cr_expect(!t.answer.result || t.bytes.len < 100);
	RUN(list, "{ss si si}", "path", "/", "depth", 2, "limit", 100000);
	cr_expect_geq(files_number(&t, "skipped"), 1);
	cr_expect(strstr(json_string_value(json_object_get(t.answer.result, "note")), "'/"));
}

/* The size when it is opened is the end. */
Test(files_hostile, a_file_that_grows_ends)
{
	const char *path = files_path(&c, "grows");
	static char block[1 << 20];
	files_put(path, block, sizeof(block));
	t = (struct files_talk){ .stalled = true };
	files_open(&c, &message_file_read, json_pack("{ss}", "path", path), &t);
	cr_assert(client_until(&c, t.total >= ALMOST));
	auto_close int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	cr_assert(write(fd, block, sizeof(block)) == sizeof(block));
	t.stalled = false;
	link_consumed(c.link, t.id, t.total);
	cr_assert(client_until(&c, t.answer.came));
	cr_expect_eq(files_number(&t, "bytes"), sizeof(block));
	/* And one that shrinks ends earlier. */
	files_done(&t);
	t = (struct files_talk){ .stalled = true };
	files_open(&c, &message_file_read, json_pack("{ss}", "path", path), &t);
	cr_assert(client_until(&c, t.total >= ALMOST));
	cr_assert(ftruncate(fd, 10) == 0);
	t.stalled = false;
	link_consumed(c.link, t.id, t.total);
	cr_assert(client_until(&c, t.answer.came));
	cr_expect_lt(files_number(&t, "bytes"), sizeof(block));
	cr_expect_eq(files_number(&t, "bytes"), t.total);
}

/* ---- much ---- */

Test(files_hostile, a_stalled_reader_delays_no_other)
{
	static char block[1 << 20];
	struct files_talk slow = { .stalled = true }, writer = { .keeps_open = true };
	files_put(files_path(&c, "big"), block, sizeof(block));
	files_open(&c, &message_file_read, json_pack("{ss}", "path", "big"), &slow);
	files_open(&c, &message_file_write, json_pack("{ss}", "path", "other"), &writer);
	cr_assert(client_until(&c, slow.total >= ALMOST && writer.messages));
	for (int i = 0; i < 20; i++) {
		RUN(stat, "{ss}", "path", "big");
		cr_assert(t.answer.result);
	}
	link_cancel(c.link, slow.id);
	link_cancel(c.link, writer.id);
	cr_assert(client_until(&c, slow.answer.came && writer.answer.came));
	cr_expect_eq(files_count(c.home), 1);
	files_done(&slow);
	files_done(&writer);
}

/* A hundred at once, of which a few have a thread. */
Test(files_hostile, many_requests_wait_for_their_turn)
{
	struct files_talk talks[100] = { 0 };
	files_put(files_path(&c, "file"), "text", 4);
	for (int i = 0; i < 100; i++) {
		files_open(&c, i % 2 ? &message_file_stat : &message_file_read,
			json_pack("{ss}", "path", "file"), &talks[i]);
		if (i % 10 == 0) {
			link_cancel(c.link, talks[i].id);
		}
	}
	for (int i = 0; i < 100; i++) {
		cr_assert(client_until(&c, talks[i].answer.came));
		cr_expect(talks[i].answer.result || i % 10 == 0);
		files_done(&talks[i]);
	}
}

#define MANY 100000

/* The first names are exact, however many there are; and it can be cancelled. */
Test(files_hostile, very_many_entries_are_bounded)
{
	char name[40];
	const char *d = files_path(&c, "many");
	mkdir(d, 0755);
	auto_close int dir = open(d, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	files_put(files_path(&c, "many/0000000"), "", 0);
	for (int i = 1; i < MANY;
		i++) { /* links cost no inodes; each takes some thousand of one file */
		static char from[40] = "0000000";
		snprintf(name, sizeof(name), "%07d", i);
		if (linkat(dir, from, dir, name, 0) < 0) {
			cr_assert(errno == EMLINK || errno == ENOSPC, "%s", strerror(errno));
			auto_close int fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
			cr_assert(fd >= 0, "%s", strerror(errno));
			snprintf(from, sizeof(from), "%s", name);
		}
	}
	RUN(list, "{ss si}", "path", "many", "limit", 5);
	cr_expect_eq(files_number(&t, "entries"), 5);
	cr_expect_eq(files_number(&t, "total"), MANY);
	cr_expect(json_is_true(json_object_get(t.answer.result, "limited")));
	cr_expect_str_eq(strrchr(row_path(4), '/') + 1, "0000004");
	files_done(&t);
	t.discards = true;
	files_open(
		&c, &message_file_list, json_pack("{ss si}", "path", "many", "limit", 90000), &t);
	link_cancel(c.link, t.id);
	cr_assert(client_until(&c, t.answer.came));
	files_done(&t);
	t.discards = true;
	files_run(&c, &message_file_list, json_pack("{ss si}", "path", "many", "limit", 90000), &t);
	cr_expect_eq(files_number(&t, "entries"), 90000);
	RUN(remove, "{ss sb}", "path", "many", "recursive", 1);
	cr_expect_eq(files_number(&t, "removed"), MANY + 1);
}

/* Deeper than descriptors and paths reach. */
Test(files_hostile, the_deepest_tree_is_removed)
{
	mkdir(files_path(&c, "top"), 0755);
	auto_close int at = open(files_path(&c, "top"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 3000; i++) {
		cr_assert(mkdirat(at, "deep", 0755) == 0);
		int next = openat(at, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	RUN(list, "{ss si}", "path", "top", "depth", 100);
	cr_expect_eq(files_number(&t, "entries"), 100);
	RUN(copy, "{ss ss}", "from", "top/deep", "to", "top/copy");
	files_must_fail(&t, ERR_LIMIT, "levels deep");
	cr_expect_eq(files_count(files_path(&c, "top")), 1, "the copy was removed");
	RUN(remove, "{ss sb}", "path", "top/deep", "recursive", 1);
	cr_expect_eq(files_number(&t, "removed"), 3000);
	cr_expect_eq(files_count(files_path(&c, "top")), 0);
}

/* ---- links ---- */

/* A program that swaps a directory for a link, as fast as it can, does not lead a removal astray. */
Test(files_hostile, a_race_with_links_leads_nowhere)
{
	mkdir(files_path(&c, "precious"), 0755);
	files_put(files_path(&c, "precious/file"), "x", 1);
	for (int round = 0; round < 30; round++) {
		mkdir(files_path(&c, "d"), 0755);
		mkdir(files_path(&c, "d/sub"), 0755);
		for (int i = 0; i < 50; i++) {
			files_put(files_path(&c, "d/sub/%d", i), "", 0);
		}
		files_done(&t);
		files_open(&c, &message_file_remove,
			json_pack("{ss sb}", "path", "d", "recursive", 1), &t);
		for (int i = 0; i < 20; i++) {
			rename(files_path(&c, "d/sub"), files_path(&c, "d/moved"));
			(void)!symlink("../precious", files_path(&c, "d/sub"));
			unlink(files_path(&c, "d/sub"));
			rename(files_path(&c, "d/moved"), files_path(&c, "d/sub"));
		}
		cr_assert(client_until(&c, t.answer.came));
		cr_assert_eq(files_count(files_path(&c, "precious")), 1);
		RUN(remove, "{ss sb sb}", "path", "d", "recursive", 1, "missing_ok", 1);
	}
}

Test(files_hostile, a_list_does_not_follow_links)
{
	mkdir(files_path(&c, "a"), 0755);
	(void)!symlink("..", files_path(&c, "a/up"));
	(void)!symlink("/etc", files_path(&c, "a/etc"));
	RUN(list, "{ss si}", "path", "~", "depth", 100);
	cr_expect_eq(files_number(&t, "entries"), 3);
	RUN(search, "{ss ss}", "path", "~", "regex", "root");
	cr_expect_eq(files_number(&t, "files"), 0);
}

/* ---- no room, no permission ---- */

/* A small file system of our own, if the host permits it; the agent is started in it. */
static bool own_small_disk(const char *dir)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];
	if (unshare(uid ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS) < 0) {
		return false;
	}
	if (uid) {
		snprintf(map, sizeof(map), "0 %d 1", uid);
		files_put("/proc/self/setgroups", "deny", 4);
		files_put("/proc/self/uid_map", map, strlen(map));
		snprintf(map, sizeof(map), "0 %d 1", gid);
		files_put("/proc/self/gid_map", map, strlen(map));
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", dir, "tmpfs", 0, "size=1m,nr_inodes=50") == 0;
}

static void no_inode_is_left(const char *dir)
{
	for (int i = 0;; i++) {
		char name[100];
		snprintf(name, sizeof(name), "%s/%d", dir, i);
		auto_close int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0) {
			cr_assert_eq(errno, ENOSPC);
			return;
		}
	}
}

Test(files_full, a_full_disk_is_told_and_keeps_its_files, .timeout = 60)
{
	char dir[] = "/tmp/vitrine-full-XXXXXX";
	cr_assert(mkdtemp(dir));
	if (!own_small_disk(dir)) {
		rmdir(dir);
		cr_skip_test("no file system of one's own is possible here");
	}
	start();
	auto_buf struct buf path = { 0 }, copy = { 0 };
	buf_printf(&path, "%s/file", dir);
	buf_printf(&copy, "%s/copy", dir);
	files_put(buf_text(&path), "old", 3);
	static const char *const ways[] = { "replace", "append" };
	for (size_t i = 0; i < 2; i++) {
		files_done(&t);
		files_write(&c,
			json_pack("{ss ss}", "path", i ? buf_text(&copy) : buf_text(&path), "how",
				ways[i]),
			NULL, 3000000, &t);
		files_must_fail(&t, ERR_LIMIT, "(ENOSPC)");
		cr_expect(strstr(t.answer.err.text, dir), "%s", t.answer.err.text);
		cr_expect_eq(files_count(dir), 1, "%s", ways[i]);
	}
	static char half[700000];
	files_put(buf_text(&path), half, sizeof(half));
	RUN(copy, "{ss ss}", "from", buf_text(&path), "to", buf_text(&copy));
	files_must_fail(&t, ERR_LIMIT, "(ENOSPC)");
	cr_expect_eq(files_count(dir), 1);
	no_inode_is_left(dir);
	files_put(buf_text(&path), "old", 3);
	files_done(&t);
	files_write(&c, json_pack("{ss}", "path", buf_text(&path)), "new", 3, &t);
	files_must_fail(&t, ERR_LIMIT, "(ENOSPC)");
	size_t len;
	auto_free char *kept = files_get(buf_text(&path), &len);
	cr_expect_str_eq(kept, "old");
	stop();
	umount(dir);
	rmdir(dir);
}

Test(files_hostile, what_is_not_permitted_is_told)
{
	if (getuid() == 0) {
		RUN(make_directory, "{ss}", "path", "/proc/new");
		files_must_fail(&t, ERR_NOT_FOUND, "'/proc/new'");
		RUN(remove, "{ss}", "path", "/proc/version");
		files_must_fail(&t, ERR_HOST, "(EPERM)");
		return;
	}
	write_text("/etc/passwd", "x");
	files_must_fail(&t, ERR_HOST, "'/etc/passwd': permission denied (EACCES)");
	RUN(remove, "{ss}", "path", "/etc/passwd");
	files_must_fail(&t, ERR_HOST, "(EACCES)");
}
