#ifndef VM_AGENT_ACT_TYPING_IMPL_H
#define VM_AGENT_ACT_TYPING_IMPL_H

/* What the typing*.c files share. */

#include "vm/agent/act/catch_up.h"
#include "vm/agent/act/segment.h"
#include "vm/agent/act/typing.h"
#include "vm/agent/x11/client_sync.h"
#include "vm/agent/x11/key_repeat.h"
#include "vm/agent/x11/locks.h"

/* Of the map by other clients, per segment, before giving up. */
#define TYPING_CHANGES_MAX 20

struct typing {
	struct input *in;
	struct keymap *map;
	step_fn *fn;
	void *data;
	struct strokes strokes;
	size_t at; /* the next stroke */
	int64_t done;
	int64_t read;         /* of those, known to have been read by the focused client */
	struct layout layout; /* the layout for which the strokes from `at` on are planned */
	bool wrong_group;     /* another group or a lock was in effect while a segment was sent */
	bool is_text, waited, rested;
	uint32_t refused; /* a character that the program would misinterpret; 0: none */
	uint32_t composed; /* a key that the program takes for another; 0: none */
	size_t planned;   /* strokes that wait for the map's readers; 0: none */
	int changes;      /* of the map, for this segment */
	struct locks locks;
	struct key_repeat repeat;
	struct segment segment;
	struct client_sync *sync;
	struct catch_up *catch_up;
	struct keymap_turn turn;
	sd_event_source *next, *pause;
};

/* ---- typing_check.c ---- */

/* Whether what was sent has arrived as it was meant. */
bool typing_check_layout(const struct typing *t, struct err *err) NODISCARD;
/* Reads the map for a segment; false: it cannot be typed. */
bool typing_prepare(struct typing *t, struct err *err) NODISCARD;
/* Of a planned segment of n strokes. */
bool typing_check_plan(const struct typing *t, size_t n, struct err *err) NODISCARD;

#endif
