#ifndef VM_WIRE_LINK_IMPL_H
#define VM_WIRE_LINK_IMPL_H

#include "base/outq.h"
#include "vm/wire/frame.h"
#include "vm/wire/link.h"

#include <sys/queue.h>

/* Shared by link.c (lifetime, receiving), link_request.c (requests, events) and link_talk.c
 * (conversations) only. */

struct talk;

/* Our requests, or those of the peer: an end either sends requests or replies. */
struct open_request {
	LIST_ENTRY(open_request) entry;
	uint32_t id;
	bool cancelled;
	bool answered;        /* of a conversation: the reply is queued after its data */
	struct talk *talk;    /* NULL: not a conversation */
	link_reply_fn *reply; /* NULL for requests of the peer */
	void *data;
	struct link *link;
	sd_event_source *unsent; /* not sent; answered with why from the loop */
	struct err why;
};

LIST_HEAD(request_list, open_request);

/* The state of a request that is a conversation. */
struct talk {
	TAILQ_ENTRY(talk) entry;
	struct open_request *request;
	struct link_talk handlers;
	void *data;
	struct buf out;     /* frames, within the credit, not yet sent */
	size_t at;          /* start of the first of them */
	size_t last;        /* start of the last data frame, which may grow; SIZE_MAX: none */
	uint32_t unsent;    /* their bytes of credit */
	uint32_t credit;    /* bytes we may still accept from the writer */
	uint32_t window;    /* bytes the peer may still send */
	uint32_t unread;    /* received, not yet consumed */
	uint32_t to_credit; /* consumed, not yet reported */
	bool blocked;       /* a write was not taken completely */
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
	uint32_t last_id;   /* of the newest request */
	struct talks talks; /* the first sends next */
	size_t n_talks;
	bool frozen;  /* output is in held until the peer sends something */
	bool holding; /* the same, until link_hold(false) */
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
/* After a callback: frees a link for which it called link_free(). */
void link_leave(struct link *link);

extern const struct err link_gone;
struct open_request *link_find(const struct link *link, uint32_t id);
struct open_request *link_add(struct link *link, uint32_t id);
void link_drop(struct link *link, struct open_request *request);
/* Drops the request before its callback runs, because this may create new ones. */
void link_answer(struct link *link, struct open_request *request, const struct link_msg *msg,
	const struct err *err);
void link_void_requests(struct link *link, const struct err *why);

bool link_talk_begin(struct link *link, struct open_request *request,
	const struct link_talk *handlers, void *data, struct err *err) NODISCARD;
void link_talk_free(struct link *link, struct talk *talk);
/* Queues a frame after the written data; a and b are the payload. */
void link_talk_send(struct talk *talk, enum frame_type type, const void *a, size_t a_len,
	const void *b, size_t b_len);
/* Sends frames of conversations while little output is pending. */
void link_talk_pump(struct link *link);
/* msg: for FRAME_MESSAGE, otherwise NULL. */
bool link_talk_receive(struct link *link, const struct frame *frame, const struct link_msg *msg,
	struct err *err) NODISCARD;

#endif
