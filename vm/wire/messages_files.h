#ifndef VM_WIRE_MESSAGES_FILES_H
#define VM_WIRE_MESSAGES_FILES_H

#include "vm/wire/message.h"

/*
 * Files of a sandbox, as its user sees them.
 *
 * A path is UTF-8.  `~` and relative paths start at the user's home directory.  A name may have
 * other bytes: `\xHH` stands for a byte outside of UTF-8, and `\x5c` for a backslash that would
 * otherwise begin such a sequence.  So every path of an answer names the same file in a request.
 */
extern const struct message *const messages_files[]; /* NULL-terminated */

#define MESSAGE_FILE_USER_MAX 32
#define MESSAGE_FILE_PATH_MAX 16380        /* bytes, escaped; at most 4095 without */
#define MESSAGE_FILE_LINE_MAX (128u << 10) /* bytes of a row on a channel */
#define MESSAGE_FILE_ROWS_MAX 100000
#define MESSAGE_FILE_DEPTH_MAX 100
#define MESSAGE_FILE_SIZE_MAX 1e15
#define MESSAGE_FILE_PATTERN_MAX 4000
#define MESSAGE_FILE_TEXT_MAX 2000 /* bytes of a line that matches */

enum file_type {
	FILE_REGULAR,
	FILE_DIRECTORY,
	FILE_SYMLINK,
	FILE_FIFO,
	FILE_SOCKET,
	FILE_CHARACTER,
	FILE_BLOCK,
};
extern const char *const file_type_names[];

struct msg_file_entry {
	const char *path;
	int type; /* enum file_type, of a link itself */
	int64_t size, mode, uid, gid, mtime_ns;
	const char *owner, *group;
	/* Of a link: what it holds; the file it leads to, and its type (-1: it is broken), mode. */
	const char *target, *resolved;
	int target_type;
	int64_t target_mode;
	const json_t *xattrs; /* {"user.NAME": text}; NULL: not requested */
};
extern const struct field msg_file_entry_fields[];
/* "-rw-r--r--", of a link itself "lrwxrwxrwx". */
void file_permissions(const struct msg_file_entry *entry, char ret[11]);

struct msg_file_stat {
	const char *path, *user;
	bool xattrs, privileged;
};
/* The answer of most operations. */
struct msg_file_answer {
	const json_t *entry;
};
extern const struct message message_file_stat;

struct msg_file_list {
	const char *path, *user;
	int64_t depth, limit;
	bool xattrs, privileged;
};
struct msg_file_list_answer {
	int64_t entries, total, skipped;
	bool limited;
	const char *note;
};
extern const struct message message_file_list;

struct msg_file_make_directory {
	const char *path, *user;
	int64_t mode;
	bool parents, privileged;
};
struct msg_file_make_directory_answer {
	const json_t *entry;
	bool made;
};
extern const struct message message_file_make_directory;

struct msg_file_move {
	const char *from, *to, *user;
	bool replace, privileged;
};
extern const struct message message_file_move;

struct msg_file_copy {
	const char *from, *to, *user;
	bool replace, privileged;
};
struct msg_file_copy_answer {
	const json_t *entry;
	int64_t files, bytes, skipped;
	const char *note;
};
extern const struct message message_file_copy;

struct msg_file_remove {
	const char *path, *user;
	bool recursive, missing_ok, privileged;
};
struct msg_file_remove_answer {
	int64_t removed;
};
extern const struct message message_file_remove;

struct msg_file_search {
	const char *path, *glob, *regex, *user;
	bool ignore_case, privileged;
	int64_t depth, limit;
};
struct msg_file_match {
	const char *path;
	int64_t line, column;
	const char *text;
};
struct msg_file_search_answer {
	int64_t matches, files, skipped;
	bool limited;
	const char *note;
};
extern const struct message message_file_search;
extern const struct field msg_file_match_fields[];

enum file_change {
	FILE_CREATED,
	FILE_WRITTEN,
	FILE_REMOVED,
	FILE_RENAMED,
	FILE_CHMODDED,
	FILE_LOST
};
extern const char *const file_change_names[];
struct msg_file_watch {
	const char *path, *user;
	bool recursive, entries, xattrs, privileged;
};
struct msg_file_watching {
	int64_t directories;
};
struct msg_file_change {
	int change; /* enum file_change */
	const char *path;
	const json_t *entry;
};
extern const struct message message_file_watch, message_file_watching;
extern const struct message message_file_sync, message_file_synced;
extern const struct field msg_file_change_fields[];

#define FILE_ROWS 0 /* channels */
#define FILE_BYTES 0

struct msg_file_read {
	const char *path, *user;
	int64_t offset, length; /* length 0: to the end */
	bool privileged;
};
struct msg_file_opened {
	const json_t *entry;
};
struct msg_file_read_answer {
	int64_t bytes;
	bool limited;
};
extern const struct message message_file_read, message_file_opened;

enum file_write_how { FILE_REPLACE, FILE_TRUNCATE, FILE_APPEND, FILE_UPDATE };
extern const char *const file_write_how_names[];
struct msg_file_write {
	const char *path, *user;
	int how; /* enum file_write_how */
	int64_t offset, mode;
	bool parents, exclusive, privileged;
	const json_t *xattrs;
};
struct msg_file_write_answer {
	const json_t *entry;
	int64_t bytes;
	bool created, in_place;
};
extern const struct message message_file_write, message_file_ready;

#endif
