#ifndef TOOLS_SYSTEM_FILES_H
#define TOOLS_SYSTEM_FILES_H

#include "tools/call/result.h"
#include "tools/call/tool.h"
#include "vm/guest/files.h"

/* What the tools of the toolset `files` share: how files are written in texts for models. */

#define FILES_TEXT_MAX (600u << 10) /* bytes of a result */

#define FILES_PATH(T, m, text) \
	FIELD_STR(T, m, text, .required = true, .min = 1, .max = MESSAGE_FILE_PATH_MAX)

/* A path as a model can pass it again: as it is, or as a JSON string if it has characters that
 * cannot be seen. */
void files_format_path(struct buf *out, const char *path);
/* "12,345 bytes". */
void files_format_size(struct buf *out, int64_t bytes);
void files_format_count(struct buf *out, int64_t n);
/* "-rw-r--r-- user user 12,345 2026-11-30 20:15:01 NAME -> TARGET"; name: as it is to be shown. */
void files_format_entry(struct buf *out, const struct msg_file_entry *entry, const char *name);
/* The path below another one; itself if it is not below. */
const char *files_below(const char *path, const char *top);
/* Appends "[3 skipped: NOTE]"; nothing if nothing was skipped. */
void files_format_skipped(struct buf *out, int64_t skipped, const char *note);

#endif
