#ifndef SERVER_MCP_JSON_WRITE_H
#define SERVER_MCP_JSON_WRITE_H

#include "base/buf.h"

#include <jansson.h>

/* Appends value as compact JSON like json_dumps(), but copies long plain strings (base64 images) at
 * memory speed. */
void json_write(struct buf *out, const json_t *value);

/* A JSON string of any bytes; invalid UTF-8 becomes "?".  For texts that were cut or come from
 * outside. */
json_t *json_text(const char *text);

#endif
