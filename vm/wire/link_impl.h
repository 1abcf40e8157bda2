#ifndef VM_WIRE_LINK_IMPL_H
#define VM_WIRE_LINK_IMPL_H

#include "base/outq.h"
#include "vm/wire/frame.h"
#include "vm/wire/link.h"

#include <sys/queue.h>

/* What link.c (life, receiving), link_request.c (requests, events) and link_talk.c (conversations)
 * share; nobody else includes this. */

struct talk;

/* Ours or theirs: an end either asks or answers. */
struct open_request {
	LIST_ENTRY(open_request) entry;
	uint32_t id;
	bool cancelled;
	bool answered;        /* of a conversation: the reply waits behind what it sent before */
	struct talk *talk;    /* NULL: it is no conversation */
	link_reply_fn *reply; /* NULL for requests of the other side */
	void *data;
	struct link *link;
	sd_event_source *unsent; /* it could not be sent; answered with why from the loop */
	struct err why;
};

LIST_HEAD(request_list, open_request);

/* What a request has while it is a conversation. */
struct talk {
	TAILQ_ENTRY(talk) entry;
	struct open_request *request;
	struct link_talk handlers;
	void *data;
	struct buf out;     /* frames, within the credit, not yet sent */
	size_t at;          /* where the first of them begins */
	size_t last;        /* and the last data frame, which may grow; SIZE_MAX: none */
	uint32_t unsent;    /* bytes of credit that they take */
	uint32_t credit;    /* bytes we may still take */
	uint32_t window;    /* bytes the other side may still send */
	uint32_t unread;    /* received, not yet consumed */
	uint32_t to_credit; /* consumed, not yet told */
	bool blocked;       /* a write took less than offered */
	bool ending, end_received;
};

TAILQ_HEAD(talks, talk);

struct link {
	sd_event *event;
	int fd;
	sd_event_source *readable, *report;
	struct outq *outq;
	struct buf in;
	struct link_handlers handlers;
	void *data;
	struct request_list requests; /* not yet answered */
	size_t n_requests;
	uint32_t last_id;   /* the newest request's */
	struct talks talks; /* the next to send is first */
	size_t n_talks;
	bool frozen;  /* what is said waits in held until the other side speaks */
	bool holding; /* likewise, until link_hold(false) */
	unsigned freezes;
	struct buf held;
	bool failed; /* why is set; closed() was called or will be */
	bool freed;  /* link_free() was called from a callback */
	int busy;    /* nested callbacks */
	struct err why;
};

/* Ends the link, once, from the loop. */
void link_fail(struct link *link, const struct err *why);
/* a and b are the payload. */
void link_send2(struct link *link, enum frame_type type, uint32_t number, const void *a,
	size_t a_len, const void *b, size_t b_len);
/* After a callback: frees a link that was given up in it. */
void link_leave(struct link *link);

extern const struct err link_gone;
struct open_request *link_find(const struct link *link, uint32_t id);
struct open_request *link_add(struct link *link, uint32_t id);
void link_drop(struct link *link, struct open_request *request);
/* Drops it before its callback runs, which may make new ones. */
void link_answer(struct link *link, struct open_request *request, const struct link_msg *msg,
	const struct err *err);
void link_void_requests(struct link *link, const struct err *why);

bool link_talk_begin(struct link *link, struct open_request *request,
	const struct link_talk *handlers, void *data, struct err *err) NODISCARD;
void link_talk_free(struct link *link, struct talk *talk); /* NULL-safe */
/* Queues a frame behind what was written; *a and *b are the payload. */
void link_talk_send(struct talk *talk, enum frame_type type, const void *a, size_t a_len,
	const void *b, size_t b_len);
/* Sends what conversations have as long as little is waiting to be written. */
void link_talk_pump(struct link *link);
/* msg: of a message. */
bool link_talk_receive(struct link *link, const struct frame *frame, const struct link_msg *msg,
	struct err *err) NODISCARD;

#endif
