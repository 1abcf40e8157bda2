#include "server/e2b/envd/entry.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- modes ---- */

void envd_permissions(int type, int64_t mode, char ret_text[ENVD_PERMISSIONS_SIZE])
{
	static const char *const types[] = {
		[FILE_REGULAR] = "",
		[FILE_DIRECTORY] = "d",
		[FILE_SYMLINK] = "L",
		[FILE_FIFO] = "p",
		[FILE_SOCKET] = "S",
		[FILE_CHARACTER] = "Dc",
		[FILE_BLOCK] = "D",
	};
	static const char bits[] = "rwxrwxrwx";
	/* Go's order: the "c" of a character device is behind setuid and setgid. */
	bool is_character = type == FILE_CHARACTER;
	int len = snprintf(ret_text, ENVD_PERMISSIONS_SIZE, "%s%s%s%s%s",
		is_character ? "D" : types[type], mode & 04000 ? "u" : "", mode & 02000 ? "g" : "",
		is_character ? "c" : "", mode & 01000 ? "t" : "");
	if (!len) {
		ret_text[len++] = '-';
	}
	for (int i = 0; i < 9; i++) {
		ret_text[len++] = mode & (0400 >> i) ? bits[i] : '-';
	}
	ret_text[len] = '\0';
}

/* ---- times ---- */

void envd_time(int64_t ns, char ret_text[ENVD_TIME_SIZE])
{
	time_t seconds = (time_t)(ns / 1000000000);
	long rest = (long)(ns % 1000000000);
	struct tm tm;
	if (rest < 0) {
		rest += 1000000000;
		seconds--;
	}
	gmtime_r(&seconds, &tm);
	size_t len = strftime(ret_text, ENVD_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest) {
		len += (size_t)snprintf(ret_text + len, ENVD_TIME_SIZE - len, ".%09ld", rest);
		while (ret_text[len - 1] == '0') {
			len--;
		}
	}
	snprintf(ret_text + len, ENVD_TIME_SIZE - len, "Z");
}

/* ---- entries ---- */

json_t *envd_metadata(const json_t *xattrs)
{
	const size_t len = strlen(ENVD_XATTR);
	json_t *metadata = NULL, *value;
	const char *name;
	json_object_foreach((json_t *)xattrs, name, value)
	{
		if (strncmp(name, ENVD_XATTR, len) == 0 && name[len]) {
			metadata = metadata ? metadata : must(json_object());
			json_object_set(metadata, name + len, value);
		}
	}
	return metadata;
}

/* NULL: envd has no name for it. */
static const char *type_name(int type)
{
	return type == FILE_REGULAR     ? "FILE_TYPE_FILE"
	       : type == FILE_DIRECTORY ? "FILE_TYPE_DIRECTORY"
					: NULL;
}

/* Go's filepath.Base(). */
static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

/* A number, if it has no name. */
static const char *owner_of(const char *name, int64_t id, char number[24])
{
	snprintf(number, 24, "%lld", (long long)id);
	return name ? name : number;
}

/* A link has the type and the mode of what it leads to; one that leads nowhere has itself as its
 * target. */
json_t *envd_entry(const struct msg_file_entry *entry)
{
	bool is_link = entry->type == FILE_SYMLINK, leads = is_link && entry->target_type >= 0;
	char permissions[ENVD_PERMISSIONS_SIZE], time[ENVD_TIME_SIZE], size[24];
	char uid[24], gid[24];
	envd_permissions(entry->type, entry->mode, permissions);
	envd_time(entry->mtime_ns, time);
	snprintf(size, sizeof(size), "%lld", (long long)entry->size);
	const char *target = leads && entry->resolved ? entry->resolved : entry->path;
	return must(json_pack("{s:s, s:s*, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s*, s:o*}", "name",
		name_of(entry->path), "type", type_name(leads ? entry->target_type : entry->type),
		"path", entry->path, "size", size, "mode",
		(json_int_t)((leads ? entry->target_mode : entry->mode) & 0777), "permissions",
		permissions, "owner", owner_of(entry->owner, entry->uid, uid), "group",
		owner_of(entry->group, entry->gid, gid), "modifiedTime", time, "symlinkTarget",
		is_link ? target : NULL, "metadata", envd_metadata(entry->xattrs)));
}
