// USES image base
/* Archives that mean harm: whatever they hold, a build of `vitrine image build --from-tar` touches
 * nothing of the host, shows nothing of it in the image, and leaves nothing behind. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/spawn.h"
#include "vm/image/run.h"
#include "vm/image/walls.h"

#include "tests/support/image_scratch.h"
#include "tests/support/tar_writer.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define SECRET "CANARY-OF-THE-HOST-7d1f"
#define RELEASE "6.1.0-9-test"
#define MODULES "lib/modules/" RELEASE "/"

static struct err err;
static struct buf before; /* what the host's directory is like */
static unsigned tried;

/* ---- the host ---- */

/* Whatever a build does by name in a tree is here to be hit. */
static const char *const host_files[] = { "etc/passwd", "etc/hostname", "etc/apt/auth.conf",
	"etc/apt/auth.conf.d/key", "etc/apt/apt.conf.d/00mmdebstrap", "etc/machine-id",
	"etc/sudoers.d/vitrine", "etc/vitrine/warm", "home/user/note", "run/lock/x", "run/x",
	"tmp/x", "mnt/x", "dev/x", "proc/x", "sys/x", "boot/vmlinuz-" RELEASE,
	MODULES "modules.order", "var/log/x", "var/tmp/x", "var/cache/apt/x", "var/cache/debconf/x",
	"var/lib/apt/lists/x", "var/lib/dpkg/status", "var/lib/dpkg/available",
	"var/lib/dbus/machine-id", "usr/share/doc-base/x", "usr/bin/x", "x", "lock", "user/x",
	"kernel/x", "view/x" };

static void make_above(const char *path)
{
	char part[600];
	snprintf(part, sizeof(part), "%s", path);
	for (char *at = part + strlen(image_scratch) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(part, 0755);
		*at = '/';
	}
}

static void make_host(void)
{
	for (size_t i = 0; i < sizeof(host_files) / sizeof(*host_files); i++) {
		const char *path = image_path("host/%s", host_files[i]);
		make_above(path);
		image_put(path, SECRET "\n");
		chmod(path, i % 2 ? 0600 : 0644);
	}
	(void)!setxattr(image_path("host/x"), "user.canary", "1", 1, 0);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A line for each file: contents and all that a stat() tells but when it was read. */
static void describe(const char *path, struct buf *out)
{
	struct stat st;
	struct dirent **names = NULL;
	cr_assert_eq(lstat(path, &st), 0, "%s", path);
	buf_printf(out, "%s %o %u %u %lu %lld %lld.%ld %lld.%ld ", path, st.st_mode, st.st_uid,
		st.st_gid, (unsigned long)st.st_nlink, (long long)st.st_size,
		(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec,
		st.st_ctim.tv_nsec);
	if (S_ISREG(st.st_mode)) {
		auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
		cr_assert(file_read(fd, 1 << 20, path, out, &err), "%s", err.text);
	}
	int n = S_ISDIR(st.st_mode) ? scandir(path, &names, NULL, by_name) : 0;
	buf_printf(out, "%d\n", n);
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0) {
			auto_buf struct buf below = { 0 };
			buf_printf(&below, "%s/%s", path, names[i]->d_name);
			describe(buf_text(&below), out);
		}
		free(names[i]);
	}
	free(names);
}

static void expect_host_as_it_was(const char *what)
{
	auto_buf struct buf after = { 0 };
	describe(image_path("host"), &after);
	cr_assert(after.len == before.len && memcmp(after.data, before.data, after.len) == 0,
		"%s has changed the host's files:\n%s", what, buf_text(&after));
}

/* ---- builds ---- */

static bool no_subids;

static void begin(void)
{
	image_scratch_make();
	chmod(image_scratch, 0755);
	no_subids = !walls_check(&err);
	make_host();
	describe(image_path("host"), &before);
}

static void end(void)
{
	expect_host_as_it_was("the test");
	buf_done(&before);
	fprintf(stderr, "%u hostile archives were tried\n", tried);
	image_scratch_remove();
}

TestSuite(image_hostile, .init = begin, .fini = end, .timeout = 800);

