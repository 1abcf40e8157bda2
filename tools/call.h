#ifndef TOOLS_CALL_H
#define TOOLS_CALL_H

#include "base/err.h"
#include "vm/vm.h"

#include <jansson.h>

/*
 * One tools/call in flight: answered exactly once, now or later, by call_reply() or call_fail(). It
 * owns its request and outlives the connection it came from; an answer nobody waits for any more is
 * dropped.  server/ implements it on top of MCP; tests implement it to catch answers.
 */
struct call;

/* content: an array of MCP content blocks (see tools/result.h); taken. */
void call_reply(struct call *call, json_t *content);
/* A failure the model should read: a result with isError.  content: blocks to show beside the text,
 * taken; or NULL. */
void call_fail(struct call *call, const struct err *why);
void call_fail_with(struct call *call, const struct err *why, json_t *content);

struct vm_pool *call_vms(struct call *call);
const char *call_owner(struct call *call); /* the principal; lives as long as the call */

/* Told to the client when it asked for progress: step of total (0: unknown), with a short message.
 */
void call_progress(struct call *call, double step, double total, const char *message);

/* fn fires at most once, when the client took the call back (or went away).  The call must still be
 * answered. */
void call_on_cancel(struct call *call, void (*fn)(void *data), void *data);
bool call_is_cancelled(const struct call *call);

/* Scratch memory that is freed with the call, zeroed. */
void *call_alloc(struct call *call, size_t size);

#endif
