#ifndef TOOLS_CALL_IMPL_H
#define TOOLS_CALL_IMPL_H

#include "tools/call.h"
#include "tools/tool.h"

/*
 * Calls, for the fronts that make them: MCP's tools/call, tests.  A front embeds struct call first
 * in what it keeps for a call, fills in the first members, and runs it.
 */

/* What a front does for its calls.  Called only while the call is not over; a member that is NULL
 * does nothing, or cannot. */
struct call_impl {
	/* The answer, once; content is taken, and may be NULL when why says what failed.  It ends in
	 * call_is_over(), now or later. */
	void (*answer)(struct call *call, json_t *content, const struct err *why);
	bool (*stream_base)(struct call *call, char **ret_url, struct err *err);
	const char *(*stream_vnc)(struct call *call);
	void (*progress)(struct call *call, double step, double total, const char *message);
	void (*describe)(struct call *call, const char *(*describe)(void *data), void *data);
	void (*log)(struct call *call, enum log_level level, const char *text);
	bool (*can_ask)(const struct call *call, const struct call_question *question);
	/* Ends in call_answered(), at most once. */
	void (*ask)(struct call *call, const struct call_question *questions, size_t n);
	void (*close_stream)(struct call *call, unsigned retry_ms);
	/* Nothing points to it any more; what call.c keeps is freed. */
	void (*free)(struct call *call);
};

struct call_scratch;

struct call {
	/* The front's: constant, and valid until the call is freed. */
	const struct call_impl *impl;
	const struct tool *tool;
	struct vm_pool *vms;
	const char *owner;
	sd_event *event;
	struct streams *streams;
	/* call.c's */
	int refs;
	bool answered, over, cancelled;
	struct call_scratch *scratch;
	void (*on_cancel)(void *data);
	void *on_cancel_data;
	void (*on_end)(void *data);
	void *on_end_data;
	call_answered_fn *on_answered;
	void *on_answered_data;
	const char *summary;     /* one line; NULL: the tool's title says it */
	struct field_ints point; /* count 0: nowhere */
	struct vm *vm;
	bool in_use; /* vm is, by this call */
	bool needs_desktop;
	call_begin_fn *begin;
	void *begin_data;
	const char *(*undo)(struct call *call);
	struct vm_wait *wait; /* while vm is not ready */
	guest_id working;     /* what its agent works on; 0: nothing */
	unsigned stages;      /* of the start, that were told */
};

/* Before anything else: it lives from here until it is over and no tool is at work on it. */
void call_begin(struct call *call);
/* Decodes args (borrowed; valid until the call is freed; NULL: none) and runs the tool.  Once. */
void call_run(struct call *call, const json_t *args);
/* Instead of call_run(): fails the call without running its tool. */
void call_refuse(struct call *call, const struct err *why);
/* The client took it back: the tool hears of it, and still has to answer.  False: it did not ask to
 * hear of it. */
bool call_cancel(struct call *call);
/* For call_impl's ask(): as call_answered_fn. */
void call_answered(struct call *call, const json_t *answers, const struct err *why);
/* It was answered, by whatever function, or dropped: the tool can do nothing any more. */
void call_is_over(struct call *call);

#endif
