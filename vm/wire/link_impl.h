#ifndef VM_WIRE_LINK_IMPL_H
#define VM_WIRE_LINK_IMPL_H

#include "base/outq.h"
#include "vm/wire/frame.h"
#include "vm/wire/link.h"

#include <sys/queue.h>

/* Shared by link.c (life, messages) and link_stream.c (streams) only. */

struct open_request {
	LIST_ENTRY(open_request) entry;
	uint32_t id;
	bool cancelled;
	link_reply_fn *reply; /* NULL for requests of the peer */
	void *data;
	struct link *link;
	sd_event_source *unsent; /* it could not be sent; answered with why from the loop */
	struct err why;
};

LIST_HEAD(request_list, open_request);

struct link_stream {
	TAILQ_ENTRY(link_stream) entry;
	struct link *link; /* NULL inside reset(): it is being freed */
	uint32_t number;
	struct link_stream_handlers handlers; /* zeroed once released */
	void *data;
	struct buf out;     /* accepted, within the credit, not yet sent */
	uint32_t credit;    /* bytes we may still accept */
	uint32_t window;    /* bytes the peer may still send */
	uint32_t unread;    /* received, not yet consumed */
	uint32_t to_credit; /* consumed, not yet reported */
	bool blocked;       /* a write accepted less than offered */
	bool ending, end_sent, end_received;
	bool given_up; /* released by its owner, still sending */
};

TAILQ_HEAD(stream_list, link_stream);

struct link {
	sd_event *event;
	int fd;
	sd_event_source *readable, *report;
	struct outq *outq;
	struct buf in;
	struct link_handlers handlers;
	void *data;
	struct request_list ours, theirs; /* unanswered requests */
	size_t n_ours, n_theirs;
	uint32_t last_id;
	struct stream_list streams; /* the next to send is first */
	size_t n_streams;
	uint32_t last_stream; /* the highest number we have selected */
	bool frozen;          /* messages wait in held until the peer sends a frame */
	bool holding;         /* likewise, until link_hold(false) */
	unsigned freezes;
	struct buf held;
	bool failed; /* why is set; closed() was called or will be */
	bool freed;  /* link_free() was called from a callback */
	int busy;    /* nested callbacks */
	struct err why;
};

/* Ends the link, once, from the loop. */
void link_fail(struct link *link, const struct err *why);
void link_send(
	struct link *link, enum frame_type type, uint32_t stream, const void *bytes, size_t len);

/* Sends stream data while little is waiting to be written. */
void link_stream_pump(struct link *link);
bool link_stream_receive(struct link *link, const struct frame *frame, struct err *err) NODISCARD;
/* Ends every stream; tell: and calls its reset(). */
void link_stream_void_all(struct link *link, bool tell);

#endif
