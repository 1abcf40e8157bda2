#ifndef SERVER_ACTIVITY_ACTIVITY_H
#define SERVER_ACTIVITY_ACTIVITY_H

#include "base/listener.h"
#include "tools/call/tool.h"

/*
 * Activity: one record for each answered tool call, for all listeners (the action log of the pages,
 * metrics).  The tool supplies the summary and the point, so no listener reads arguments or
 * results.
 *
 * A record contains no secret.  The summary is the error text, a sentence that the tool wrote for
 * viewers, or the tool's title.  Typed text, results and links are not part of it.
 */

struct activity_record {
	uint64_t id;           /* 1, 2, ...; set by activity_add() */
	int64_t time;          /* CLOCK_REALTIME, ms, of the response; set by activity_add() */
	const char *principal; /* the caller */
	uint64_t connection;   /* number of the principal's session in this run of the server */
	struct vm *vm;         /* the sandbox; NULL: none, or not found */
	const struct tool *tool;
	const char *summary;     /* UTF-8, one line */
	struct field_ints point; /* in frame space; count 0: none */
	const struct err *why;   /* the error; NULL: success */
	uint64_t took_us;        /* 0: refused before it started */
	/* The screenshot in the result, as base64, and its MIME type; NULL: none. */
	const char *picture, *picture_type;
};

/* The functions of a listener in activity->calls (base/listener.h).  The record and what it points
 * to are valid during the call. */
struct activity_fns {
	void (*call)(const struct activity_record *record, void *data);
};

/* Zeroed: empty.  Must outlive its listeners and the server. */
struct activity {
	struct listeners calls;
	uint64_t last_id;
};

/* Sets id and time and notifies the listeners.  Called from the loop, once per call, before its
 * response is sent. */
void activity_add(struct activity *activity, struct activity_record *record);

#endif