/* All that a desktop needs, and a kernel, so that nothing has to be fetched. */
static const struct tar_entry sound[] = {
	{ '5', "./" },
	{ '0', "./bin/sh" },
	{ '0', "./usr/bin/Xvnc" },
	{ '0', "./usr/bin/xkbcomp" },
	{ '0', "./usr/bin/openbox" },
	{ '0', "./usr/bin/tint2" },
	{ '0', "./usr/bin/dbus-daemon" },
	{ '5', "./usr/share/X11/xkb/rules" },
	{ '5', "./usr/share/fonts" },
	{ '0', "./etc/passwd", .text = "root:x:0:0:root:/root:/bin/sh\n" },
	{ '0', "./boot/vmlinuz-" RELEASE, .text = "kernel" },
	{ '0', "./" MODULES "modules.order",
		.text = "kernel/virtio_mmio.ko\nkernel/virtio_blk.ko\n"
			"kernel/virtio_console.ko\nkernel/virtio_net.ko\nkernel/virtio_rng.ko\n"
			"kernel/erofs.ko\nkernel/overlay.ko\n" },
	{ '0', "./" MODULES "modules.builtin", .text = "" },
	{ '0', "./" MODULES "kernel/virtio_mmio.ko", .text = "m" },
	{ '0', "./" MODULES "kernel/virtio_blk.ko", .text = "m" },
	{ '0', "./" MODULES "kernel/virtio_console.ko", .text = "m" },
	{ '0', "./" MODULES "kernel/virtio_net.ko", .text = "m" },
	{ '0', "./" MODULES "kernel/virtio_rng.ko", .text = "m" },
	{ '0', "./" MODULES "kernel/erofs.ko", .text = "m" },
	{ '0', "./" MODULES "kernel/overlay.ko", .text = "m" },
	{ .name = NULL },
};

static void write_file(const char *path, const struct buf *bytes)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	cr_assert(fd >= 0 && write(fd, bytes->data, bytes->len) == (ssize_t)bytes->len, "%s", path);
}

static bool plain; /* without the sanitizers, whose four starts make up most of a build */

/* The release build's program, where there is one and the sanitizers are not wanted. */
static const char *vitrine(void)
{
	static char path[600];
	const char *source = getenv("VITRINE_SOURCE");
	cr_assert_not_null(getenv("VITRINE_BUILD"), "run it by ctest");
	snprintf(path, sizeof(path), "%s/build/vitrine", source ? source : ".");
	if (!plain || access(path, X_OK) < 0) {
		snprintf(path, sizeof(path), "%s/vitrine", getenv("VITRINE_BUILD"));
	}
	return path;
}

static void expect_nothing_unfinished(const char *what)
{
	DIR *dir = opendir(image_path("state/images"));
	cr_assert(rmdir(image_path("state/trash")) == 0 &&
			  mkdir(image_path("state/trash"), 0700) == 0,
		"%s leaves trash behind", what);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		cr_assert(entry->d_name[0] != '.' || strlen(entry->d_name) <= 2,
			"%s leaves %s behind", what, entry->d_name);
	}
	if (dir) {
		closedir(dir);
	}
}

/* The image's file system, as there is one image. */
static void read_image(struct buf *out)
{
	DIR *dir = opendir(image_path("state/images"));
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (entry->d_name[0] != '.') {
			auto_close int fd =
				open(image_path("state/images/%s/root.erofs", entry->d_name),
					O_RDONLY | O_CLOEXEC);
			cr_assert(file_read(fd, (size_t)1 << 30, "the image", out, &err), "%s",
				err.text);
		}
	}
	if (dir) {
		closedir(dir);
	}
}

static bool has_text(const struct buf *bytes, const char *text)
{
	return bytes->len && memmem(bytes->data, bytes->len, text, strlen(text));
}

