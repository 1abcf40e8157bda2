#ifndef VM_WIRE_LINK_H
#define VM_WIRE_LINK_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * The link between the host and an agent, over one byte stream (a socketpair, a virtio-serial port,
 * TCP): requests and their replies, conversations (requests whose two sides exchange bytes and
 * messages before the reply), and events.  The host asks, the agent answers.  Neither end trusts the
 * other: a violation (framing, bounds, credit, JSON, an unknown number) closes the link with a
 * reason.
 *
 * Requests, replies and events go before what conversations send, and conversations take turns, so a
 * large transfer never delays a click.
 */

struct link;

#define LINK_REQUESTS_MAX 1024 /* open at once */
#define LINK_CONVERSATIONS_MAX 256

/*
 * A message: a JSON object and raw bytes behind it.  Valid during the callback only.  What json is:
 * in a request
 * {"op": string, "args": object}, in an event {"event": string, ...}, both checked to be that; in a
 * reply the result object itself, in a conversation any object.
 */
struct link_msg {
	const json_t *json;
	const uint8_t *tail;
	size_t tail_len;
};

struct link_handlers {
	/* The other side asks.  Must end in one link_reply() or link_reply_err() with this id, now
	 * or later.  An end with this handler answers and never asks. */
	void (*request)(struct link *link, uint32_t id, const struct link_msg *msg, void *data);
	/* The peer cancels its request, which is unanswered.  Reply all the same, soon. */
	void (*cancel)(struct link *link, uint32_t id, void *data);
	void (*event)(struct link *link, const struct link_msg *msg, void *data);
	/* The link has ended; called once, from the loop.  Open requests have failed with ERR_GONE
	 * before.  link_free() is allowed. */
	void (*closed)(struct link *link, const struct err *why, void *data);
	/* The operation that another other side begins with, or NULL.  Before its request() the
	 * link forgets all else: what waits to be sent is dropped, and open requests count as
	 * answered, so that whatever is sent for them is ignored. */
	const char *begins_anew;
};

/* err is NULL if the peer answered with a result; otherwise msg is NULL. */
typedef void link_reply_fn(const struct link_msg *msg, const struct err *err, void *data);

/* Enlarges the buffer of a socket to an agent for a frame of a large screen, as far as the host permits.
 * Sockets accepted from a listening one inherit it. */
void link_enlarge_buffer(int fd);

/* Takes fd and makes it non-blocking.  A NULL handler: that message violates the protocol. */
struct link *link_new(sd_event *event, int fd, const struct link_handlers *handlers, void *data);
/* Closes without callbacks, except for open requests, which fail with ERR_GONE.  NULL-safe. */
void link_free(struct link *link);

/*
 * Sends {"op": op, "args": args}; takes args (NULL: {}).  reply is called exactly once, never from
 * inside this call: with the peer's answer, with ERR_GONE if the link has ended, with ERR_LIMIT if
 * too many are open or args exceed the size of a message.
 */
uint32_t link_request(
	struct link *link, const char *op, json_t *args, link_reply_fn *reply, void *data);
/* With additional bytes, which are copied. */
uint32_t link_request_with(struct link *link, const char *op, json_t *args, const void *tail,
	size_t tail_len, link_reply_fn *reply, void *data);
/* The reply (most likely ERR_CANCELLED) still comes.  Of a conversation, what was written before is
 * sent first. */
void link_cancel(struct link *link, uint32_t id);

/* Sends {"result": result} and tail; takes result.  An id that is not open is ignored. */
void link_reply(struct link *link, uint32_t id, json_t *result, const void *tail, size_t tail_len);
/* Sends {"error": {"kind": word, "text": text}}. */
void link_reply_err(struct link *link, uint32_t id, const struct err *why);
/* Sends {"event": name, ...fields}; takes fields (NULL: {}). */
void link_event(struct link *link, const char *name, json_t *fields);

size_t link_pending(const struct link *link); /* bytes not yet written to the kernel */

/* ---- freeze, so that a VM can be saved with its end of the link ---- */

/* Sends what was queued before; everything after it waits until a frame of the peer was
 * processed. */
void link_freeze(struct link *link);
/* The host's half: while on, everything waits. */
void link_hold(struct link *link, bool on);

/*
 * ---- conversations: bytes and messages both ways between a request and its reply ----
 *
 * The reply ends a conversation, and comes after everything that its side sent.  An id that is not
 * open is ignored by all of these, so nothing has to be told that a conversation is over.
 */

/* Bytes in flight, each way, before the receiver must have consumed some.  Messages count as their
 * JSON, their tail and 4 bytes. */
#define LINK_WINDOW (256u << 10)
#define LINK_MESSAGE_MAX (32u << 10) /* of such a message */

/* A NULL handler: what comes is dropped. */
struct link_talk {
	/* Bytes arrived on one of the sender's channels, which the operation defines.
	 * link_consumed() when they were dealt with, now or later, gives the sender credit. */
	void (*data)(struct link *link, uint32_t id, unsigned channel, const void *bytes,
		size_t len, void *data);
	/* A message arrived; cost: what to report to link_consumed(). */
	void (*message)(struct link *link, uint32_t id, const struct link_msg *msg, size_t cost,
		void *data);
	/* There is credit again, after link_write() took less or link_say() refused. */
	void (*writable)(struct link *link, uint32_t id, void *data);
	/* The other side sends no more.  The reply implies this and is not announced here. */
	void (*ended)(struct link *link, uint32_t id, void *data);
};

/* As link_request_with(); ERR_LIMIT, too, when LINK_CONVERSATIONS_MAX are open.  No handler fires
 * once reply has. */
uint32_t link_converse(struct link *link, const char *op, json_t *args, const void *tail,
	size_t tail_len, const struct link_talk *talk, link_reply_fn *reply, void *data);
/* The answering side's, inside its request callback.  No handler fires after its reply. */
bool link_accept(struct link *link, uint32_t id, const struct link_talk *talk, void *data,
	struct err *err) NODISCARD;

/* Returns how many bytes were taken (as far as the credit goes); 0 once it is over.  channel: at
 * most 255. */
size_t link_write(struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len);
/* Sends a message; takes json.  False: there is no credit for it now (writable() follows), it is
 * larger than LINK_MESSAGE_MAX, or the conversation is over. */
bool link_say(struct link *link, uint32_t id, json_t *json, const void *tail, size_t tail_len);
void link_consumed(struct link *link, uint32_t id, size_t len);
/* Sends no more; what was taken before is still sent. */
void link_end(struct link *link, uint32_t id);

#endif
