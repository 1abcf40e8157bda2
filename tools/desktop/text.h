#ifndef TOOLS_DESKTOP_TEXT_H
#define TOOLS_DESKTOP_TEXT_H

#include "base/buf.h"

#include <jansson.h>

/* Appends a line with a match of vm/wire/messages_text.h: its centre, its text and its box. */
void text_format_match(struct buf *out, const json_t *row);

#endif
