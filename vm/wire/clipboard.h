#ifndef VM_WIRE_CLIPBOARD_H
#define VM_WIRE_CLIPBOARD_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

/*
 * What can be read from a clipboard and put there.  A new type is a row here and one in
 * vm/agent/desktop/clipboard_type.c.
 */
enum clipboard_type { CLIPBOARD_TEXT, CLIPBOARD_HTML, CLIPBOARD_PNG, CLIPBOARD_TYPES };
extern const char *const clipboard_type_names[CLIPBOARD_TYPES + 1]; /* media types */

/* Bytes of the largest content of any type: one message holds it. */
#define CLIPBOARD_MAX 4000000
/* Bytes of the plain text beside HTML: escaped, it fits into a message beside the content. */
#define CLIPBOARD_PLAIN_MAX 150000

size_t clipboard_type_max(int type); /* bytes */
/* Whether the bytes are a content of the type.  Else ERR_LIMIT or ERR_ARGUMENT with a sentence. */
bool clipboard_check(int type, const void *bytes, size_t len, struct err *err) NODISCARD;

/* Why a clipboard has nothing of the types that somebody asked for. */
enum clipboard_absence {
	CLIPBOARD_EMPTY,
	CLIPBOARD_SECRET, /* its owner marked it as a password */
	CLIPBOARD_OTHER   /* it has other types */
};
extern const char *const clipboard_absence_names[];

/* Types, the most wanted first. */
struct clipboard_wish {
	int n;
	int types[CLIPBOARD_TYPES];
};
json_t *clipboard_wish_encode(const struct clipboard_wish *wish);
bool clipboard_wish_decode(
	const json_t *json, struct clipboard_wish *ret_wish, struct err *err) NODISCARD;
bool clipboard_wish_has(const struct clipboard_wish *wish, int type);

#endif
