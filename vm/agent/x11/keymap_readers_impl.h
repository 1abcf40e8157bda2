#ifndef VM_AGENT_X11_KEYMAP_READERS_IMPL_H
#define VM_AGENT_X11_KEYMAP_READERS_IMPL_H

/* What the keymap_readers*.c files share. */

#include "vm/agent/x11/client_sync.h"
#include "vm/agent/x11/keymap_readers.h"

#include <X11/extensions/record.h>

#define READERS_MAX 256

struct reader {
	XID base; /* of its resource ids; 0: unused */
	bool has_read, never_reads;
	/* notified of a map; and it has requested the modifier map each time */
	bool was_sent, answers;
	bool is_mute;       /* it has not */
	uint64_t caught_up; /* with this change of the map */
};

struct readers {
	struct display *display;
	bool records; /* otherwise the server lacks the extension */
	bool freed;   /* by readers_free(); the rest of a recording may still be read */
	XRecordContext context;
	sd_event_source *readable, *timer;
	int xkb_opcode;
	XID mask, own;
	bool started;
	uint64_t changes, awaited_change; /* of the map, by us: recorded, and the last one made */
	struct reader clients[READERS_MAX];
	struct client_sync *ping;
	bool paused; /* the first ping was answered */
	XID awaited[READERS_MAX];
	int n_awaited;
	readers_fn *fn;
	void *data;
	Window asked;
	bool answered;
	int rounds; /* answers of that window's program to wait for */
	readers_fn *caught_up;
	void *caught_up_data;
};

/* NULL: it is unknown, and make is false or the table is full. */
struct reader *reader_find(struct readers *r, XID base, bool make);

/* ---- keymap_readers_record.c ---- */

/* Starts before the map is changed.  False: the server lacks an extension, or does not start. */
bool readers_start_record(struct readers *r);
/* Processes received data; false: the connection is lost. */
bool readers_take_record(struct readers *r);
void readers_stop_record(struct readers *r);

#endif
