#ifndef TESTS_SUPPORT_GOLDEN_FILE_H
#define TESTS_SUPPORT_GOLDEN_FILE_H

/* Files of the source tree that tests write anew and compare, or replace with VITRINE_GOLDEN=write. */

#include "base/buf.h"

/* "docs/options.md" below the source folder; free() it. */
char *golden_path(const char *name);
/* The file's text, to free(). */
char *golden_read(const char *path);
/* Compares got with the file's text, and names the first line that differs; or replaces the file. */
void golden_settle(const char *path, const char *want, const struct buf *got);

#endif
