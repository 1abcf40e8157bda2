#ifndef TOOLS_STREAMS_H
#define TOOLS_STREAMS_H

#include "base/err.h"
#include "base/id.h"
#include "base/listener.h"
#include "base/secret.h"
#include "vm/core/vm.h"

/*
 * Streams: permissions to watch a desktop, or to take it over, by a link.  The tools make and
 * revoke them; the server shows them (server/viewer).  A stream's link carries a ticket in its
 * fragment; the page exchanges it, once, for a cookie of that stream.  Both live in memory only.  A
 * stream ends when it is revoked, when it expires or with its sandbox; its viewers are then closed.
 */

struct streams;

enum stream_mode { STREAM_VIEW, STREAM_CONTROL };
extern const char *const stream_mode_words[];

#define STREAM_EXPIRES_MAX (7 * 86400) /* seconds */
#define STREAM_EXPIRES 3600
#define STREAM_TICKET_SECONDS \
	900              /* an unused link is good for this long, or until the stream's end */
#define STREAMS_MAX 1000 /* of all owners; 100 of one */

struct stream {
	char id[ID_LEN + 1];
	const char *owner;
	struct vm *vm;
	int mode;                 /* enum stream_mode */
	int64_t window;           /* an id as of `windows`; 0: the whole screen */
	int64_t created, expires; /* CLOCK_REALTIME, ms */
	unsigned viewers;         /* now; kept by the server */
};

struct streams *streams_new(sd_event *event, struct vm_pool *vms);
void streams_free(struct streams *streams); /* NULL-safe */

/* ret_ticket: for the link; it is nowhere else.  ERR_LIMIT when there are too many. */
const struct stream *streams_open(struct streams *streams, struct vm *vm, enum stream_mode mode,
	int64_t window, int64_t expires_s, char ret_ticket[SECRET_LEN + 1],
	struct err *err) NODISCARD;
/* The i-th of the owner's that have not ended, oldest first; NULL past the end. */
const struct stream *streams_at(struct streams *streams, const char *owner, size_t i);
bool streams_revoke(
	struct streams *streams, const char *owner, const char *id, struct err *err) NODISCARD;
/* All of a sandbox's, which is about to go. */
void streams_end_all(struct streams *streams, const struct vm *vm, const char *why);
/* Every one: the server is told to end. */
void streams_finish(struct streams *streams, const char *why);

/* ---- for the server ---- */

/* Valid as long as it has not ended.  NULL with ERR_NOT_FOUND (never was, or has ended: why). */
struct stream *streams_find(struct streams *streams, const char *id, struct err *err) NODISCARD;
/* A ticket for a cookie: once.  ERR_STATE tells a wrong one from one that was used or is too old.
 */
bool streams_redeem(struct streams *streams, struct stream *stream, const char *ticket,
	char ret_cookie[SECRET_LEN + 1], struct err *err) NODISCARD;
/* In the same time whether it fits or not. */
bool streams_admits(const struct stream *stream, const char *cookie);
/* The functions of its listeners. */
struct streams_fns {
	/* A stream has ended (why: a sentence for its viewers); it is freed afterwards.  From the
	 * loop, within a second of the reason. */
	void (*ended)(struct stream *stream, const char *why, void *data);
};
struct listeners *streams_listeners(struct streams *streams);

#endif
