#ifndef VM_AGENT_CORE_AGENT_H
#define VM_AGENT_CORE_AGENT_H

#include "vm/wire/geometry.h"
#include "vm/wire/link.h"

#include <sys/queue.h>
#include <systemd/sd-event.h>

/* The state that the operations share.  One sd_event loop, one thread, one X connection.
 * vm/agent/main fills it in and updates it. */

struct display;      /* vm/agent/x11/display.h */
struct act_queue;    /* vm/agent/act/act.h: lists with input run one at a time */
struct watched;      /* vm/agent/stream/watched.h */
struct join;         /* vm/agent/stream/rfb_op.c: a viewer */
struct clipboard;    /* vm/agent/desktop/clipboard.h */
struct scale;        /* vm/agent/desktop/scale.h */
struct sound_server; /* vm/agent/sound/server.h */
struct elements;     /* vm/agent/elements/elements.h */
struct text_reader;  /* vm/agent/text/reader.h */
struct launch;       /* vm/agent/launch/launch.c: launches that wait for their window */
struct process;      /* vm/agent/process/process.h: what commands and their like have started */
struct request;      /* vm/agent/core/op.h */
struct helper;       /* vm/agent/main/as_user.c: agents that run as other users */

struct agent {
	sd_event *event;
	struct link *link;
	struct display *display;     /* NULL while no X server runs */
	struct clipboard *clipboard; /* of the display */
	struct scale *scaling;       /* of the display */
	struct act_queue *acts;
	struct sound_server *sound;
	struct elements *elements;
	struct text_reader *text;
	struct size screen, frame; /* in pixels: of the display; of the frame space */
	int scale;                 /* how large programs draw, in percent */
	uint64_t started_us;       /* loop_now_us() at the start */

	/* Has the request done by a helper with other rights, and answers it.  False: ours are
	 * enough. */
	bool (*as_user)(struct request *req);
	LIST_HEAD(, helper) helpers; /* vm/agent/main/as_user.c */

	struct request *requests;       /* unanswered, newest first */
	struct launch *launches;        /* waiting for a window, newest first */
	LIST_HEAD(, process) processes; /* newest first */
	LIST_HEAD(, watched) watched;   /* pictures with viewers */
	LIST_HEAD(, join) joins;        /* these viewers */
};

#endif
