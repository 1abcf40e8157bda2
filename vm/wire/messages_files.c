#include "vm/wire/messages_files.h"

#include "vm/wire/message_table.h"

#include <string.h>

#define MODE_MAX 4095 /* 07777 */
#define TIME_MAX 9.2e18

const char *const file_type_names[] = { "file", "directory", "symlink", "fifo", "socket",
	"character-device", "block-device", NULL };
const char *const file_change_names[] = { "create", "write", "remove", "rename", "chmod", "lost",
	NULL };
const char *const file_write_how_names[] = { "replace", "truncate", "append", "update", NULL };

#define PATH(T, m, text) FIELD_STR(T, m, text, REQUIRED, .min = 1, .max = MESSAGE_FILE_PATH_MAX)
#define USER(T) \
	FIELD_STR(T, user, \
		"Do it as this user, by sudo. unsupported: the sandbox has no such user.", \
		.min = 1, .max = MESSAGE_FILE_USER_MAX), \
		FIELD_FLAG(T, privileged, \
			"Without `user`: with root's rights if the sandbox has sudo; what is new " \
			"still belongs to the desktop's user.")
#define COUNT(T, m, text) FIELD_NUM(T, m, text, .max = COUNT_MAX)
#define DEPTH(T) \
	FIELD_NUM(T, depth, "Levels below the directory; 1: only its own entries.", .min = 1, \
		.max = MESSAGE_FILE_DEPTH_MAX, .default_value = 1)
#define LIMIT(T) \
	FIELD_NUM(T, limit, "Maximum number of rows.", .min = 1, .max = MESSAGE_FILE_ROWS_MAX, \
		.default_value = 10000)
#define NOTE(T, text) FIELD_STR(T, note, text, .max = MESSAGE_TEXT_MAX)

#define ENTRY struct msg_file_entry
const struct field msg_file_entry_fields[] = {
	FIELD_STR(ENTRY, path, "As it was asked for; absolute.", REQUIRED, .min = 1),
	FIELD_ONE_OF(ENTRY, type, "Of a link itself.", file_type_names, REQUIRED),
	FIELD_NUM(ENTRY, size, "In bytes.", .max = MESSAGE_FILE_SIZE_MAX),
	FIELD_NUM(ENTRY, mode, "Permission bits.", .max = MODE_MAX),
	FIELD_NUM(ENTRY, uid, "Of the owner.", .max = ID_MAX),
	FIELD_NUM(ENTRY, gid, "Of the group.", .max = ID_MAX),
	FIELD_STR(ENTRY, owner, "Name of the owner; absent: it has none.", .max = 256),
	FIELD_STR(ENTRY, group, "Name of the group.", .max = 256),
	FIELD_NUM(ENTRY, mtime_ns, "Last change of the contents, in ns since 1970.",
		.min = -TIME_MAX, .max = TIME_MAX),
	FIELD_STR(ENTRY, target, "Contents of a link."),
	FIELD_STR(ENTRY, resolved, "Absolute path of the file that a link leads to."),
	FIELD_ONE_OF(ENTRY, target_type, "Type of this file; absent: the link is broken.",
		file_type_names, .default_value = -1),
	FIELD_NUM(ENTRY, target_mode, "Its permission bits.", .max = MODE_MAX),
	FIELD_JSON(ENTRY, xattrs,
		"Extended attributes `user.*` that are UTF-8, as texts; only if requested."),
	END,
};

void file_permissions(const struct msg_file_entry *entry, char ret[11])
{
	static const char types[] = "-dlpscb", bits[] = "rwxrwxrwx";
	unsigned mode = (unsigned)entry->mode;
	ret[0] = types[entry->type];
	for (int i = 0; i < 9; i++) {
		ret[i + 1] = mode & (0400u >> i) ? bits[i] : '-';
	}
	static const struct {
		unsigned bit;
		int at;
		char with, without;
	} special[] = { { 04000, 3, 's', 'S' }, { 02000, 6, 's', 'S' }, { 01000, 9, 't', 'T' } };
	for (size_t i = 0; i < 3; i++) {
		if (mode & special[i].bit) {
			char *at = &ret[special[i].at];
			*at = *at == 'x' ? special[i].with : special[i].without;
		}
	}
	ret[10] = '\0';
}

static const struct field answer_fields[] = {
	FIELD_JSON(struct msg_file_answer, entry, "The file as it is now.", REQUIRED),
	END,
};

#define STAT struct msg_file_stat
static const struct field stat_fields[] = {
	PATH(STAT, path, "A file of any type."),
	FIELD_FLAG(STAT, xattrs, "Report extended attributes."),
	USER(STAT),
	END,
};

