#ifndef VM_AGENT_FILES_FAILURE_H
#define VM_AGENT_FILES_FAILURE_H

#include "base/err.h"

/* errno as an error: "cannot read 'PATH': no such file or directory (ENOENT)", of the kind that
 * vm/wire/messages_files.c states. */
bool file_failed(struct err *err, const char *verb, const char *path);
/* "'PATH' is a fifo ...". */
bool file_refused(struct err *err, enum err_kind kind, const char *path, const char *why);
/* A path in a sentence, at most 240 bytes of it; to free(). */
char *file_quoted(const char *path);

#endif
