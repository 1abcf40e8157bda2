// USES image base
/* Archives that mean harm: whatever they hold, a build of `vitrine image build --from-tar` touches
 * nothing of the host, shows nothing of it in the image, and leaves nothing behind. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/spawn.h"
#include "vm/image/run.h"

#include "tests/support/hostile_image.h"
#include "tests/support/image_scratch.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/wait.h>

static struct err err;

TestSuite(image_hostile, .init = hostile_begin, .fini = hostile_end, .timeout = 800);

/* ---- one trick each ---- */

#define DEEP(name) \
	name "/" name "/" name "/" name "/" name "/" name "/" name "/" name "/" name "/" name
#define VERY_DEEP DEEP(DEEP("d")) "/" DEEP(DEEP("d")) /* 200 directories */

static const struct {
	const char *what;
	struct tar_entry more[5];
	const char *says; /* it is refused, with that; NULL: whatever the end is */
	bool works;
} tricks[] = {
	{ "a chain of links", { { '2', "run", "a" }, { '2', "a", "b" }, { '2', "b", "/HOST" },
				      { '0', "run/x", .text = "x" } } },
	{ "a loop of links", { { '2', "run", "a" }, { '2', "a", "run" } }, .works = true },
	{ "a link to itself", { { '2', "var", "var" } } },
	{ "a file through a link", { { '2', "a", "/HOST" }, { '0', "a/x", .text = "x" } } },
	{ "a file through a link up",
		{ { '2', "a", "../../../../../.." }, { '0', "a/HOST/x", .text = "x" } } },
	{ "a directory through a link",
		{ { '2', "a", "/HOST/etc" }, { '5', "a", .mode = 0777 }, { '5', "a/y" } } },
	{ "a hard link to a link",
		{ { '2', "a", "/HOST/x" }, { '1', "b", "a" }, { '0', "b", .text = "x" } } },
	{ "a hard link through a link", { { '2', "a", "/HOST" }, { '1', "b", "a/x" },
						{ '0', "b", .text = "x", .mode = 0777 } } },
	{ "names with ..", { { '0', "../../../../../HOST/x", .text = "x" },
				   { '0', "a/../../../../../../HOST/x", .text = "x" } } },
	{ "absolute names", { { '0', "/HOST/x", .text = "x" }, { '5', "/HOST/new" } } },
	{ "a device", { { '3', "etc/null" } }, "Cannot mknod" },
	{ "a disk", { { '4', "opt/disk" } }, "Cannot mknod" },
	{ "devices in dev", { { '3', "dev/null" }, { '3', "./dev/zero" }, { '4', "/dev/sda" } },
		.works = true },
	{ "other cases",
		{ { '2', "RUN", "/HOST" }, { '2', "Etc", "/HOST/etc" },
			{ '2', "VAR", "/HOST/var" } },
		.works = true },
	{ "programs that run as root",
		{ { '0', "bin/su", .text = "x", .mode = 06755 }, { '5', "bin/d", .mode = 07777 } },
		.works = true },
	{ "what nobody may read",
		{ { '5', "closed", .mode = 01000 },
			{ '0', "closed/file", .text = "x", .mode = 01000 } },
		.works = true },
	{ "owners of others", { { '0', "a", .owner = 65534 }, { '5', "b", .owner = 60000 } },
		.works = true },
	{ "an owner beyond all", { { '0', "a", .owner = 0x7f000000 } }, "Cannot change ownership" },
	{ "names that are no text",
		{ { '0', "etc/\xff\xfe\x80" }, { '0', "\x1b[2J\x07" },
			{ '0', "a\nvitrine: failed: x" }, { '2', "\xc3\x28", "\xff" } },
		.works = true },
	{ "a refused name that is no text", { { '3', "\x1b[2J\xff\n" } }, "Cannot mknod" },
	{ "a file that is all hole", { { 'S', "hole", .text = "x", .size = (uint64_t)1 << 40 } },
		"larger than 4096 MiB" },
	{ "a kernel that is all hole",
		{ { 'S', "boot/vmlinuz-" HOSTILE_RELEASE, .text = "x",
			.size = (uint64_t)1 << 31 } },
		"is not a kernel" },
	{ "a file that says it is huge",
		{ { '0', "huge", .text = "x", .size = (uint64_t)1 << 60 } }, "archive" },
	{ "a very deep tree", { { '0', VERY_DEEP "/x" } }, .works = true },
	{ "a name that is too long", { { '0', DEEP(VERY_DEEP) "/" DEEP(VERY_DEEP) } },
		"cannot unpack the archive" },
	{ "a kernel with a name for the terminal",
		{ { '0', "boot/vmlinuz-9\x1b[2J" }, { '0', "lib/modules/9\x1b[2J/modules.order" } },
		.works = true },
	{ "attributes",
		{ { 'x', "a",
			  .text = "29 SCHILY.xattr.user.a=value\n"
				  "35 SCHILY.xattr.trusted.a.b=value\n"
				  "46 SCHILY.xattr.security.capability=\x01\x02\x03garb\n" },
			{ '0', "etc/attributes" } } },
	{ "a name by attribute", { { 'x', "a", .text = "27 path=../../../../HOST/x\n" },
					 { '0', "etc/harmless", .text = "x" } } },
	{ "a link by attribute",
		{ { 'x', "a", .text = "18 linkpath=/HOST\n" }, { '2', "run", "harmless" },
			{ '0', "run/x", .text = "x" } } },
	{ "a file in the place of the root", { { '0', "." }, { '0', "./" } } },
	{ "a link in the place of the root", { { '2', ".", "/HOST" }, { '0', "x", .text = "x" } } },
};

