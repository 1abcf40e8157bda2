#ifndef TOOLS_SANDBOX_STREAMS_H
#define TOOLS_SANDBOX_STREAMS_H

#include "base/err.h"
#include "base/id.h"
#include "base/listener.h"
#include "base/secret.h"
#include "vm/core/vm.h"

/*
 * Streams: permissions to watch or control a desktop with a link.  The tools create and revoke
 * them; the server serves them (server/viewer).  A stream's link has a ticket in its fragment,
 * which the page exchanges, once, for a cookie of that stream.  Both are kept in memory only.  A
 * stream ends when it is revoked, when it expires or with its sandbox; its viewers are then closed.
 */

struct streams;

enum stream_mode { STREAM_VIEW, STREAM_CONTROL };
extern const char *const stream_mode_names[];

#define STREAM_EXPIRES_MAX (7 * 86400) /* in seconds */
#define STREAM_EXPIRES 3600
#define STREAM_TICKET_SECONDS \
	900              /* seconds an unused link is valid, at most until the stream's end */
#define STREAMS_MAX 1000 /* of all owners; 100 per owner */

struct stream {
	char id[ID_LEN + 1];
	const char *owner;
	struct vm *vm;
	int mode;                 /* enum stream_mode */
	int64_t window;           /* a window id, as in struct guest_windows; 0: the whole screen */
	int64_t created, expires; /* CLOCK_REALTIME, ms */
	unsigned viewers;         /* current number; set by the server */
};

struct streams *streams_new(sd_event *event, struct vm_pool *vms);
void streams_free(struct streams *streams); /* NULL-safe */

/* ret_ticket: for the link; it is stored nowhere else.  ERR_LIMIT if there are too many. */
const struct stream *streams_open(struct streams *streams, struct vm *vm, enum stream_mode mode,
	int64_t window, int64_t expires_s, char ret_ticket[SECRET_LEN + 1],
	struct err *err) NODISCARD;
/* The i-th of the owner's streams, oldest first; NULL after the last. */
const struct stream *streams_at(struct streams *streams, const char *owner, size_t i);
bool streams_revoke(
	struct streams *streams, const char *owner, const char *id, struct err *err) NODISCARD;
/* All streams of a sandbox that is about to end. */
void streams_end_all(struct streams *streams, const struct vm *vm, const char *why);
/* All streams, when the server shuts down. */
void streams_finish(struct streams *streams, const char *why);

/* ---- for the server ---- */

/* Valid until it ends.  NULL with ERR_NOT_FOUND (unknown, or ended: why). */
struct stream *streams_find(struct streams *streams, const char *id, struct err *err) NODISCARD;
/* Exchanges a ticket for a cookie, once.  The text of ERR_STATE distinguishes a wrong ticket from a
 * used or expired one. */
bool streams_redeem(struct streams *streams, struct stream *stream, const char *ticket,
	char ret_cookie[SECRET_LEN + 1], struct err *err) NODISCARD;
/* In constant time. */
bool streams_admits(const struct stream *stream, const char *cookie);
/* Functions of its listeners. */
struct streams_fns {
	/* A stream has ended (why: a sentence for its viewers); it is freed afterwards.  Called
	 * from the loop, within a second of the reason. */
	void (*ended)(struct stream *stream, const char *why, void *data);
};
struct listeners *streams_listeners(struct streams *streams);

#endif
