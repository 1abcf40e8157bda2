/*
 * The directory of images.  An image is created in a hidden directory and renamed when it is
 * complete, and renamed again before it is deleted, so incomplete images are never visible.
 */
#include "vm/image/store.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/id.h"
#include "vm/image/isolation.h"
#include "vm/image/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

static bool delete_dir(const char *path, struct err *err)
{
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0) {
		return errno == ENOENT || err_errno(err, "cannot open '%s'", path);
	}
	return root_empty(dir, ".", err) &&
	       (rmdir(path) == 0 || err_errno(err, "cannot remove '%s'", path));
}

/* Only inside the isolation can an ordinary user delete files of its subordinate ids. */
void image_abandon(const char *dir, const char *program)
{
	struct err ignored;
	auto_buf struct buf work = { 0 };
	buf_printf(&work, "%s/work", dir);
	bool gone = delete_dir(dir, &ignored);
	if (!gone && isolation_empty(program, buf_text(&work), &ignored)) {
		gone = delete_dir(dir, &ignored);
	}
	(void)gone; /* the next build removes the rest */
}

/* Whether its creator has ended, including its processes (isolation.h). */
static bool is_left(int dir)
{
	auto_close int work = openat(dir, "work", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return flock(dir, LOCK_EX | LOCK_NB) == 0 &&
	       (work < 0 || flock(work, LOCK_EX | LOCK_NB) == 0);
}

/* Removes incomplete ones whose creator has ended. */
static void clear_away(const char *images, const char *program)
{
	DIR *dir = opendir(images);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		auto_buf struct buf path = { 0 };
		if (entry->d_name[0] != '.' || !strcmp(entry->d_name, ".") ||
			!strcmp(entry->d_name, "..")) {
			continue;
		}
		buf_printf(&path, "%s/%s", images, entry->d_name);
		auto_close int fd =
			open(buf_text(&path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && is_left(fd)) {
			image_abandon(buf_text(&path), program);
		}
	}
	if (dir) {
		closedir(dir);
	}
}

/* Including parents. */
static bool make_dirs(const char *path, struct err *err)
{
	auto_free char *part = must(strdup(path));
	for (size_t at = 1; part[0]; at++) {
		char was = part[at];
		if (was == '/' || was == '\0') {
			part[at] = '\0';
			if (mkdir(part, 0700) < 0 && errno != EEXIST) {
				return err_errno(err, "cannot create the directory '%s'", part);
			}
			part[at] = was;
		}
		if (was == '\0') {
			break;
		}
	}
	return true;
}

int image_begin(const char *images, const char *program, char **ret_dir, struct err *err)
{
	char id[ID_LEN + 1];
	auto_buf struct buf path = { 0 };
	if (!make_dirs(images, err)) {
		return -1;
	}
	/* A concurrent build would otherwise remove it before it is locked. */
	auto_close int all = open(images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (all < 0 || flock(all, LOCK_EX) < 0) {
		err_errno(err, "cannot lock '%s'", images);
		return -1;
	}
	clear_away(images, program);
	id_make(id);
	buf_printf(&path, "%s/.%s", images, id);
	if (mkdir(buf_text(&path), 0700) < 0) {
		err_errno(err, "cannot create the directory '%s'", buf_text(&path));
		return -1;
	}
	auto_close int fd = open(buf_text(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err_errno(err, "cannot lock '%s'", buf_text(&path));
		return -1;
	}
	*ret_dir = must(strdup(buf_text(&path)));
	return take_fd(&fd);
}

bool image_commit(const char *images, const char *dir, struct image *ret_image, bool *ret_was_there,
	struct err *err)
{
	char id[IMAGE_ID_LEN + 1];
	struct err ignored;
	auto_image struct image whole = { 0 };
	auto_buf struct buf path = { 0 };
	if (!image_read_id(dir, id, err)) {
		return false;
	}
	buf_printf(&path, "%s/%s", images, id);
	*ret_was_there = image_load(buf_text(&path), id, ret_image, &ignored);
	if (*ret_was_there) {
		image_abandon(dir, NULL);
		return true;
	}
	if (!image_load(dir, id, &whole, err)) {
		return false;
	}
	image_abandon(buf_text(&path), NULL); /* an unusable one */
	return (rename(dir, buf_text(&path)) == 0 ||
		       err_errno(err, "cannot rename '%s' to '%s'", dir, buf_text(&path))) &&
	       image_load(buf_text(&path), id, ret_image, err);
}

bool image_remove(const struct image *image, struct err *err)
{
	char id[ID_LEN + 1];
	auto_buf struct buf hidden = { 0 };
	id_make(id);
	buf_printf(
		&hidden, "%.*s/.%s", (int)(strrchr(image->dir, '/') - image->dir), image->dir, id);
	if (rename(image->dir, buf_text(&hidden)) < 0) {
		return err_errno(err, "cannot remove '%s'", image->dir);
	}
	return delete_dir(buf_text(&hidden), err);
}
