/*
 * The finisher: the last step of mmdebstrap, or the only step for an archive.  It runs in isolation
 * (isolation.h) and converts a tree to an image's files, which are passed as descriptors (plan.h).  The
 * complete tree is accessed only through root.h, so links cannot lead out of it; programs get its
 * top, and write outside of it.  It runs sequentially and reports its steps on stderr.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "vm/image/cpio.h"
#include "vm/image/host.h"
#include "vm/image/isolation.h"
#include "vm/image/kernel.h"
#include "vm/image/plan.h"
#include "vm/image/root.h"
#include "vm/image/rootfs.h"
#include "vm/image/run.h"
#include "vm/image/store.h"
#include "vm/image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

/* Fixed time of the image's files, and name of the file system, so that the same tree gives the
 * same bytes. */
#define FIXED_TIME "1700000000"
#define FIXED_UUID "6d616368-696e-4573-a265-686967676c61"
#define WORK ISOLATION_TMP "/kernel"
#define VIEW ISOLATION_TMP "/view"
/* maximum size of a file in MiB: kernels are downloaded, too */
#define FILE_MIN ((int64_t)256)
#define ROOM_MIN ((uint64_t)16 << 20) /* below this, a disk counts as full */

struct finish {
	struct plan plan;
	const char *path; /* of the tree */
	int root;
	struct kernel kernel;
	struct buf packages;
	char id[IMAGE_ID_LEN + 1];
};

static void report(const char *what)
{
	fprintf(stderr, PLAN_PREFIX "%s\n", what);
}

static bool read_fd(int fd, size_t max, const char *what, struct buf *out, struct err *err)
{
	lseek(fd, 0, SEEK_SET);
	return file_read(fd, max, what, out, err);
}