const struct message message_file_stat = {
	.name = "file_stat",
	.help = "Describes a file; a link itself, and where it leads. Errors of all operations on "
		"files: not-found (ENOENT), argument (EISDIR, ENOTDIR, ENAMETOOLONG, ELOOP and "
		"others), state (EEXIST, ENOTEMPTY, EBUSY), limit (ENOSPC, EDQUOT, EMFILE), host "
		"(EACCES, EPERM, EROFS, EIO). Their text has the path and the name of the errno.",
	.request = PART(STAT, stat_fields),
	.answer = PART(struct msg_file_answer, answer_fields),
	.members = MEMBERS({ "entry", msg_file_entry_fields }),
};

#define LIST struct msg_file_list
static const struct field list_fields[] = {
	PATH(LIST, path, "A directory."),
	DEPTH(LIST),
	LIMIT(LIST),
	FIELD_FLAG(LIST, xattrs, "Report extended attributes."),
	USER(LIST),
	END,
};

#define LISTED struct msg_file_list_answer
static const struct field list_answer_fields[] = {
	COUNT(LISTED, entries, "Rows sent."),
	COUNT(LISTED, total,
		"Entries of the directories that were read, also those beyond the limit."),
	FIELD_FLAG(LISTED, limited, "The limit was reached, and there are more."),
	COUNT(LISTED, skipped, "Directories that could not be read, and those of the kernel."),
	NOTE(LISTED, "Why the first of them was skipped."),
	END,
};

static const struct message_talk list_talk = {
	.agent = { { "entries" }, .rows = { msg_file_entry_fields } },
};

const struct message message_file_list = {
	.name = "file_list",
	.help = "The entries of a directory, depth first, sorted by the bytes of their names. Links "
		"are not followed. Of a directory with more entries than the limit, the first ones "
		"are sent.",
	.request = PART(LIST, list_fields),
	.answer = PART(LISTED, list_answer_fields),
	.talk = &list_talk,
};

#define MKDIR struct msg_file_make_directory
static const struct field make_directory_fields[] = {
	PATH(MKDIR, path, "The new directory."),
	FIELD_NUM(MKDIR, mode, "Its permission bits, and those of new parents.", .max = MODE_MAX,
		.default_value = 0755),
	FIELD_FLAG(MKDIR, parents, "Make missing parents."),
	USER(MKDIR),
	END,
};

#define MADE struct msg_file_make_directory_answer
static const struct field make_directory_answer_fields[] = {
	FIELD_JSON(MADE, entry, "The directory.", REQUIRED),
	FIELD_FLAG(MADE, made, "It is new; otherwise it existed and was not changed."),
	END,
};

const struct message message_file_make_directory = {
	.name = "file_make_directory",
	.help = "Makes a directory. Another file of that name is an error.",
	.request = PART(MKDIR, make_directory_fields),
	.answer = PART(MADE, make_directory_answer_fields),
	.members = MEMBERS({ "entry", msg_file_entry_fields }),
};

#define TO_TEXT "Its new path (not a directory to put it in). Missing parents are made."
#define REPLACE_TEXT "Replace an existing file, or an empty directory by a directory."

#define MOVE struct msg_file_move
static const struct field move_fields[] = {
	PATH(MOVE, from, "A file of any type; of a link, the link."),
	PATH(MOVE, to, TO_TEXT),
	FIELD_FLAG(MOVE, replace, REPLACE_TEXT),
	USER(MOVE),
	END,
};

const struct message message_file_move = {
	.name = "file_move",
	.help = "Renames a file or directory. Between file systems it is copied completely, then "
		"removed.",
	.request = PART(MOVE, move_fields),
	.answer = PART(struct msg_file_answer, answer_fields),
	.members = MEMBERS({ "entry", msg_file_entry_fields }),
};

#define COPY struct msg_file_copy
static const struct field copy_fields[] = {
	PATH(COPY, from, "A file or directory; of a link, the link."),
	PATH(COPY, to, TO_TEXT),
	FIELD_FLAG(COPY, replace, REPLACE_TEXT),
	USER(COPY),
	END,
};

#define COPIED struct msg_file_copy_answer
static const struct field copy_answer_fields[] = {
	FIELD_JSON(COPIED, entry, "The copy.", REQUIRED),
	COUNT(COPIED, files, "Files and directories copied."),
	COUNT(COPIED, bytes, "Bytes of their contents."),
	COUNT(COPIED, skipped, "Sockets and devices, which are not copied."),
	NOTE(COPIED, "The first of them."),
	END,
};

const struct message message_file_copy = {
	.name = "file_copy",
	.help = "Copies a file, or a directory with everything in it. Modes, times, links and "
		"attributes `user.*` are kept, owners as far as permitted. The copy appears when it "
		"is complete; nothing remains of one that fails or is cancelled.",
	.request = PART(COPY, copy_fields),
	.answer = PART(COPIED, copy_answer_fields),
	.members = MEMBERS({ "entry", msg_file_entry_fields }),
};

