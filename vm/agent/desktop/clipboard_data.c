/* The atoms of selections, and copied data: reference-counted items within fixed bounds. */
#include "vm/agent/desktop/clipboard_data.h"

#include "base/cleanup.h"

#include <string.h>

static const char *const names[CLIP_ATOMS] = {
	[CLIP_CLIPBOARD] = "CLIPBOARD",
	[CLIP_MANAGER] = "CLIPBOARD_MANAGER",
	[CLIP_MANAGER_MESSAGE] = "MANAGER",
	[CLIP_PROPERTY] = "VITRINE_CLIPBOARD",
	[CLIP_INCR] = "INCR",
	[CLIP_NULL] = "NULL",
	[CLIP_ATOM_PAIR] = "ATOM_PAIR",
	[CLIP_SECRET] = "x-kde-passwordManagerHint",
	[CLIP_TARGETS] = "TARGETS",
	[CLIP_TIMESTAMP] = "TIMESTAMP",
	[CLIP_MULTIPLE] = "MULTIPLE",
	[CLIP_SAVE_TARGETS] = "SAVE_TARGETS",
	[CLIP_DELETE] = "DELETE",
	[CLIP_INSERT_SELECTION] = "INSERT_SELECTION",
	[CLIP_INSERT_PROPERTY] = "INSERT_PROPERTY",
	[CLIP_UTF8] = "UTF8_STRING",
	[CLIP_PLAIN_UTF8] = "text/plain;charset=utf-8",
	[CLIP_STRING] = "STRING",
	[CLIP_PLAIN] = "text/plain",
	[CLIP_HTML] = "text/html",
	[CLIP_URIS] = "text/uri-list",
	[CLIP_RTF] = "text/rtf",
	[CLIP_PNG] = "image/png",
	[CLIP_JPEG] = "image/jpeg",
	[CLIP_BMP] = "image/bmp",
};

void clip_atoms_init(struct clip_atoms *atoms, Display *x)
{
	memset(atoms, 0, sizeof(*atoms));
	XInternAtoms(x, (char **)(uintptr_t)names, CLIP_ATOMS, False, atoms->at);
}

bool clip_atoms_has(
	const struct clip_atoms *atoms, enum clip_atom from, enum clip_atom end, Atom atom)
{
	for (enum clip_atom i = from; i < end; i++) {
		if (atoms->at[i] == atom) {
			return true;
		}
	}
	return false;
}

struct clip_item *clip_item_ref(struct clip_item *item)
{
	item->refs++;
	return item;
}

void clip_item_unref(struct clip_item *item)
{
	if (item && --item->refs == 0) {
		buf_done(&item->data);
		free(item);
	}
}

void clip_data_clear(struct clip_data *data)
{
	for (int i = 0; i < data->n; i++) {
		clip_item_unref(data->items[i]);
	}
	*data = (struct clip_data){ 0 };
}

struct clip_item *clip_data_find(const struct clip_data *data, Atom target)
{
	for (int i = 0; i < data->n; i++) {
		if (data->items[i]->target == target) {
			return data->items[i];
		}
	}
	return NULL;
}

size_t clip_data_room(const struct clip_data *data)
{
	size_t left = data->n < CLIP_ITEMS ? CLIP_TOTAL_MAX - data->total : 0;
	return left < CLIP_ITEM_MAX ? left : CLIP_ITEM_MAX;
}

void clip_data_add(struct clip_data *data, Atom target, Atom type, struct buf *bytes)
{
	struct clip_item *item = must(calloc(1, sizeof(*item)));
	*item = (struct clip_item){ .refs = 1, .target = target, .type = type, .data = *bytes };
	*bytes = (struct buf){ 0 };
	data->items[data->n++] = item;
	data->total += item->data.len;
}
