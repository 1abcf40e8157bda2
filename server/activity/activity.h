#ifndef SERVER_ACTIVITY_ACTIVITY_H
#define SERVER_ACTIVITY_ACTIVITY_H

#include "base/listener.h"
#include "tools/tool.h"

/*
 * What happened: a record for each tool call that was answered, for everything that follows what
 * agents do (the action log of the pages, metrics).  The call itself says what it was about, so that
 * no follower reads arguments or results.
 *
 * A record holds no secret: the summary is the reason of a failure, or a sentence that the tool
 * wrote for whoever watches, or the tool's title.  Typed text, results and links are not in it.
 */

struct activity_record {
	uint64_t id;           /* 1, 2, ...: the activity's */
	int64_t time;          /* CLOCK_REALTIME, ms, of the answer: the activity's */
	const char *principal; /* whose call it was */
	uint64_t connection; /* the number of the principal's session, in this run of the server */
	const char *sandbox; /* an id; NULL: about none, or not found */
	const struct tool *tool;
	const char *summary;     /* UTF-8, one line */
	struct field_ints point; /* where, in frame space; count 0: nowhere */
	const struct err *why;   /* it failed; NULL: it went well */
	uint64_t took_us;        /* 0: it was refused before it began */
	/* The screenshot that it was answered with, as base64, and its MIME type; NULL: none. */
	const char *picture, *picture_type;
};

/* The functions of a listener in activity->calls (base/listener.h).  The record and what it points
 * to are valid during the call. */
struct activity_fns {
	void (*call)(const struct activity_record *record, void *data);
};

/* Zeroed: nothing happened yet.  Outlives its listeners and the server. */
struct activity {
	struct listeners calls;
	uint64_t last_id;
};

/* Numbers the record and tells it.  From the loop, once for each call, before its answer is sent. */
void activity_add(struct activity *activity, struct activity_record *record);

#endif
