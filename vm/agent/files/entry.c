#include "vm/agent/files/entry.h"

#include "base/cleanup.h"
#include "base/utf8.h"
#include "vm/agent/files/attributes.h"
#include "vm/agent/files/failure.h"
#include "vm/agent/files/path.h"
#include "vm/agent/files/row.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#define NAMES_BUFFER 4096

void file_entry_done(struct file_entry *entry)
{
	buf_done(&entry->path);
	buf_done(&entry->target);
	buf_done(&entry->resolved);
	json_decref(entry->xattrs);
	*entry = (struct file_entry){ 0 };
}

static int type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return FILE_DIRECTORY;
	case S_IFLNK:
		return FILE_SYMLINK;
	case S_IFIFO:
		return FILE_FIFO;
	case S_IFSOCK:
		return FILE_SOCKET;
	case S_IFCHR:
		return FILE_CHARACTER;
	case S_IFBLK:
		return FILE_BLOCK;
	default:
		return FILE_REGULAR;
	}
}

static void copy_name(char to[256], const char *name)
{
	bool ok = name && utf8_is_valid((const uint8_t *)name, strlen(name));
	snprintf(to, 256, "%s", ok && strlen(name) < 256 ? name : "");
}

/* Thousands of files have the same owner. */
static void look_up_owner(struct file_entry *entry, const struct stat *st)
{
	char bytes[NAMES_BUFFER];
	struct passwd user, *found = NULL;
	struct group group, *found_group = NULL;
	if (!entry->knows_owner || entry->uid != st->st_uid) {
		(void)!getpwuid_r(st->st_uid, &user, bytes, sizeof(bytes), &found);
		copy_name(entry->owner, found ? user.pw_name : NULL);
	}
	if (!entry->knows_owner || entry->gid != st->st_gid) {
		(void)!getgrgid_r(st->st_gid, &group, bytes, sizeof(bytes), &found_group);
		copy_name(entry->group, found_group ? group.gr_name : NULL);
	}
	entry->knows_owner = true;
	entry->uid = st->st_uid;
	entry->gid = st->st_gid;
}

static const char *set_escaped(struct buf *buf, const char *text)
{
	buf->len = 0;
	path_escape(buf, text, strlen(text));
	return buf_text(buf);
}

static void fill(struct file_entry *entry, const struct stat *st, const char *path)
{
	look_up_owner(entry, st);
	json_decref(take_ptr(&entry->xattrs));
	entry->msg = (struct msg_file_entry){
		.path = set_escaped(&entry->path, path),
		.type = type_of(st->st_mode),
		.size = st->st_size < 0 ? 0
			: (double)st->st_size > MESSAGE_FILE_SIZE_MAX
				? (int64_t)MESSAGE_FILE_SIZE_MAX
				: st->st_size,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
		.owner = entry->owner[0] ? entry->owner : NULL,
		.group = entry->group[0] ? entry->group : NULL,
		.target_type = -1,
	};
	if (st->st_mtim.tv_sec > 9000000000 || st->st_mtim.tv_sec < -9000000000) {
		entry->msg.mtime_ns = 0; /* no date that a person has set */
	}
}

/* ---- links ---- */

static void read_link(struct file_entry *entry, int dir, const char *name)
{
	char target[PATH_MAX], via[PATH_MAX + 64];
	struct stat st;
	ssize_t len = readlinkat(dir, name, target, sizeof(target) - 1);
	if (len < 0) {
		return;
	}
	target[len] = '\0';
	entry->msg.target = set_escaped(&entry->target, target);
	if (fstatat(dir, name, &st, 0) < 0) {
		return;
	}
	entry->msg.target_type = type_of(st.st_mode);
	entry->msg.target_mode = st.st_mode & 07777;
	if (*name == '/' || dir == AT_FDCWD) {
		snprintf(via, sizeof(via), "%s", name);
	} else {
		snprintf(via, sizeof(via), "/proc/self/fd/%d/%s", dir, name);
	}
	auto_free char *resolved = realpath(via, NULL);
	if (resolved) {
		entry->msg.resolved = set_escaped(&entry->resolved, resolved);
	}
}

/* ---- extended attributes ---- */

/* Only regular files and directories have attributes user.*. */
static void read_xattrs(struct file_entry *entry, int dir, const char *name, mode_t mode)
{
	if (S_ISREG(mode) || S_ISDIR(mode)) {
		auto_close int fd =
			openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
		entry->xattrs = fd >= 0 ? attributes_of(fd) : must(json_object());
	} else {
		entry->xattrs = must(json_object());
	}
	entry->msg.xattrs = entry->xattrs;
}

/* ---- reading ---- */

bool file_entry_read(
	struct file_entry *entry, int dir, const char *name, const char *path, bool xattrs)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return false;
	}
	fill(entry, &st, path);
	if (S_ISLNK(st.st_mode)) {
		read_link(entry, dir, name);
	}
	if (xattrs) {
		read_xattrs(entry, dir, name, st.st_mode);
	}
	return true;
}

bool file_entry_read_fd(struct file_entry *entry, int fd, const char *path)
{
	struct stat st;
	if (fstat(fd, &st) < 0) {
		return false;
	}
	fill(entry, &st, path);
	return true;
}

json_t *file_entry_json(const struct file_entry *entry)
{
	return must(field_encode(msg_file_entry_fields, &entry->msg));
}

json_t *file_entry_of(const char *path, bool xattrs, struct err *err)
{
	struct file_entry entry = { 0 };
	json_t *json = NULL;
	if (file_entry_read(&entry, AT_FDCWD, path, path, xattrs)) {
		json = file_entry_json(&entry);
	} else {
		file_failed(err, "look at", path);
	}
	file_entry_done(&entry);
	return json;
}

void file_entry_add_line(const struct file_entry *entry, struct buf *out)
{
	file_row_add(out, msg_file_entry_fields, &entry->msg);
}
