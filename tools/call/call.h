#ifndef TOOLS_CALL_CALL_H
#define TOOLS_CALL_CALL_H

#include "base/err.h"
#include "base/field.h"
#include "base/log.h"
#include "vm/core/vm.h"
#include "vm/guest/guest.h"

#include <jansson.h>

/*
 * One tools/call in flight.  It is answered exactly once, immediately or later, by call_reply() or
 * call_fail().  It outlives the connection it came from; a result without a recipient is dropped.
 * Fronts create calls (tools/call/call_impl.h): the MCP server, and tests.
 */
struct call;
struct streams;
struct tool;

/* content: an array of MCP content blocks (see tools/call/result.h); taken.  A pending note of the
 * sandbox (vm_take_note()) is added. */
void call_reply(struct call *call, json_t *content);
/* The same with one text block; copies. */
void call_reply_text(struct call *call, const char *text);
/* Reports a failure to the model: a result with isError.  content: blocks in addition to the text,
 * taken; or NULL. */
void call_fail(struct call *call, const struct err *why);
void call_fail_with(struct call *call, const struct err *why, json_t *content);

/* The arguments as they came; borrowed, valid as long as the call.  NULL: none. */
const json_t *call_args(const struct call *call);
const struct tool *tool_of_call(const struct call *call);
struct vm_pool *call_vms(struct call *call);
const char *call_owner(struct call *call); /* the principal; lives as long as the call */
sd_event *call_event(struct call *call);   /* the loop it runs in */

struct streams *call_streams(struct call *call); /* tools/sandbox/streams.h */
/* Returns the base URL of the viewer pages, without a trailing slash; to free().  May start a
 * listener on this machine. */
bool call_stream_base(struct call *call, char **ret_url, struct err *err) NODISCARD;

/* The address for VNC viewers: "127.0.0.1:5901", "unix:PATH"; NULL: none. */
const char *call_stream_vnc(struct call *call);

/*
 * The call's work in a sandbox.  call_start() finds the sandbox (NULL: the caller's default one,
 * created if necessary), waits until it is ready, reporting progress, and then calls begin(),
 * possibly before it returns.  Otherwise it fails the call.  The sandbox counts as in use until the
 * call is over.  If the client cancels the call before begin(), the call fails; later, the
 * operation given to call_works() is cancelled, unless call_on_cancel() was called.  A tool keeps
 * its state in memory of call_alloc().
 */
typedef void call_begin_fn(struct call *call, void *data);
void call_start(struct call *call, const char *sandbox, call_begin_fn *begin, void *data);
/* The same in an existing sandbox. */
void call_start_in(struct call *call, struct vm *vm, call_begin_fn *begin, void *data);
/* Called if the call is cancelled before begin(), to undo its effects; returns a note for the
 * client. */
void call_on_undo(struct call *call, const char *(*undo)(struct call *call));
/* Sets the operation of the sandbox's agent on behalf of this call, see guest.h; 0: none. */
void call_works(struct call *call, guest_id id);

/* Sets the sandbox of a call that neither starts it nor waits for it. */
void call_about(struct call *call, struct vm *vm);
struct vm *call_vm(const struct call *call);       /* the sandbox of any of these; NULL: none */
struct guest *call_guest(const struct call *call); /* its agent */

/* The row of every tool with the argument 'sandbox'. */
#define CALL_SANDBOX(T) FIELD_STR(T, sandbox, "Id; default: yours.")

/*
 * For the call's activity record, which viewers see.  Replaces the tool's title by the first line
 * of text, copied, which must not contain secrets.  And sets the point.
 */
void call_summarize(struct call *call, const char *text);
void call_point_at(struct call *call, const struct field_ints *point);

/* Reports progress to a client that requested it: step of total (0: unknown), with a short message.
 * Steps continue after those of the start. */
void call_progress(struct call *call, double step, double total, const char *message);
/* A call that reports no step for some seconds sends progress automatically.  describe() returns
 * its message instead of that of the last step; the text is read immediately. */
void call_describe(struct call *call, const char *(*describe)(void *data), void *data);

/* Sends a log message to a client that requested this level. */
void call_log(struct call *call, enum log_level level, const char *text);

/* Calls fn at most once, when the client cancels the call or disconnects.  The call must still be
 * answered. */
void call_on_cancel(struct call *call, void (*fn)(void *data), void *data);
bool call_is_cancelled(const struct call *call);
/* Calls fn once, when the call is over: answered by any function, or dropped.  Its memory and its
 * arguments are still valid, but no other function may be called. */
void call_on_end(struct call *call, void (*fn)(void *data), void *data);

/*
 * One client request.  method and params are those of MCP: "elicitation/create" (its user),
 * "sampling/createMessage" (its model), "roots/list".
 */
struct call_client_request {
	const char *key; /* identifies its answer among those of the call; the same each time */
	const char *method;
	json_t *params; /* taken; NULL: none */
};
/* answers: {key: result} with all keys, valid during the call; or NULL and the error: the client
 * does not support it, or did not respond. */
typedef void call_answered_fn(
	struct call *call, const json_t *answers, const struct err *why, void *data);

/*
 * Sends client requests.  An answer that does not match its request is an error.  In 2026-07-28 the
 * client requests are the call's result, and the client repeats the call with the answers: the tool
 * runs again from its start, and the same call_request_client() is answered immediately.  Tools must therefore
 * ask first, and do later what must be done only once.  fn is called at most once, possibly before
 * this returns.  If it is never called, the call was answered without it (the client requests are
 * its result, or it was answered otherwise, which withdraws them), so data should come from
 * call_alloc(), and neither may be used afterwards.  Only one call_request_client() may be pending.
 */
void call_request_client(struct call *call, const struct call_client_request *client_requests,
	size_t n, call_answered_fn *fn, void *data);
/* Whether the client supports this request.  Only method and params.mode count; nothing is
 * taken. */
bool call_client_supports(
	const struct call *call, const struct call_client_request *client_request);

/*
 * Ends the HTTP response of the call while the call continues: the client reconnects for the rest
 * after retry_ms (MCP 2025-11-25, Streamable HTTP; no effect otherwise).  For calls that take
 * minutes, so that no connection must stay open.
 */
void call_close_stream(struct call *call, unsigned retry_ms);

/* Zeroed memory that is freed with the call. */
void *call_alloc(struct call *call, size_t size);

#endif
