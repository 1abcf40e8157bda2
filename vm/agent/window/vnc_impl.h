#ifndef VM_AGENT_WINDOW_VNC_IMPL_H
#define VM_AGENT_WINDOW_VNC_IMPL_H

/* What the vnc_*.c files share. */

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

	int stage;     /* of the handshake; STAGES: over */
	struct buf in; /* a message that is not whole */
	size_t skip;   /* bytes of one that is not read */
	struct rfb_how how;
	bool takes_size, draws_pointer;

	struct buf out;
	struct size size;    /* as the viewer knows it */
	struct point offset; /* and of that its corner, from the window's */
	bool wanted;         /* an update was asked for */
	bool whole;          /* all of the picture, changed or not */
	struct rect rects[WINDOW_CAPTURE_RECTS_MAX];
	size_t n_rects, next_rect; /* of the update under way */
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

/* Takes what is whole of v->in; may end it. */
void vnc_server_take_all(struct vnc_server *v);

#endif
