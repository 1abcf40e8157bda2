#ifndef VM_WIRE_LINK_H
#define VM_WIRE_LINK_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * The link between the host and an agent: requests with replies, events, and streams with credit,
 * over one byte stream (a socketpair, a virtio-serial port, TCP).  Both ends use this and trust
 * nothing: whatever the other side breaks (framing, bounds, credit, JSON, an unknown stream) closes
 * the link with a reason.
 *
 * Messages go before stream data, and streams take turns, so a large transfer never delays a click.
 */

struct link;
struct link_stream;

#define LINK_REQUESTS_MAX 1024 /* open at once, each way */
#define LINK_STREAMS_MAX 256

/*
 * A message: a JSON object and raw bytes behind it.  Valid during the callback only.  What json is:
 * in a request
 * {"op": string, "args": object}, in an event {"event": string, ...}, both checked to be that; in a
 * reply the result object itself.
 */
struct link_msg {
	const json_t *json;
	const uint8_t *tail;
	size_t tail_len;
};

struct link_handlers {
	/* The other side asks.  Must end in one link_reply() or link_reply_err() with this id, now
	 * or later. */
	void (*request)(struct link *link, uint32_t id, const struct link_msg *msg, void *data);
	/* It takes back an unanswered request of its own (answered ones are filtered out).  Reply
	 * all the same, soon. */
	void (*cancel)(struct link *link, uint32_t id, void *data);
	void (*event)(struct link *link, const struct link_msg *msg, void *data);
	/* The link has ended; fires once, from the loop.  Open requests have failed with ERR_GONE
	 * before.  link_free() is allowed. */
	void (*closed)(struct link *link, const struct err *why, void *data);
	/* The operation that another other side begins with, or NULL.  Before its request() the
	 * link forgets all else: what waits to be sent is dropped, streams are reset, our requests
	 * fail with ERR_GONE and theirs count as answered, so that replies to them are ignored. */
	const char *begins_anew;
};

/* err is NULL when the other side answered with a result; otherwise msg is NULL. */
typedef void link_reply_fn(const struct link_msg *msg, const struct err *err, void *data);

/* Room for a frame of a large screen in a socket on its way to an agent, as far as the host permits.
 * Sockets accepted from a listening one have it, too. */
void link_enlarge_buffer(int fd);

/* Takes fd (a non-blocking one is made of it).  A NULL handler: that message breaks the protocol.
 */
struct link *link_new(sd_event *event, int fd, const struct link_handlers *handlers, void *data);
/* Closes without callbacks, but for open requests, which fail with ERR_GONE.  NULL-safe. */
void link_free(struct link *link);

/*
 * Sends {"op": op, "args": args}; takes args (NULL: {}).  reply fires exactly once, never from
 * inside this call: with what the other side answers, ERR_GONE when the link has ended, ERR_LIMIT
 * when too many are open or args are too large for a message.
 */
uint32_t link_request(
	struct link *link, const char *op, json_t *args, link_reply_fn *reply, void *data);
/* With bytes behind it, which are copied. */
uint32_t link_request_with(struct link *link, const char *op, json_t *args, const void *tail,
	size_t tail_len, link_reply_fn *reply, void *data);
void link_cancel(
	struct link *link, uint32_t id); /* the reply (most likely ERR_CANCELLED) still comes */

/* Sends {"result": result} with tail behind it; takes result.  An id that is not open is ignored.
 */
void link_reply(struct link *link, uint32_t id, json_t *result, const void *tail, size_t tail_len);
/* Sends {"error": {"kind": word, "text": text}}. */
void link_reply_err(struct link *link, uint32_t id, const struct err *why);
/* Sends {"event": name, ...fields}; takes fields (NULL: {}). */
void link_event(struct link *link, const char *name, json_t *fields);

size_t link_pending(const struct link *link); /* bytes not yet taken by the kernel */

/*
 * ---- silence, so that a machine can be saved with its end of the link ----
 */

/* Whatever was said before is sent; whatever is said from now on waits until the other side has
 * sent a frame and that was dealt with. */
void link_freeze(struct link *link);
/* The host's half of it: while on, whatever is said waits. */
void link_hold(struct link *link, bool on);

/*
 * ---- streams: one direction of bytes each way, flow-controlled ----
 *
 * Messages overtake stream data: a reply may come before the last bytes of a stream that was ended
 * before it was sent. Whoever needs all of a stream waits for its ended().
 */

#define LINK_WINDOW \
	(256u << 10) /* bytes in flight, each way, before the receiver must have consumed some */

struct link_stream_handlers {
	/* Bytes arrived.  Call link_stream_consumed() when they were dealt with, now or later: that
	 * gives the sender credit. */
	void (*data)(struct link_stream *s, const void *bytes, size_t len, void *data);
	void (*ended)(struct link_stream *s, void *data); /* the other side will send no more */
	/* Reset by the other side, or the link closed.  The stream is freed after this returns. */
	void (*reset)(struct link_stream *s, void *data);
	void (*writable)(struct link_stream *s,
		void *data); /* credit came back after link_stream_write() took less */
};

/*
 * The host's side picks a number and names it in a request; the agent's side accepts that number,
 * inside its request callback (bytes for a stream that nobody has are dropped).  open returns NULL
 * when LINK_STREAMS_MAX are open or the link has ended.
 */
struct link_stream *link_stream_open(
	struct link *link, const struct link_stream_handlers *handlers, void *data);
struct link_stream *link_stream_accept(struct link *link, uint32_t number,
	const struct link_stream_handlers *handlers, void *data, struct err *err) NODISCARD;
uint32_t link_stream_number(const struct link_stream *s);
/* Returns how many bytes were taken (as far as the credit goes). */
size_t link_stream_write(struct link_stream *s, const void *bytes, size_t len);
void link_stream_consumed(struct link_stream *s, size_t len);
void link_stream_end(struct link_stream *s);
/*
 * Gives the stream up; no callback comes any more.  After link_stream_end() what was written is
 * still sent.  Without both ends having ended, the other side then gets a reset.  NULL-safe; does
 * nothing inside the stream's own reset().
 */
void link_stream_free(struct link_stream *s);

#endif
