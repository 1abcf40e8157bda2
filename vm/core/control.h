#ifndef VM_CORE_CONTROL_H
#define VM_CORE_CONTROL_H

#include "vm/core/vm.h"

#include <sys/queue.h>

/*
 * Who has control of a sandbox: the agent (everyone who calls its tools; initially), one user, or
 * no one.  When a user takes control, the agent's running action lists with input are cancelled,
 * their keys and buttons released, and new ones refused with ERR_STATE; screenshots still work.
 * Every transfer increments the fence, and a user's input is accepted only with the fence it was
 * given, so late input of a previous holder has no effect.
 */

enum vm_holder { VM_HELD_BY_AGENT, VM_HELD_BY_USER, VM_HELD_BY_NONE };
extern const char *const vm_holder_names[];

#define VM_CONTROL_TEXT_MAX 1000 /* bytes of a reason, and of a user's message */
#define VM_CONTROL_WHO_MAX 60

struct vm_control {
	int holder;         /* enum vm_holder */
	const char *who;    /* the user's name; NULL if no user has control */
	int64_t since;      /* CLOCK_REALTIME, ms; 0: from the start */
	uint64_t fence;     /* incremented by each transfer */
	const char *wanted; /* why the agent requests a user; NULL: it does not */
};

/* Valid until the loop runs again. */
const struct vm_control *vm_control(const struct vm *vm);

/* A user takes control from the current holder.  Returns the new fence. */
uint64_t vm_control_take(struct vm *vm, const char *who);
/* Returns control to the agent.  message: from the user, or NULL; it is passed to pending
 * requests, otherwise with the next result.  ERR_STATE: the fence is outdated. */
bool vm_control_give_back(
	struct vm *vm, uint64_t fence, const char *message, struct err *err) NODISCARD;
/* The agent takes control that no one has (no effect if it has control), or releases its control.
 * ERR_STATE: a user has control; the text contains who and since when. */
bool vm_control_acquire(struct vm *vm, struct err *err) NODISCARD;
bool vm_control_release(struct vm *vm, struct err *err) NODISCARD;

/* Whether the agent may send input.  ERR_STATE: who has control, since when, and what to do. */
bool vm_control_agent_may(const struct vm *vm, struct err *err) NODISCARD;
/* Whether it may run commands, and end or stop the desktop.  Not while a user has control, unless
 * the pool permits it (commands_during_takeover). */
bool vm_control_allows_agent(const struct vm *vm, struct err *err) NODISCARD;
/* Whether this fence is the current one of a user. */
bool vm_control_is(const struct vm *vm, uint64_t fence);

/* ---- requests for a user ---- */

struct vm_user_wait;
/* Called once, from the loop: a user took control and returned it (message: theirs, or NULL), or
 * err: the sandbox ended. */
typedef void vm_user_fn(struct vm *vm, const char *message, const struct err *err, void *data);
/* Several requests may be pending; the newest reason is shown. */
struct vm_user_wait *vm_control_ask(struct vm *vm, const char *reason, vm_user_fn *fn, void *data);
void vm_control_ask_cancel(struct vm_user_wait *wait); /* no callback; NULL-safe */
/* Shows a reason without waiting, for so long, or until a user returns control or it is called with
 * NULL, for callers that ask elsewhere. */
void vm_control_want(struct vm *vm, const char *reason, uint64_t ms);

#endif
