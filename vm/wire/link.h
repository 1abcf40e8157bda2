#ifndef VM_WIRE_LINK_H
#define VM_WIRE_LINK_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * The link between the host and an agent: requests with replies, events, and flow-controlled
 * streams, over one byte stream (a socketpair, a virtio-serial port, TCP).  Both ends use it and
 * trust nothing: any violation by the peer (framing, bounds, credit, JSON, an unknown stream)
 * closes the link with a reason.
 *
 * Messages precede stream data, and streams take turns, so a large transfer never delays a click.
 */

struct link;
struct link_stream;

#define LINK_REQUESTS_MAX 1024 /* concurrent requests, in each direction */
#define LINK_STREAMS_MAX 256

/*
 * A message: a JSON object followed by raw bytes.  Valid during the callback only.  json is, in a
 * request {"op": string, "args": object}, in an event {"event": string, ...}, both checked; in a
 * reply the result object.
 */
struct link_msg {
	const json_t *json;
	const uint8_t *tail;
	size_t tail_len;
};

struct link_handlers {
	/* A request of the peer.  Must be answered with one link_reply() or link_reply_err() with
	 * this id, now or later. */
	void (*request)(struct link *link, uint32_t id, const struct link_msg *msg, void *data);
	/* The peer cancels its request, which is unanswered.  Reply all the same, soon. */
	void (*cancel)(struct link *link, uint32_t id, void *data);
	void (*event)(struct link *link, const struct link_msg *msg, void *data);
	/* The link has ended; called once, from the loop.  Open requests have failed with ERR_GONE
	 * before.  link_free() is allowed. */
	void (*closed)(struct link *link, const struct err *why, void *data);
	/* The operation with which a restarted peer begins, or NULL.  Before its request() the link
	 * drops all other state: unsent data, streams (with a reset), our requests (with ERR_GONE),
	 * and the peer's, to which replies are ignored. */
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
void link_cancel(
	struct link *link, uint32_t id); /* the reply (most likely ERR_CANCELLED) still follows */

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
 * ---- streams: one direction of bytes each way, flow-controlled ----
 *
 * Messages overtake stream data: a reply may arrive before the last bytes of a stream that ended
 * before it was sent. Whoever needs all of a stream waits for its ended().
 */

/* Bytes in flight, in each direction, before the receiver must have consumed some. */
#define LINK_WINDOW (256u << 10)

struct link_stream_handlers {
	/* Bytes arrived.  Call link_stream_consumed() when they were processed, now or later, which
	 * gives the sender credit. */
	void (*data)(struct link_stream *s, const void *bytes, size_t len, void *data);
	void (*ended)(struct link_stream *s, void *data); /* the peer will send no more */
	/* Reset by the peer, or the link closed.  The stream is freed after this returns. */
	void (*reset)(struct link_stream *s, void *data);
	void (*writable)(struct link_stream *s,
		void *data); /* credit is available after link_stream_write() accepted less */
};

/*
 * The host selects a number and passes it in a request; the agent accepts that number inside its
 * request callback (bytes for an unknown stream are dropped).  open returns NULL if
 * LINK_STREAMS_MAX are open or the link has ended.
 */
struct link_stream *link_stream_open(
	struct link *link, const struct link_stream_handlers *handlers, void *data);
struct link_stream *link_stream_accept(struct link *link, uint32_t number,
	const struct link_stream_handlers *handlers, void *data, struct err *err) NODISCARD;
uint32_t link_stream_number(const struct link_stream *s);
/* Returns the number of bytes accepted, limited by the credit. */
size_t link_stream_write(struct link_stream *s, const void *bytes, size_t len);
void link_stream_consumed(struct link_stream *s, size_t len);
void link_stream_end(struct link_stream *s);
/*
 * Releases the stream; no more callbacks.  After link_stream_end() the written bytes are still
 * sent. Unless both directions have ended, the peer then gets a reset.  NULL-safe; no effect inside
 * the stream's own reset().
 */
void link_stream_free(struct link_stream *s);

#endif
