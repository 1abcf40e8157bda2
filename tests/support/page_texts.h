/* The texts of a web page's sources that a user reads, a line each.  The test program includes this once. */
#pragma once

#include "base/buf.h"

#include <ctype.h>
#include <string.h>

/* ---- HTML: texts between tags, and the attributes that are read or read aloud ---- */

void page_html_texts(struct buf *out, const char *html);

/* ---- JavaScript: literals with a capital letter first, or with two words ---- */

void page_script_texts(struct buf *out, const char *script);