#define REMOVE struct msg_file_remove
static const struct field remove_fields[] = {
	PATH(REMOVE, path, "A file of any type; of a link, the link."),
	FIELD_FLAG(REMOVE, recursive, "Also a directory that is not empty."),
	FIELD_FLAG(REMOVE, missing_ok, "No error if it does not exist."),
	USER(REMOVE),
	END,
};

#define REMOVED struct msg_file_remove_answer
static const struct field remove_answer_fields[] = {
	COUNT(REMOVED, removed, "Files and directories; 0: it did not exist."),
	END,
};

const struct message message_file_remove = {
	.name = "file_remove",
	.help = "Removes a file or directory. The root and the home directory are refused.",
	.request = PART(REMOVE, remove_fields),
	.answer = PART(REMOVED, remove_answer_fields),
};

#define SEARCH struct msg_file_search
static const struct field search_fields[] = {
	PATH(SEARCH, path, "A directory, or one file."),
	FIELD_STR(SEARCH, glob,
		"Files whose name matches: `*.c`; with a slash, whose path below `path` matches: "
		"`src/**/*.c`. `*`, `?`, `[a-z]`, `{a,b}`, and `**` for any directories.",
		.min = 1, .max = MESSAGE_FILE_PATTERN_MAX),
	FIELD_STR(SEARCH, regex,
		"Perl-compatible regular expression that a line matches; absent: names only.",
		.min = 1, .max = MESSAGE_FILE_PATTERN_MAX),
	FIELD_FLAG(SEARCH, ignore_case, "Of both."),
	FIELD_NUM(SEARCH, depth, "Levels below `path`.", .min = 1, .max = MESSAGE_FILE_DEPTH_MAX,
		.default_value = MESSAGE_FILE_DEPTH_MAX),
	LIMIT(SEARCH),
	USER(SEARCH),
	END,
};

#define MATCH struct msg_file_match
const struct field msg_file_match_fields[] = {
	FIELD_STR(MATCH, path, "Of the file; absolute.", REQUIRED, .min = 1),
	FIELD_NUM(MATCH, line, "From 1; absent: the name matches.", .max = COUNT_MAX),
	FIELD_NUM(MATCH, column, "Byte of the line where the match begins, from 1.",
		.max = COUNT_MAX),
	FIELD_STR(MATCH, text, "The line, or the part of it with the match.",
		.max = MESSAGE_FILE_TEXT_MAX),
	END,
};

#define SEARCHED struct msg_file_search_answer
static const struct field search_answer_fields[] = {
	COUNT(SEARCHED, matches, "Rows sent."),
	COUNT(SEARCHED, files, "Files that were searched, or whose name was compared."),
	COUNT(SEARCHED, skipped,
		"Binary files, files and directories that could not be read, directories of the "
		"kernel, and lines for which the expression takes too long."),
	FIELD_FLAG(SEARCHED, limited, "The limit was reached; there may be more."),
	NOTE(SEARCHED, "Why the first was skipped."),
	END,
};

static const struct message_talk search_talk = {
	.agent = { { "matches" }, .rows = { msg_file_match_fields } },
};

const struct message message_file_search = {
	.name = "file_search",
	.help = "Searches files by name, by content or both, in the order of file_list. Links are "
		"not followed; binary files (with a NUL in the first 8 KiB) are skipped. A line is "
		"reported once.",
	.request = PART(SEARCH, search_fields),
	.answer = PART(SEARCHED, search_answer_fields),
	.talk = &search_talk,
};

#define WATCH struct msg_file_watch
static const struct field watch_fields[] = {
	PATH(WATCH, path, "A directory."),
	FIELD_FLAG(WATCH, recursive, "Also everything below it."),
	FIELD_FLAG(WATCH, entries, "Describe the file of create, write and chmod."),
	FIELD_FLAG(WATCH, xattrs, "With its extended attributes."),
	USER(WATCH),
	END,
};

static const struct field watching_fields[] = {
	COUNT(struct msg_file_watching, directories, "That are watched."),
	END,
};

#define CHANGE struct msg_file_change
const struct field msg_file_change_fields[] = {
	FIELD_ONE_OF(CHANGE, change,
		"rename: the file has got another name, which is reported as create. lost: changes "
		"were lost.",
		file_change_names, REQUIRED),
	FIELD_STR(CHANGE, path, "Relative to the watched directory; absent: the directory itself."),
	FIELD_JSON(CHANGE, entry, "The file, if requested and it still exists."),
	END,
};

static const struct message_talk watch_talk = {
	.host = { .messages = { &message_file_sync } },
	.agent = { { "changes" }, { &message_file_watching, &message_file_synced },
		.rows = { msg_file_change_fields } },
};