/* "HOST" stands for the host's directory, without the slash in front. */
static void put_host(const char *text, char *to, size_t size)
{
	const char *at = strstr(text, "HOST");
	snprintf(to, size, "%.*s%s%s", at ? (int)(at - text) : (int)strlen(text), text,
		at ? image_path("host") + 1 : "", at ? at + 4 : "");
}

Test(image_hostile, tricks)
{
	hostile_skip_where_it_cannot_be();
	for (size_t i = 0; i < sizeof(tricks) / sizeof(*tricks); i++) {
		struct tar_entry more[6] = { 0 };
		char names[5][5000], tos[5][200];
		for (size_t j = 0; j < 5 && tricks[i].more[j].name; j++) {
			more[j] = tricks[i].more[j];
			put_host(more[j].name, names[j], sizeof(names[j]));
			more[j].name = names[j];
			if (more[j].to) {
				put_host(more[j].to, tos[j], sizeof(tos[j]));
				more[j].to = tos[j];
			}
		}
		for (int first = 0; first < 2; first++) {
			hostile_plain = first;
			auto_buf struct buf said = { 0 };
			bool good = hostile_attempt(tricks[i].what, more, first, &said);
			cr_expect(good || !tricks[i].works, "%s is refused: %s", tricks[i].what,
				buf_text(&said));
			/* What comes behind may have taken the place of what is refused. */
			cr_expect(!tricks[i].says || first ||
					  (!good && hostile_has_text(&said, tricks[i].says)),
				"%s: %s", tricks[i].what, buf_text(&said));
		}
	}
}

/* ---- what a build may rely on ---- */

Test(image_hostile, only_dev_at_the_top_is_left_out)
{
	static const struct tar_entry more[] = { { '0', "opt/app/dev/config",
							 .text = "NESTED-DEV" },
		{ '0', "dev/file", .text = "TOP-DEV" }, { .name = NULL } };
	auto_buf struct buf said = { 0 }, image = { 0 };
	hostile_skip_where_it_cannot_be();
	cr_assert(hostile_attempt("files in dev", more, false, &said), "%s", buf_text(&said));
	hostile_read_image(&image);
	cr_assert(hostile_has_text(&image, "NESTED-DEV"));
	cr_assert_not(hostile_has_text(&image, "TOP-DEV"));
}

