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
 * messages before the reply), and events.  The host sends requests, the agent replies.  Neither end
 * trusts the other: a violation (framing, bounds, credit, JSON, an unknown number) closes the link
 * with a reason.
 *
 * Requests, replies and events have priority over the frames of conversations, and conversations
 * take turns, so a large transfer never delays a click.
 */

struct link;

#define LINK_REQUESTS_MAX 1024 /* open at once */
#define LINK_CONVERSATIONS_MAX 256

/*
 * A message: a JSON object, followed by raw bytes.  Valid during the callback only.  json is, in a
 * request, {"op": string, "args": object}; in an event, {"event": string, ...}; in a reply, the
 * result object; in a conversation, any object.  The types of these members were checked.
 */
struct link_msg {
	const json_t *json;
	const uint8_t *tail;
	size_t tail_len;
};

struct link_handlers {
	/* A request of the peer.  Must end in one link_reply() or link_reply_err() with this id, now
	 * or later.  An end with this handler sends no requests. */
	void (*request)(struct link *link, uint32_t id, const struct link_msg *msg, void *data);
	/* The peer cancels its request, which is unanswered.  It still requires a reply, soon. */
	void (*cancel)(struct link *link, uint32_t id, void *data);
	void (*event)(struct link *link, const struct link_msg *msg, void *data);
	/* The link has ended; called once, from the loop, after open requests have failed with
	 * ERR_GONE.  link_free() is allowed. */
	void (*closed)(struct link *link, const struct err *why, void *data);
	/* The operation that a new peer begins with, or NULL.  Before its request() is called, the
	 * link is reset: output is dropped, and open requests count as answered, so that replies to
	 * them are ignored. */
	const char *resets_on;
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
/* With a tail, which is copied. */
uint32_t link_request_with(struct link *link, const char *op, json_t *args, const void *tail,
	size_t tail_len, link_reply_fn *reply, void *data);
/* The reply (usually ERR_CANCELLED) still follows.  What was written to a conversation before is sent
 * first. */
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
/* The host's side: while on, all output is held. */
void link_hold(struct link *link, bool on);

/*
 * ---- conversations: bytes and messages in both directions between a request and its reply ----
 *
 * The reply ends a conversation and follows everything that its side sent.  All of these functions
 * ignore an id that is not open, so callers do not have to know that a conversation has ended.
 */

/* Maximum bytes in flight in each direction; the receiver's link_consumed() permits more.  A message
 * counts as its JSON, its tail and 4 bytes. */
#define LINK_WINDOW (256u << 10)
#define LINK_MESSAGE_MAX (32u << 10) /* size of one such message, in the same count */

/* With a NULL handler, the data or message is dropped. */
struct link_talk {
	/* Bytes on one of the peer's channels, which the operation defines.  Call link_consumed()
	 * when they were processed, now or later: it gives the peer credit. */
	void (*data)(struct link *link, uint32_t id, unsigned channel, const void *bytes,
		size_t len, void *data);
	/* A message; cost: the number for link_consumed(). */
	void (*message)(struct link *link, uint32_t id, const struct link_msg *msg, size_t cost,
		void *data);
	/* There is credit again, after link_write() took a part or link_send_message() returned false. */
	void (*writable)(struct link *link, uint32_t id, void *data);
	/* The peer sends no more.  Not called for the reply, which implies it. */
	void (*ended)(struct link *link, uint32_t id, void *data);
};

/* Like link_request_with(); fails with ERR_LIMIT also if LINK_CONVERSATIONS_MAX are open.  No handler
 * is called after reply. */
uint32_t link_converse(struct link *link, const char *op, json_t *args, const void *tail,
	size_t tail_len, const struct link_talk *talk, link_reply_fn *reply, void *data);
/* For the replying side, inside its request callback.  No handler is called after its reply. */
bool link_accept(struct link *link, uint32_t id, const struct link_talk *talk, void *data,
	struct err *err) NODISCARD;

/* Returns the number of bytes taken, which the credit limits; 0 if the conversation has ended.
 * channel: at most 255. */
size_t link_write(struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len);
/* Sends a message; takes json.  False: the credit is insufficient (writable() follows), the message
 * is larger than LINK_MESSAGE_MAX, or the conversation has ended. */
bool link_send_message(
	struct link *link, uint32_t id, json_t *json, const void *tail, size_t tail_len);
void link_consumed(struct link *link, uint32_t id, size_t len);
/* Ends this direction; what was taken before is still sent. */
void link_end(struct link *link, uint32_t id);

#endif