const struct message message_file_sync = {
	.name = "sync",
	.help = "Asks for everything that has changed so far; `synced` follows it.",
	.request = NOTHING,
};

const struct message message_file_synced = {
	.name = "synced",
	.help = "Every change before the `sync` was reported.",
	.request = NOTHING,
};

const struct message message_file_watching = {
	.name = "watching",
	.help = "All watches stand: later changes are reported.",
	.request = PART(struct msg_file_watching, watching_fields),
};

const struct message message_file_watch = {
	.name = "file_watch",
	.help = "Reports changes in a directory until the host closes it. The watch on a new "
		"directory stands before its creation is reported; what is in it by then is "
		"reported, too. It ends with not-found when the directory is removed or moved.",
	.request = PART(WATCH, watch_fields),
	.answer = NOTHING,
	.talk = &watch_talk,
};

#define READ struct msg_file_read
static const struct field read_fields[] = {
	PATH(READ, path, "A regular file."),
	FIELD_NUM(READ, offset, "First byte.", .max = MESSAGE_FILE_SIZE_MAX),
	FIELD_NUM(READ, length, "Maximum number of bytes; 0: to the end.",
		.max = MESSAGE_FILE_SIZE_MAX),
	USER(READ),
	END,
};

static const struct field opened_fields[] = {
	FIELD_JSON(struct msg_file_opened, entry, "The file; of a link, where it leads.", REQUIRED),
	END,
};

#define READ_END struct msg_file_read_answer
static const struct field read_answer_fields[] = {
	COUNT(READ_END, bytes, "Sent."),
	FIELD_FLAG(READ_END, limited, "A file of the kernel without size was longer than 64 MiB."),
	END,
};

static const struct message_talk read_talk = {
	.agent = { { "bytes" }, { &message_file_opened } },
};

const struct message message_file_opened = {
	.name = "opened",
	.help = "The file is open; its bytes follow.",
	.request = PART(struct msg_file_opened, opened_fields),
};

const struct message message_file_read = {
	.name = "file_read",
	.help = "Sends the bytes of a file, up to the size that it has when it is opened. A file "
		"without size (in /proc) is read to its end.",
	.request = PART(READ, read_fields),
	.answer = PART(READ_END, read_answer_fields),
	.talk = &read_talk,
};

#define WRITE struct msg_file_write
static const struct field write_fields[] = {
	PATH(WRITE, path, "A regular file, or a new one; a link is followed."),
	FIELD_ONE_OF(WRITE, how,
		"replace: others see the old contents until the new ones are complete; truncate: "
		"written in place, from its start; append: at its end; update: in place, at "
		"`offset`.",
		file_write_how_names),
	FIELD_NUM(WRITE, offset, "Of update.", .max = MESSAGE_FILE_SIZE_MAX),
	FIELD_NUM(WRITE, mode,
		"Permission bits of a new file, 0644 by default; of an existing one, they are kept "
		"without this.",
		.max = MODE_MAX, .default_value = -1, .min = -1),
	FIELD_FLAG(WRITE, parents, "Make missing parents."),
	FIELD_FLAG(WRITE, exclusive, "An existing file is an error."),
	FIELD_JSON(WRITE, xattrs,
		"{\"user.NAME\": text}: replaces all attributes `user.*`; absent: they are kept."),
	USER(WRITE),
	END,
};

#define WRITTEN struct msg_file_write_answer
static const struct field write_answer_fields[] = {
	FIELD_JSON(WRITTEN, entry, "The file.", REQUIRED),
	COUNT(WRITTEN, bytes, "Written."),
	FIELD_FLAG(WRITTEN, created, "It is new."),
	FIELD_FLAG(WRITTEN, in_place,
		"It was written in place: always with truncate, append and update, and where a file "
		"cannot be replaced."),
	END,
};

const struct message message_file_ready = {
	.name = "ready",
	.help = "The file is open for writing.",
	.request = NOTHING,
};

static const struct message_talk write_talk = {
	.host = { { "bytes" } },
	.agent = { .messages = { &message_file_ready } },
};

const struct message message_file_write = {
	.name = "file_write",
	.help = "Writes the bytes that the host sends until it closes its direction. With replace, "
		"mode, owner and attributes of the existing file are kept, and nothing remains if it "
		"fails or is cancelled.",
	.request = PART(WRITE, write_fields),
	.answer = PART(WRITTEN, write_answer_fields),
	.members = MEMBERS({ "entry", msg_file_entry_fields }),
	.talk = &write_talk,
};

const struct message *const messages_files[] = { &message_file_stat, &message_file_list,
	&message_file_make_directory, &message_file_move, &message_file_copy, &message_file_remove,
	&message_file_search, &message_file_watch, &message_file_read, &message_file_write, NULL };
