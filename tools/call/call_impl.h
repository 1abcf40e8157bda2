#ifndef TOOLS_CALL_CALL_IMPL_H
#define TOOLS_CALL_CALL_IMPL_H

#include "tools/call/call.h"
#include "tools/call/tool.h"

/*
 * Calls, for the fronts that create them: MCP's tools/call, and tests.  A front embeds struct call
 * as the first member of its own struct, sets the first members, and runs it.
 */

/* The functions of a front.  They are called only while the call is not over; NULL: no effect, or
 * not supported. */
struct call_impl {
	/* Sends the result, once.  content is taken, and may be NULL if why is set.  Must call
	 * call_is_over(), now or later. */
	void (*answer)(struct call *call, json_t *content, const struct err *why);
	bool (*stream_base)(struct call *call, char **ret_url, struct err *err);
	const char *(*stream_vnc)(struct call *call);
	void (*progress)(struct call *call, double step, double total, const char *message);
	void (*describe)(struct call *call, const char *(*describe)(void *data), void *data);
	void (*log)(struct call *call, enum log_level level, const char *text);
	bool (*client_supports)(
		const struct call *call, const struct call_client_request *client_request);
	/* Must call call_answered(), at most once. */
	void (*request_client)(
		struct call *call, const struct call_client_request *client_requests, size_t n);
	void (*close_stream)(struct call *call, unsigned retry_ms);
	/* The call is unused; call.c has freed its own members. */
	void (*free)(struct call *call);
};

struct call_scratch;

struct call {
	/* Set by the front: constant, and valid until the call is freed. */
	const struct call_impl *impl;
	const struct tool *tool;
	struct vm_pool *vms;
	const char *owner;
	sd_event *event;
	struct streams *streams;
	/* private to call.c */
	const json_t *args;
	int refs;
	bool answered, over, cancelled;
	struct call_scratch *scratch;
	void (*on_cancel)(void *data);
	void *on_cancel_data;
	void (*on_end)(void *data);
	void *on_end_data;
	call_answered_fn *on_answered;
	void *on_answered_data;
	const char *summary;     /* one line; NULL: the tool's title */
	struct field_ints point; /* count 0: none */
	struct vm *vm;
	bool in_use; /* this call has marked vm as in use */
	bool needs_desktop;
	call_begin_fn *begin;
	void *begin_data;
	const char *(*undo)(struct call *call);
	struct vm_wait *wait; /* while vm is not ready */
	guest_id working;     /* operation of the agent; 0: none */
	unsigned stages;      /* stages of the start that were reported */
};

/* Called first.  The call lives until it is over and its tool has returned. */
void call_begin(struct call *call);
/* Decodes args (borrowed; valid until the call is freed; NULL: none) and runs the tool, once. */
void call_run(struct call *call, const json_t *args);
/* Instead of call_run(): fails the call without running its tool. */
void call_refuse(struct call *call, const struct err *why);
/* The client cancels it: notifies the tool, which must still answer.  False: the tool has no
 * cancellation callback. */
bool call_cancel(struct call *call);
/* The result of call_impl's ask(), as in call_answered_fn. */
void call_answered(struct call *call, const json_t *answers, const struct err *why);
/* It was answered, by any function, or dropped: the tool can no longer use it. */
void call_is_over(struct call *call);

#endif