Test(image_hostile, each_compression_is_unpacked_and_damage_is_told)
{
	static const char *const programs[] = { "gzip", "xz", "zstd", "bzip2" };
	hostile_skip_where_it_cannot_be();
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		auto_buf struct buf said = { 0 }, image = { 0 }, packed = { 0 }, again = { 0 };
		const char *argv[] = { programs[i], "-c", image_path("root.tar"), NULL };
		static const struct tar_entry more[] = { { '0', "opt/file", .text = "UNPACKED" },
			{ .name = NULL } };
		hostile_empty_state();
		hostile_make_archive(more, false);
		cr_assert(run_program(&(struct run){ .argv = argv, .out = &packed }, &err), "%s",
			err.text);
		hostile_write(image_path("root.tar"), &packed);
		cr_assert(hostile_build(programs[i], &said), "%s", buf_text(&said));
		hostile_read_image(&image);
		cr_assert(hostile_has_text(&image, "UNPACKED"), "%s", programs[i]);
		hostile_empty_state();
		packed.len /= 2;
		hostile_write(image_path("root.tar"), &packed);
		cr_assert_not(hostile_build(programs[i], &again));
		cr_assert(hostile_has_text(&again, "truncated or damaged"), "%s", buf_text(&again));
	}
}

/* ---- what a killed build leaves ---- */

/* The directory of the unfinished image, open; -1: there is none. */
static int open_unfinished(void)
{
	int fd = -1;
	DIR *dir = opendir(image_path("state/images"));
	for (struct dirent *entry; dir && fd < 0 && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.' && strlen(entry->d_name) > 2) {
			fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		}
	}
	if (dir) {
		closedir(dir);
	}
	return fd;
}

static void make_large_archive(void)
{
	auto_buf struct buf tar = { 0 };
	tar_add_all(&tar, hostile_sound);
	for (int i = 0; i < 20000; i++) {
		char name[40];
		snprintf(name, sizeof(name), "opt/%d/%d", i / 100, i);
		tar_add(&tar, &(struct tar_entry){ '0', name, .text = "x", .owner = 1000 });
	}
	tar_end(&tar);
	hostile_write(image_path("root.tar"), &tar);
}

Test(image_hostile, a_killed_build_leaves_nothing_that_runs_and_the_next_clears_it_away)
{
	int ends[2], status;
	char bytes[4096];
	auto_buf struct buf said = { 0 }, more = { 0 };
	hostile_skip_where_it_cannot_be();
	make_large_archive();
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	const char *argv[] = { hostile_vitrine(), "image", "build", "--from-tar",
		image_path("root.tar"), "--state-dir", image_path("state"), NULL };
	const struct spawn_fd fds[] = { { ends[1], 1 }, { ends[1], 2 } };
	pid_t pid = spawn_start(&(struct spawn){ .argv = argv, .fds = fds, .n_fds = 2 }, &err);
	cr_assert_gt(pid, 0, "%s", err.text);
	close(ends[1]);
	while (!hostile_has_text(&said, "unpacking")) {
		ssize_t n = read(ends[0], bytes, sizeof(bytes));
		cr_assert_gt(n, 0, "%s", said.len ? buf_text(&said) : "");
		buf_append(&said, bytes, (size_t)n);
	}
	auto_close int unfinished = open_unfinished();
	cr_assert_geq(unfinished, 0);
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status));
	/* What runs within the walls holds a lock on it. */
	int work = openat(unfinished, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(work, 0, "it was in the middle of it");
	cr_assert_eq(flock(work, LOCK_EX), 0);
	close(work);
	close(ends[0]);
	cr_assert(hostile_build("the next build", &more), "%s", buf_text(&more));
	hostile_expect_nothing_unfinished("the next build");
}
