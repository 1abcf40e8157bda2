#ifndef VM_AGENT_DESKTOP_CLIPBOARD_TYPE_H
#define VM_AGENT_DESKTOP_CLIPBOARD_TYPE_H

#include "vm/agent/desktop/clipboard_data.h"
#include "vm/wire/clipboard.h"

/* Types of the link as targets of X: one row each. */

/* The targets that content of these types may have, best first; returns how many. */
int clip_type_targets(
	const struct clip_atoms *atoms, const struct clipboard_wish *wish, Atom ret[CLIP_ITEMS]);
/* An item of one of those as a content of its type, which is added to *to.  Errors as of
 * clipboard_check(). */
bool clip_type_read(const struct clip_atoms *atoms, const struct clip_item *item, int *ret_type,
	struct buf *to, struct err *err) NODISCARD;
/* A content that passed clipboard_check(). */
struct clip_copy {
	int type;
	const void *bytes;
	size_t len;
	const char *plain; /* beside HTML; NULL: none */
};
/* As all targets it can have. */
void clip_type_fill(
	const struct clip_atoms *atoms, const struct clip_copy *copy, struct clip_data *to);

#endif