static bool write_fd(int fd, const struct buf *bytes, const char *what, struct err *err)
{
	for (size_t at = 0; at < bytes->len;) {
		ssize_t n = write(fd, bytes->data + at, bytes->len - at);
		if (n < 0 && errno != EINTR) {
			return err_errno(err, "cannot write %s", what);
		}
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* ---- steps ---- */

static bool unpack(struct finish *finish, struct err *err)
{
	uint64_t bytes = (uint64_t)finish->plan.disk_mib << 20;
	const struct unpack_limits limits = { 2 * bytes, bytes, UNPACK_FILES_MAX };
	report("unpacking the archive");
	return unpack_tar(finish->root, PLAN_TAR, &limits, err) && rootfs_check(finish->root, err);
}

static bool fetch_kernel(struct finish *finish, struct err *err)
{
	report("fetching the kernel");
	if (mkdir(WORK, 0755) < 0) {
		return err_errno(err, "cannot make the directory '" WORK "'");
	}
	return (!finish->plan.from_tar || host_read_lists(WORK, err)) &&
	       kernel_fetch(WORK, &finish->kernel, err);
}

/* An archive's own kernel is preferred to Debian's. */
static bool take_kernel(struct finish *finish, struct err *err)
{
	return (finish->plan.from_tar && kernel_in_tree(finish->root, &finish->kernel)) ||
	       fetch_kernel(finish, err);
}

static bool make_id(struct finish *finish, struct err *err)
{
	struct plan_digest *digest = plan_digest_new();
	if (!rootfs_packages(finish->root, &finish->packages, err)) {
		plan_digest_end(digest, finish->id, 0);
		return false;
	}
	if (finish->kernel.package[0]) {
		buf_printf(&finish->packages, "%s\n", finish->kernel.package);
	}
	if (!finish->packages.len) {
		buf_printf(&finish->packages, "linux %s\n", finish->kernel.release);
	}
	plan_digest_add(digest, finish->plan.seed, strlen(finish->plan.seed));
	plan_digest_add(digest, finish->kernel.release, strlen(finish->kernel.release));
	plan_digest_add(digest, finish->packages.data, finish->packages.len);
	plan_digest_end(digest, finish->id, IMAGE_ID_LEN);
	return true;
}

static bool is_there(const struct finish *finish)
{
	size_t i;
	const json_t *id;
	json_array_foreach((json_t *)finish->plan.have, i, id)
	{
		if (json_is_string(id) && strcmp(json_string_value(id), finish->id) == 0) {
			return true;
		}
	}
	return false;
}

static bool dress(struct finish *finish, struct err *err)
{
	auto_buf struct buf files = { 0 };
	report("adding files and accounts");
	return read_fd(PLAN_FILES, CPIO_FILE_MAX, "the recipe's files", &files, err) &&
	       rootfs_add_users(finish->root, finish->plan.users, err) &&
	       rootfs_unpack(finish->root, &files, finish->plan.users, err);
}

/*
 * Otherwise programs would read each font at their first start, which takes seconds.  A cache is
 * valid while the folder's time is unchanged; all folders get the fixed one. Programs of foreign
 * archives are not run.
 */
static bool cache_fonts(struct finish *finish, struct err *err)
{
	const char *touch[] = { "chroot", finish->path, "find", "-L", "/usr/share/fonts", "-type",
		"d", "-exec", "touch", "-d", "@" FIXED_TIME, "{}", "+", NULL };
	const char *cache[] = { "chroot", finish->path, "fc-cache", "--system-only", "--force",
		NULL };
	if (finish->plan.from_tar || !root_has(finish->root, "usr/bin/fc-cache")) {
		return true;
	}
	return run_program(&(struct run){ .argv = touch }, err) &&
	       run_program(&(struct run){ .argv = cache }, err);
}

static bool make_initramfs(struct finish *finish, struct err *err)
{
	auto_buf struct buf init = { 0 }, initramfs = { 0 };
	return kernel_copy_image(&finish->kernel, PLAN_VMLINUZ, err) &&
	       read_fd(PLAN_INIT, CPIO_FILE_MAX, "vitrine-init", &init, err) &&
	       initramfs_make(&finish->kernel, &init, &initramfs, err) &&
	       write_fd(PLAN_INITRAMFS, &initramfs, "the initramfs", err);
}

/* mkfs.erofs 1.5 skips what it could not write, and reports success. */
static bool check_output(const struct buf *output, bool ended_well, struct err *err)
{
	struct statvfs fs;
	const char *error = output->len ? strstr(buf_text(output), "<E>") : NULL;
	if (!error) {
		return ended_well;
	}
	if (fstatvfs(PLAN_ROOT_EROFS, &fs) == 0 && fs.f_bavail * fs.f_frsize < ROOM_MIN) {
		return err_set(err, ERR_LIMIT,
			"no disk space left in the state directory for the root file system");
	}
	return err_set(err, ERR_HOST, "mkfs.erofs: %.*s", (int)strcspn(error, "\n"), error);
}

/* The tree without mmdebstrap's mounts, at a place outside of it. */
static bool show_tree(int root, struct err *err)
{
	auto_close int tree =
		open_tree(root, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return (tree >= 0 && mkdir(VIEW, 0700) == 0 &&
		       move_mount(tree, "", AT_FDCWD, VIEW, MOVE_MOUNT_F_EMPTY_PATH) == 0) ||
	       err_errno(err, "cannot mount the tree at '" VIEW "'");
}

static bool too_large(const struct finish *finish, struct err *err)
{
	return err_set(err, ERR_LIMIT, "the image would exceed the recipe's disk_mib (%lld MiB)",
		(long long)finish->plan.disk_mib);
}

static bool make_file_system(struct finish *finish, struct err *err)
{
	auto_buf struct buf to = { 0 }, output = { 0 };
	struct stat stat;
	buf_printf(&to, "/proc/self/fd/%d", PLAN_ROOT_EROFS);
	const char *argv[] = { "mkfs.erofs", "--quiet", "-T" FIXED_TIME, "-U" FIXED_UUID,
		"--exclude-regex=^tmp/.*", buf_text(&to), VIEW, NULL };
	report("making the root file system");
	if (!show_tree(finish->root, err)) {
		return false;
	}
	bool good = run_program(&(struct run){ .argv = argv,
					.extra = PLAN_ROOT_EROFS,
					.out = &output,
					.errors_too = true },
		err);
	bool cut = !good && strstr(err->text, "SIGXFSZ");
	good = !cut && check_output(&output, good, err);
	umount2(VIEW, MNT_DETACH);
	rmdir(VIEW);
	if (cut || (good && fstat(PLAN_ROOT_EROFS, &stat) == 0 &&
			   stat.st_size > finish->plan.disk_mib << 20)) {
		return too_large(finish, err);
	}
	return good;
}

static bool describe(const struct finish *finish, struct err *err)
{
	struct image_json said = {
		.id = finish->id,
		.name = finish->plan.name,
		.description = finish->plan.description,
		.kernel = finish->kernel.release,
		.format = IMAGE_FORMAT,
		.memory_mib = finish->plan.memory_mib,
		.cpus = finish->plan.cpus,
		.created = finish->plan.created,
	};
	json_auto_t *json = image_json_encode(&said);
	auto_free char *text = must(json_dumps(json, JSON_INDENT(2)));
	struct buf bytes = { .data = (uint8_t *)text, .len = strlen(text) };
	return write_fd(PLAN_PACKAGES, &finish->packages, "the list of packages", err) &&
	       write_fd(PLAN_IMAGE_JSON, &bytes, "image.json", err);
}

static bool run_steps(struct finish *finish, struct err *err)
{
	if ((finish->plan.from_tar && !unpack(finish, err)) || !take_kernel(finish, err) ||
		!make_id(finish, err)) {
		return false;
	}
	if (is_there(finish)) {
		report("this image already exists");
		return describe(finish, err);
	}
	return dress(finish, err) && cache_fonts(finish, err) && make_initramfs(finish, err) &&
	       rootfs_tidy(finish->root, err) && make_file_system(finish, err) &&
	       describe(finish, err);
}

/* Limits all files to the size of the image, including holes: SIGXFSZ for programs, EFBIG here. */
static bool limit_files(const struct plan *plan, struct err *err)
{
	int64_t mib = plan->disk_mib > FILE_MIN ? plan->disk_mib : FILE_MIN;
	const struct rlimit limit = { (rlim_t)mib << 20, (rlim_t)mib << 20 };
	return setrlimit(RLIMIT_FSIZE, &limit) == 0 || err_errno(err, "cannot limit files");
}

static bool open_tree_of(struct finish *finish, struct err *err)
{
	if (finish->plan.from_tar && mkdir(finish->path, 0755) < 0) {
		return err_errno(err, "cannot make the directory '%s'", finish->path);
	}
	finish->root = open(finish->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return finish->root >= 0 || err_errno(err, "cannot open '%s'", finish->path);
}

int plan_finish(const char *path)
{
	struct err err = { 0 };
	auto_buf struct buf text = { 0 };
	struct finish finish = { .path = path, .root = -1, .kernel = { .base = -1 } };
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (getenv("MMDEBSTRAP_APT_CONFIG")) {
		setenv("APT_CONFIG", getenv("MMDEBSTRAP_APT_CONFIG"), 1);
	}
	for (int fd = PLAN_FD; fd < PLAN_FDS_END; fd++) {
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 && fd != PLAN_TAR) {
			fprintf(stderr, PLAN_PREFIX "only `vitrine image build` runs this\n");
			return 2;
		}
	}
	bool good = read_fd(PLAN_FD, CPIO_FILE_MAX, "the plan", &text, &err);
	json_auto_t *json = good ? json_loadb((char *)text.data, text.len, 0, NULL) : NULL;
	good = json && plan_decode(json, &finish.plan, &err) && limit_files(&finish.plan, &err) &&
	       open_tree_of(&finish, &err) && run_steps(&finish, &err);
	if (!good) {
		fprintf(stderr, PLAN_PREFIX "failed: %s\n", err.text);
	}
	kernel_done(&finish.kernel);
	buf_done(&finish.packages);
	if (finish.root >= 0) {
		close(finish.root);
	}
	return good ? 0 : 1;
}
