#ifndef VM_AGENT_FILES_ROW_H
#define VM_AGENT_FILES_ROW_H

#include "base/buf.h"
#include "base/field.h"

/* Appends a struct as a line of JSON, like field_encode(), without building the value first: a
 * directory has thousands of rows. */
void file_row_add(struct buf *out, const struct field *fields, const void *row);

#endif
