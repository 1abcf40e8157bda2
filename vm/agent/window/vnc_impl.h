#ifndef VM_AGENT_WINDOW_VNC_IMPL_H
#define VM_AGENT_WINDOW_VNC_IMPL_H

/* Shared by the vnc_*.c files. */

#include "vm/agent/window/rfb_encode.h"
#include "vm/agent/window/vnc_server.h"
#include "vm/agent/window/window_capture.h"
#include "vm/agent/window/window_input.h"

#define VNC_HELLO "RFB 003.008\n"

enum { ENCODING_SIZE = -223, ENCODING_CURSOR = -239, QUALITY_0 = -32, QUALITY_9 = -23 };

struct vnc_server {
	struct agent *agent;
	struct display *display;
	struct window_capture *capture;
	struct window_input *input;
	struct rfb_encoder *encoder;
	struct cursor *cursor;
	const struct vnc_server_handlers *handlers;
	void *data;
	bool over;
	struct err why;
	sd_event_source *ending;

	int stage;     /* of the handshake; STAGES: complete */
	struct buf in; /* an incomplete message */
	size_t skip;   /* remaining bytes of a skipped message */
	struct rfb_how how;
	bool takes_size, draws_pointer;

	struct buf out;
	struct size size;    /* last size sent to the viewer */
	struct point offset; /* offset of its corner from the window's */
	bool wanted;         /* an update was requested */
	bool whole;          /* the whole picture, changed or not */
	struct rect rects[WINDOW_CAPTURE_RECTS_MAX];
	size_t n_rects, next_rect; /* of the update in progress */
	uint64_t cursor_sent;
	struct rect pointer; /* where it is painted; width 0: nowhere */
	uint64_t pointer_serial;
	struct buf scratch; /* a rectangle with the pointer in it */
	sd_event_source *turn, *frame;
	uint64_t last_us; /* when the last update began */
};

/* ---- vnc_server.c ---- */

void vnc_server_end(struct vnc_server *v, const struct err *why);

/* ---- vnc_parse.c ---- */

/* Processes complete messages in v->in; may end it. */
void vnc_server_take_all(struct vnc_server *v);

#endif
