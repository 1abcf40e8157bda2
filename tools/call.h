#ifndef TOOLS_CALL_H
#define TOOLS_CALL_H

#include "base/err.h"
#include "base/field.h"
#include "base/log.h"
#include "vm/core/vm.h"
#include "vm/guest/guest.h"

#include <jansson.h>

/*
 * One tools/call in flight: answered exactly once, now or later, by call_reply() or call_fail(). It
 * owns its request and outlives the connection it came from; an answer nobody waits for any more is
 * dropped.  Fronts make calls (tools/call_impl.h): the MCP server, and tests, to catch answers.
 */
struct call;
struct streams;

/* content: an array of MCP content blocks (see tools/result.h); taken.  What the sandbox has to say
 * (vm_take_note()) is added to it, for somebody reads this. */
void call_reply(struct call *call, json_t *content);
/* A failure the model should read: a result with isError.  content: blocks to show beside the text,
 * taken; or NULL. */
void call_fail(struct call *call, const struct err *why);
void call_fail_with(struct call *call, const struct err *why, json_t *content);

struct vm_pool *call_vms(struct call *call);
const char *call_owner(struct call *call); /* the principal; lives as long as the call */
sd_event *call_event(struct call *call);   /* the loop it runs in */

struct streams *call_streams(struct call *call); /* tools/streams.h */
/* Where people reach the pages of streams: a URL without a slash at its end; free() it.  May begin
 * to listen on this machine. */
bool call_stream_base(struct call *call, char **ret_url, struct err *err) NODISCARD;

/* Where VNC viewers log in to streams: "127.0.0.1:5901", "unix:PATH"; NULL: nowhere. */
const char *call_stream_vnc(struct call *call);

/*
 * The call's work in a sandbox.  call_start() finds it (NULL: the caller's default one, made if need
 * be), waits until it is ready, telling progress, and then calls begin(), perhaps before it returns;
 * or it fails the call.  Until the call is over the sandbox is in use.  Taken back by the client
 * before begin(), the call fails; afterwards what call_works() named is cancelled, unless
 * call_on_cancel() says otherwise.  What a tool has to remember until its answer comes from
 * call_alloc().
 */
typedef void call_begin_fn(struct call *call, void *data);
void call_start(struct call *call, const char *sandbox, call_begin_fn *begin, void *data);
/* The same in a sandbox that was found or made already. */
void call_start_in(struct call *call, struct vm *vm, call_begin_fn *begin, void *data);
/* Taken back before begin(): what is to be undone; returns a word about it for the client. */
void call_on_undo(struct call *call, const char *(*undo)(struct call *call));
/* What the sandbox's agent works on for this call, from guest.h; 0: nothing (any more). */
void call_works(struct call *call, guest_id id);

/* The sandbox that the call is about, where it is neither started nor waited for. */
void call_about(struct call *call, struct vm *vm);
struct vm *call_vm(const struct call *call);       /* of any of these; NULL: none */
struct guest *call_guest(const struct call *call); /* its agent */

/* The row of every tool that takes a sandbox. */
#define CALL_SANDBOX(T) \
	FIELD_STR(T, sandbox, "Sandbox id. Default: your default sandbox.", .min = 1, .max = 64)

/*
 * For the record of the call (server/activity), which people who watch see: what was done, in place
 * of the tool's title: the text's first line, copied; never what may be secret.  And where.
 */
void call_summarize(struct call *call, const char *text);
void call_point_at(struct call *call, const struct field_ints *point);

/* Told to the client when it asked for progress: step of total (0: unknown), with a short message.
 * Steps count from the start's last stage on. */
void call_progress(struct call *call, double step, double total, const char *message);
/* A call that tells no step for some seconds tells by itself that it is still at work.  describe()
 * gives the message then, instead of the last step's: a few words, read at once. */
void call_describe(struct call *call, const char *(*describe)(void *data), void *data);

/* Told to the client when it asked to hear of what happens at this level. */
void call_log(struct call *call, enum log_level level, const char *text);

/* fn fires at most once, when the client took the call back (or went away).  The call must still be
 * answered. */
void call_on_cancel(struct call *call, void (*fn)(void *data), void *data);
bool call_is_cancelled(const struct call *call);
/* fn fires once, when the call is over: answered by whatever function, or dropped.  Its memory and
 * its arguments are still there, but it can do nothing any more. */
void call_on_end(struct call *call, void (*fn)(void *data), void *data);

/*
 * One question to the client.  method and params are MCP's: "elicitation/create" (its user),
 * "sampling/createMessage" (its model), "roots/list".
 */
struct call_question {
	const char *key; /* tells its answer from the others of the same call; the same each time */
	const char *method;
	json_t *params; /* taken; NULL: none */
};
/* answers: {key: result} with every key that was asked, valid during the call; or NULL and why: the
 * client cannot be asked, or gave no answer. */
typedef void call_answered_fn(
	struct call *call, const json_t *answers, const struct err *why, void *data);

/*
 * Asks the client.  An answer that does not fit its question never gets to fn.  In 2026-07-28 the
 * questions are the call's result and the client calls again with the answers: the tool runs again
 * from its start, and the same call_ask() answers at once.  So ask first, and do later what must be
 * done once.  fn fires at most once, perhaps before this returns; when it never does, the call was
 * answered without it (the questions are its result, or it was answered meanwhile, which takes the
 * questions back): data should come from call_alloc(), and neither be used afterwards.  One ask at
 * a time.
 */
void call_ask(struct call *call, const struct call_question *questions, size_t n,
	call_answered_fn *fn, void *data);
/* Can the client be asked that?  (Only method and params.mode count; nothing is taken.) */
bool call_can_ask(const struct call *call, const struct call_question *question);

/*
 * Ends the HTTP response that the call would answer and goes on with the call: the client comes
 * back for the rest of it after retry_ms (MCP 2025-11-25, Streamable HTTP; elsewhere this does
 * nothing). For calls that take minutes: no connection has to live as long.
 */
void call_close_stream(struct call *call, unsigned retry_ms);

/* Scratch memory that is freed with the call, zeroed. */
void *call_alloc(struct call *call, size_t size);

#endif
