#ifndef VM_AGENT_DESKTOP_CLIPBOARD_DATA_H
#define VM_AGENT_DESKTOP_CLIPBOARD_DATA_H

#include "base/buf.h"

#include <X11/Xlib.h>
#include <stdbool.h>

/* Shared by the files of the clipboard manager: the atoms of the protocol, and copied data. */

#define CLIP_ITEMS 32
#define CLIP_ITEM_MAX (8u << 20)   /* bytes of one target */
#define CLIP_TOTAL_MAX (16u << 20) /* bytes of all targets of one copy */
#define CLIP_PATIENCE_MS 10000     /* for one target, in either direction */

enum clip_atom {
	CLIP_CLIPBOARD,
	CLIP_MANAGER,
	CLIP_MANAGER_MESSAGE,
	CLIP_PROPERTY,
	CLIP_INCR,
	CLIP_NULL,
	CLIP_ATOM_PAIR,
	CLIP_SECRET, /* marks the data as a password */
	/* Targets that query an owner rather than convert data. */
	CLIP_TARGETS,
	CLIP_TIMESTAMP,
	CLIP_MULTIPLE,
	CLIP_SAVE_TARGETS,
	CLIP_DELETE,
	CLIP_INSERT_SELECTION,
	CLIP_INSERT_PROPERTY,
	CLIP_QUESTIONS_END,
	/* Targets that are fetched soon after a copy, in this order.  x-special/gnome-copied-files is not
	 * one: PCManFM takes its first request for the paste, and gives up the files that were cut. */
	CLIP_UTF8 = CLIP_QUESTIONS_END,
	CLIP_PLAIN_UTF8,
	CLIP_STRING,
	CLIP_PLAIN,
	CLIP_TEXT_END,
	CLIP_HTML = CLIP_TEXT_END,
	CLIP_URIS,
	CLIP_RTF,
	CLIP_RICH_END,
	CLIP_PNG = CLIP_RICH_END,
	CLIP_JPEG,
	CLIP_BMP,
	CLIP_ATOMS,
};

struct clip_atoms {
	Atom at[CLIP_ATOMS];
};

/* One round trip. */
void clip_atoms_init(struct clip_atoms *atoms, Display *x);
/* Whether atom is one of the rows [from, end). */
bool clip_atoms_has(
	const struct clip_atoms *atoms, enum clip_atom from, enum clip_atom end, Atom atom);

/* One target's bytes (properties of format 8); shared by copied data and transfers. */
struct clip_item {
	int refs;
	Atom target, type;
	struct buf data;
};

struct clip_item *clip_item_ref(struct clip_item *item);
void clip_item_unref(struct clip_item *item); /* NULL-safe */

/* The copied data, as far as it has been fetched.  A zeroed struct is empty. */
struct clip_data {
	struct clip_item *items[CLIP_ITEMS];
	int n;
	size_t total;
	bool secret; /* must not be kept */
};

void clip_data_clear(struct clip_data *data);
struct clip_item *clip_data_find(const struct clip_data *data, Atom target);
/* Maximum size of the next item in bytes. */
size_t clip_data_room(const struct clip_data *data);
/* Takes the bytes, which must fit the limit. */
void clip_data_add(struct clip_data *data, Atom target, Atom type, struct buf *bytes);

#endif
