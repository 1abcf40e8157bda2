/* The kinds of a server: viewers of one kind share every update. */

#include "vm/rfb/server_impl.h"

/* Oldest first, so that a viewer that keeps changing its kind does not starve the others. */
static void append_kind(struct rfb_server *s, struct rfb_kind *kind)
{
	struct rfb_kind *last = LIST_FIRST(&s->kinds);
	while (last && LIST_NEXT(last, link)) {
		last = LIST_NEXT(last, link);
	}
	if (last) {
		LIST_INSERT_AFTER(last, kind, link);
	} else {
		LIST_INSERT_HEAD(&s->kinds, kind, link);
	}
}

struct rfb_kind *rfb_server_kind(struct rfb_server *s, const struct rfb_kind_key *key)
{
	struct rfb_kind *kind = LIST_FIRST(&s->kinds);
	while (kind && !rfb_kind_key_equal(&kind->key, key)) {
		kind = LIST_NEXT(kind, link);
	}
	if (!kind) {
		kind = rfb_kind_new(key);
		s->changed |= key->pointer; /* it may not have been placed yet */
		append_kind(s, kind);
	}
	kind->viewers++;
	return kind;
}

void rfb_server_drop_kind(struct rfb_server *s, struct rfb_kind *kind)
{
	(void)s;
	if (kind && --kind->viewers == 0) {
		LIST_REMOVE(kind, link);
		rfb_kind_free(kind);
	}
}

bool rfb_server_paints_pointer(const struct rfb_server *s)
{
	const struct rfb_kind *kind = LIST_FIRST(&s->kinds);
	while (kind && !kind->key.pointer) {
		kind = LIST_NEXT(kind, link);
	}
	return kind;
}

struct rfb_update *rfb_server_unfinished(const struct rfb_server *s, struct rfb_kind **ret_kind)
{
	struct rfb_update *update = NULL;
	LIST_FOREACH(*ret_kind, &s->kinds, link)
	{
		update = rfb_kind_unfinished(*ret_kind);
		if (update) {
			return update;
		}
	}
	return NULL;
}
