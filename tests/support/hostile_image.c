#include "tests/support/hostile_image.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "vm/image/isolation.h"
#include "vm/image/subids.h"
#include "vm/image/run.h"

#include "tests/support/image_scratch.h"

#include <dirent.h>
#include <sys/xattr.h>

#define SECRET "CANARY-OF-THE-HOST-7d1f"

static struct err err;
static struct buf before; /* what the host's directory is like */
static unsigned tried;

/* ---- the host ---- */

/* Whatever a build does by name in a tree is here to be hit. */
static const char *const host_files[] = { "etc/passwd", "etc/hostname", "etc/apt/auth.conf",
	"etc/apt/auth.conf.d/key", "etc/apt/apt.conf.d/00mmdebstrap", "etc/machine-id",
	"etc/sudoers.d/vitrine", "etc/vitrine/warm", "home/user/note", "run/lock/x", "run/x",
	"tmp/x", "mnt/x", "dev/x", "proc/x", "sys/x", "boot/vmlinuz-" HOSTILE_RELEASE,
	HOSTILE_MODULES "modules.order", "var/log/x", "var/tmp/x", "var/cache/apt/x",
	"var/cache/debconf/x", "var/lib/apt/lists/x", "var/lib/dpkg/status",
	"var/lib/dpkg/available", "var/lib/dbus/machine-id", "usr/share/doc-base/x", "usr/bin/x",
	"x", "lock", "user/x", "kernel/x", "view/x" };

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

void hostile_begin(void)
{
	image_scratch_make();
	chmod(image_scratch, 0755);
	no_subids = !subids_check(&err);
	make_host();
	describe(image_path("host"), &before);
}

void hostile_end(void)
{
	expect_host_as_it_was("the test");
	buf_done(&before);
	fprintf(stderr, "%u hostile archives were tried\n", tried);
	image_scratch_remove();
}

/* All that a desktop needs, and a kernel, so that nothing has to be fetched. */
const struct tar_entry hostile_sound[] = {
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
	{ '0', "./boot/vmlinuz-" HOSTILE_RELEASE, .text = "kernel" },
	{ '0', "./" HOSTILE_MODULES "modules.order",
		.text = "kernel/virtio_mmio.ko\nkernel/virtio_blk.ko\n"
			"kernel/virtio_console.ko\nkernel/virtio_net.ko\nkernel/virtio_rng.ko\n"
			"kernel/erofs.ko\nkernel/overlay.ko\n" },
	{ '0', "./" HOSTILE_MODULES "modules.builtin", .text = "" },
	{ '0', "./" HOSTILE_MODULES "kernel/virtio_mmio.ko", .text = "m" },
	{ '0', "./" HOSTILE_MODULES "kernel/virtio_blk.ko", .text = "m" },
	{ '0', "./" HOSTILE_MODULES "kernel/virtio_console.ko", .text = "m" },
	{ '0', "./" HOSTILE_MODULES "kernel/virtio_net.ko", .text = "m" },
	{ '0', "./" HOSTILE_MODULES "kernel/virtio_rng.ko", .text = "m" },
	{ '0', "./" HOSTILE_MODULES "kernel/erofs.ko", .text = "m" },
	{ '0', "./" HOSTILE_MODULES "kernel/overlay.ko", .text = "m" },
	{ .name = NULL },
};

void hostile_write(const char *path, const struct buf *bytes)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	cr_assert(fd >= 0 && write(fd, bytes->data, bytes->len) == (ssize_t)bytes->len, "%s", path);
}

bool hostile_plain;

/* The release build's program, where there is one and the sanitizers are not wanted. */
const char *hostile_vitrine(void)
{
	static char path[600];
	const char *source = getenv("VITRINE_SOURCE");
	cr_assert_not_null(getenv("VITRINE_BUILD"), "run it by ctest");
	snprintf(path, sizeof(path), "%s/build/vitrine", source ? source : ".");
	if (!hostile_plain || access(path, X_OK) < 0) {
		snprintf(path, sizeof(path), "%s/vitrine", getenv("VITRINE_BUILD"));
	}
	return path;
}

void hostile_expect_nothing_unfinished(const char *what)
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
void hostile_read_image(struct buf *out)
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

bool hostile_has_text(const struct buf *bytes, const char *text)
{
	return bytes->len && memmem(bytes->data, bytes->len, text, strlen(text));
}

void hostile_empty_state(void)
{
	auto_close int state = open(image_path("state"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(state < 0 || root_empty(state, ".", &err), "%s", err.text);
}

/* Builds what is in the file; what it says goes to *said. */
bool hostile_build(const char *what, struct buf *said)
{
	const char *tar = image_path("root.tar"), *state = image_path("state");
	const char *argv[] = { hostile_vitrine(), "image", "build", "--from-tar", tar,
		"--state-dir", state, NULL };
	bool good =
		run_program(&(struct run){ .argv = argv, .out = said, .errors_too = true }, &err);
	if (!good && hostile_has_text(said, "namespaces cannot be created")) {
		cr_skip_test("%s", buf_text(said));
	}
	cr_assert(said->len && !hostile_has_text(said, "Sanitizer") &&
			  !hostile_has_text(said, "runtime error") &&
			  !hostile_has_text(said, "\x1b") && (good || strstr(err.text, "status 1")),
		"%s: %s: %s", what, err.text, said->len ? buf_text(said) : "");
	expect_host_as_it_was(what);
	hostile_expect_nothing_unfinished(what);
	return good;
}

/* An archive with `more`, in front of what a root file system needs, or behind it. */
void hostile_make_archive(const struct tar_entry *more, bool first)
{
	auto_buf struct buf tar = { 0 };
	char host[700];
	snprintf(host, sizeof(host), ".%s/host/etc",
		image_scratch); /* a link's end is there inside */
	if (first) {
		tar_add_all(&tar, more);
	}
	tar_add_all(&tar, hostile_sound);
	tar_add(&tar, &(struct tar_entry){ '5', host });
	if (!first) {
		tar_add_all(&tar, more);
	}
	tar_end(&tar);
	hostile_write(image_path("root.tar"), &tar);
}

/* True: it is an image, without anything of the host's. */
bool hostile_attempt(const char *what, const struct tar_entry *more, bool first, struct buf *said)
{
	auto_buf struct buf image = { 0 };
	hostile_empty_state();
	hostile_make_archive(more, first);
	bool good = hostile_build(what, said);
	hostile_read_image(&image);
	cr_assert(good == (image.len > 0));
	cr_assert_not(
		hostile_has_text(&image, SECRET), "%s: files of the host are in the image", what);
	tried++;
	return good;
}

void hostile_skip_where_it_cannot_be(void)
{
	if (no_subids) {
		cr_skip_test("%s", err.text);
	}
}