static void empty_state(void)
{
	auto_close int state = open(image_path("state"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(state < 0 || root_empty(state, ".", &err), "%s", err.text);
}

/* Builds what is in the file; what it says goes to *said. */
static bool build(const char *what, struct buf *said)
{
	const char *tar = image_path("root.tar"), *state = image_path("state");
	const char *argv[] = { vitrine(), "image", "build", "--from-tar", tar, "--state-dir", state,
		NULL };
	bool good =
		run_program(&(struct run){ .argv = argv, .out = said, .errors_too = true }, &err);
	if (!good && has_text(said, "namespaces cannot be created")) {
		cr_skip_test("%s", buf_text(said));
	}
	cr_assert(said->len && !has_text(said, "Sanitizer") && !has_text(said, "runtime error") &&
			  !has_text(said, "\x1b") && (good || strstr(err.text, "status 1")),
		"%s: %s: %s", what, err.text, said->len ? buf_text(said) : "");
	expect_host_as_it_was(what);
	expect_nothing_unfinished(what);
	return good;
}

/* An archive with `more`, in front of what a root file system needs, or behind it. */
static void make_archive(const struct tar_entry *more, bool first)
{
	auto_buf struct buf tar = { 0 };
	char host[700];
	snprintf(host, sizeof(host), ".%s/host/etc",
		image_scratch); /* a link's end is there inside */
	if (first) {
		tar_add_all(&tar, more);
	}
	tar_add_all(&tar, sound);
	tar_add(&tar, &(struct tar_entry){ '5', host });
	if (!first) {
		tar_add_all(&tar, more);
	}
	tar_end(&tar);
	write_file(image_path("root.tar"), &tar);
}

/* True: it is an image, without anything of the host's. */
static bool attempt(const char *what, const struct tar_entry *more, bool first, struct buf *said)
{
	auto_buf struct buf image = { 0 };
	empty_state();
	make_archive(more, first);
	bool good = build(what, said);
	read_image(&image);
	cr_assert(good == (image.len > 0));
	cr_assert_not(has_text(&image, SECRET), "%s: files of the host are in the image", what);
	tried++;
	return good;
}

static void skip_where_it_cannot_be(void)
{
	if (no_subids) {
		cr_skip_test("%s", err.text);
	}
}

/* ---- something else in the place of each directory and file that a build touches ---- */

static const char *const places[] = { "run", "tmp", "mnt", "dev", "proc", "sys", "boot", "etc",
	"home", "home/user", "var", "var/tmp", "var/log", "var/cache", "var/cache/apt",
	"var/cache/debconf", "var/lib", "var/lib/apt", "var/lib/apt/lists", "var/lib/dpkg",
	"var/lib/dpkg/status", "var/lib/dbus", "var/lib/dbus/machine-id", "usr", "usr/share/fonts",
	"usr/share/doc-base", "lib", "lib/modules", MODULES "modules.order",
	MODULES "kernel/erofs.ko", "boot/vmlinuz-" RELEASE, "etc/apt", "etc/apt/auth.conf",
	"etc/apt/auth.conf.d", "etc/vitrine", "etc/sudoers.d", "etc/hostname", "etc/hosts",
	"etc/passwd", "etc/group", "etc/shadow", "etc/machine-id", "etc/resolv.conf", "vmlinuz",
	"kernel", "view", "tree" };
#define PLACES (sizeof(places) / sizeof(*places))

/* An entry of the one or the other type at each place; targets: of links, in turn.  What is
 * asserted is what happens on disk; the code that runs is the same at each place, so the sanitizers
 * watch it at some. */
static void try_places(const char *kind, const char types[2], const char *const *targets)
{
	skip_where_it_cannot_be();
	for (size_t i = 0; i < PLACES; i++) {
		const char *target = targets ? targets[i / 2 % 2] : NULL;
		auto_buf struct buf said = { 0 };
		char what[200], to[200];
		snprintf(to, sizeof(to), "%s/%s", target ? target : "", i % 3 ? places[i] : "");
		snprintf(what, sizeof(what), "%s at %s", kind, places[i]);
		const struct tar_entry more[] = {
			{ types[i % 2], places[i], .to = target ? to : NULL }, { .name = NULL }
		};
		plain = i % 12 != 0;
		attempt(what, more, i % 4 < 2, &said);
	}
}

Test(image_hostile, absolute_links_at_each_place)
{
	char host[600];
	snprintf(host, sizeof(host), "%s", image_path("host"));
	const char *const targets[] = { host, host };
	try_places("an absolute link", "22", targets);
}

Test(image_hostile, relative_links_at_each_place)
{
	char up[600], more[600];
	snprintf(up, sizeof(up), "../../../../../../..%s", image_path("host"));
	snprintf(more, sizeof(more), "./../../../../../../../../..%s/.", image_path("host"));
	const char *const targets[] = { up, more };
	try_places("a relative link", "22", targets);
}

Test(image_hostile, links_to_the_root_at_each_place)
{
	static const char *const root_and_proc[] = { "/", "/proc/self/root" };
	try_places("a link to the root", "22", root_and_proc);
}

Test(image_hostile, hard_links_at_each_place)
{
	char host[600], up[600];
	snprintf(host, sizeof(host), "%s", image_path("host"));
	snprintf(up, sizeof(up), "../../../../../../..%s", image_path("host"));
	const char *const targets[] = { host, up };
	try_places("a hard link or a link", "12", targets);
}

Test(image_hostile, files_and_pipes_at_each_place)
{
	try_places("a file or a pipe", "06", NULL);
}

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
		{ { 'S', "boot/vmlinuz-" RELEASE, .text = "x", .size = (uint64_t)1 << 31 } },
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
	skip_where_it_cannot_be();
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
			plain = first;
			auto_buf struct buf said = { 0 };
			bool good = attempt(tricks[i].what, more, first, &said);
			cr_expect(good || !tricks[i].works, "%s is refused: %s", tricks[i].what,
				buf_text(&said));
			/* What comes behind may have taken the place of what is refused. */
			cr_expect(!tricks[i].says || first ||
					  (!good && has_text(&said, tricks[i].says)),
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
	skip_where_it_cannot_be();
	cr_assert(attempt("files in dev", more, false, &said), "%s", buf_text(&said));
	read_image(&image);
	cr_assert(has_text(&image, "NESTED-DEV"));
	cr_assert_not(has_text(&image, "TOP-DEV"));
}

Test(image_hostile, each_compression_is_unpacked_and_damage_is_told)
{
	static const char *const programs[] = { "gzip", "xz", "zstd", "bzip2" };
	skip_where_it_cannot_be();
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		auto_buf struct buf said = { 0 }, image = { 0 }, packed = { 0 }, again = { 0 };
		const char *argv[] = { programs[i], "-c", image_path("root.tar"), NULL };
		static const struct tar_entry more[] = { { '0', "opt/file", .text = "UNPACKED" },
			{ .name = NULL } };
		empty_state();
		make_archive(more, false);
		cr_assert(run_program(&(struct run){ .argv = argv, .out = &packed }, &err), "%s",
			err.text);
		write_file(image_path("root.tar"), &packed);
		cr_assert(build(programs[i], &said), "%s", buf_text(&said));
		read_image(&image);
		cr_assert(has_text(&image, "UNPACKED"), "%s", programs[i]);
		empty_state();
		packed.len /= 2;
		write_file(image_path("root.tar"), &packed);
		cr_assert_not(build(programs[i], &again));
		cr_assert(has_text(&again, "truncated or damaged"), "%s", buf_text(&again));
		tried++;
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
	tar_add_all(&tar, sound);
	for (int i = 0; i < 20000; i++) {
		char name[40];
		snprintf(name, sizeof(name), "opt/%d/%d", i / 100, i);
		tar_add(&tar, &(struct tar_entry){ '0', name, .text = "x", .owner = 1000 });
	}
	tar_end(&tar);
	write_file(image_path("root.tar"), &tar);
}

Test(image_hostile, a_killed_build_leaves_nothing_that_runs_and_the_next_clears_it_away)
{
	int ends[2], status;
	char bytes[4096];
	auto_buf struct buf said = { 0 }, more = { 0 };
	skip_where_it_cannot_be();
	make_large_archive();
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	const char *argv[] = { vitrine(), "image", "build", "--from-tar", image_path("root.tar"),
		"--state-dir", image_path("state"), NULL };
	const struct spawn_fd fds[] = { { ends[1], 1 }, { ends[1], 2 } };
	pid_t pid = spawn_start(&(struct spawn){ .argv = argv, .fds = fds, .n_fds = 2 }, &err);
	cr_assert_gt(pid, 0, "%s", err.text);
	close(ends[1]);
	while (!has_text(&said, "unpacking")) {
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
	cr_assert(build("the next build", &more), "%s", buf_text(&more));
	expect_nothing_unfinished("the next build");
}
