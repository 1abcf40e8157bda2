#include "vm/image/build_files.h"

#include "base/cleanup.h"
#include "vm/image/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

/* how it is built; incremented with each change that does not invalidate old images */
#define MAKING 2

static int *slot(struct build_files *files, int fd)
{
	return &files->fds[fd - PLAN_FD];
}

void build_files_init(struct build_files *files)
{
	*files = (struct build_files){ 0 };
	for (size_t i = 0; i < BUILD_FDS; i++) {
		files->fds[i] = -1;
	}
}

void build_files_close(struct build_files *files)
{
	for (size_t i = 0; i < BUILD_FDS; i++) {
		cleanup_close(&files->fds[i]);
		files->fds[i] = -1;
	}
}

void build_files_done(struct build_files *files)
{
	build_files_close(files);
	free(files->dir);
	free(files->work);
}

/* ---- files ---- */

static const struct {
	int fd;
	const char *file;
} made[] = {
	{ PLAN_ROOT_EROFS, "root.erofs" },
	{ PLAN_VMLINUZ, "vmlinuz" },
	{ PLAN_INITRAMFS, "initramfs" },
	{ PLAN_PACKAGES, "packages" },
	{ PLAN_IMAGE_JSON, "image.json" },
};

/* The finisher may have another user id and reopens one of the files; the directory is private.
 * See build_files_keep(). */
static bool make_files(struct build_files *files, struct err *err)
{
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		auto_buf struct buf path = { 0 };
		buf_printf(&path, "%s/%s", files->dir, made[i].file);
		int fd = open(buf_text(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		*slot(files, made[i].fd) = fd;
		if (fd < 0 || fchmod(fd, 0666) < 0) {
			return err_errno(err, "cannot create '%s'", buf_text(&path));
		}
	}
	return true;
}

/* Accessible to the ids of the isolation; the directory above it is private. */
static bool make_work(struct build_files *files, struct err *err)
{
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s/work", files->dir);
	files->work = must(strdup(buf_text(&path)));
	return (mkdir(files->work, 0700) == 0 && chmod(files->work, 0777) == 0) ||
	       err_errno(err, "cannot create the directory '%s'", files->work);
}

static int memory_file(const char *name, const void *bytes, size_t len, struct err *err)
{
	auto_close int fd = memfd_create(name, MFD_CLOEXEC);
	const char *from = bytes;
	for (size_t at = 0; fd >= 0 && at < len;) {
		ssize_t n = write(fd, from + at, len - at);
		if (n < 0 && errno != EINTR) {
			err_errno(err, "cannot store %s in memory", name);
			return -1;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	if (fd < 0) {
		err_errno(err, "cannot create a memory file");
	}
	return take_fd(&fd);
}

static bool open_tar(const char *path, int *ret_fd, struct err *err)
{
	struct stat stat;
	*ret_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* opening a pipe would block */
	if (*ret_fd < 0 || fstat(*ret_fd, &stat) < 0) {
		return err_errno(err, "cannot open the archive '%s'", path);
	}
	return S_ISREG(stat.st_mode) ||
	       err_set(err, ERR_ARGUMENT, "the archive '%s' must be a regular file", path);
}

static bool open_given(struct build_files *files, const struct build_how *how, struct err *err)
{
	auto_free char *init = recipe_find_ours("vitrine-init", err);
	if (!init) {
		return false;
	}
	*slot(files, PLAN_INIT) = open(init, O_RDONLY | O_CLOEXEC);
	*slot(files, PLAN_SELF) =
		open(how->program ? how->program : "/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (*slot(files, PLAN_INIT) < 0 || *slot(files, PLAN_SELF) < 0) {
		return err_errno(err, "cannot open '%s'", init);
	}
	return !how->tar || open_tar(how->tar, slot(files, PLAN_TAR), err);
}

bool build_files_make(struct build_files *files, const struct build_how *how, struct err *err)
{
	return make_files(files, err) && make_work(files, err) && open_given(files, how, err);
}

/* The finisher may have had another user id, so its files were accessible to all. */
bool build_files_keep(struct build_files *files, struct err *err)
{
	if (rmdir(files->work) < 0) {
		return err_errno(err, "cannot remove '%s'", files->work);
	}
	for (int fd = PLAN_ROOT_EROFS; fd < PLAN_FDS_END; fd++) {
		if (fchmod(*slot(files, fd), 0644) < 0 || fsync(*slot(files, fd)) < 0) {
			return err_errno(err, "cannot store the image");
		}
	}
	return true;
}

/* ---- the plan ---- */

static void add_fd(struct plan_digest *digest, int fd)
{
	char bytes[65536];
	ssize_t n;
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		plan_digest_add(digest, bytes, (size_t)n);
	}
	lseek(fd, 0, SEEK_SET);
}

/* Of everything that determines the image, except the packages. */
static void make_seed(struct build_files *files, const struct recipe *recipe, char ret_hex[65])
{
	struct plan_digest *digest = plan_digest_new();
	char numbers[128];
	auto_free char *users = must(json_dumps(recipe->users, JSON_COMPACT));
	snprintf(numbers, sizeof(numbers), "%d %d %lld %lld %lld", IMAGE_FORMAT, MAKING,
		(long long)recipe->memory_mib, (long long)recipe->cpus,
		(long long)recipe->disk_mib);
	plan_digest_add(digest, numbers, strlen(numbers));
	plan_digest_add(digest, recipe->name, strlen(recipe->name));
	plan_digest_add(digest, recipe->description, strlen(recipe->description));
	plan_digest_add(digest, users, strlen(users));
	plan_digest_add(digest, recipe->files.data, recipe->files.len);
	add_fd(digest, *slot(files, PLAN_INIT));
	if (*slot(files, PLAN_TAR) >= 0) {
		add_fd(digest, *slot(files, PLAN_TAR));
	}
	plan_digest_end(digest, ret_hex, 64);
}

static void add_id(const struct image *image, const struct err *why, void *data)
{
	if (!why) {
		json_array_append_new(data, json_string(image->id));
	}
}

bool build_files_plan(struct build_files *files, const struct build_how *how, struct recipe *recipe,
	struct err *err)
{
	char seed[65];
	struct timespec now;
	json_auto_t *have = json_array();
	clock_gettime(CLOCK_REALTIME, &now);
	recipe_end(recipe);
	make_seed(files, recipe, seed);
	if (!image_each(how->images, add_id, have, err)) {
		return false;
	}
	struct plan plan = {
		.name = recipe->name,
		.description = recipe->description,
		.seed = seed,
		.memory_mib = recipe->memory_mib,
		.cpus = recipe->cpus,
		.disk_mib = recipe->disk_mib,
		.created = now.tv_sec * 1000 + now.tv_nsec / 1000000,
		.from_tar = how->tar != NULL,
		.users = recipe->users,
		.have = have,
	};
	json_auto_t *json = plan_encode(&plan);
	auto_free char *text = must(json_dumps(json, JSON_COMPACT));
	*slot(files, PLAN_FD) = memory_file("plan", text, strlen(text), err);
	*slot(files, PLAN_FILES) =
		*slot(files, PLAN_FD) < 0
			? -1
			: memory_file("files", recipe->files.data, recipe->files.len, err);
	return *slot(files, PLAN_FILES) >= 0;
}
