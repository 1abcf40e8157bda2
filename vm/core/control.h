#ifndef VM_CORE_CONTROL_H
#define VM_CORE_CONTROL_H

#include "vm/core/vm.h"

#include <sys/queue.h>

/*
 * Whose hands are on a sandbox: the agent's (everyone who calls its tools; so it begins), one
 * person's, or nobody's.  Taking over fences the agent at once: lists of actions with input that
 * run are cancelled, their keys and buttons released, and new ones refused with ERR_STATE; looking
 * still works.  Every change of hands raises the fence, and a person's input counts only with the
 * fence it was given, so what an old holder still sends is harmless.
 */

enum vm_holder { VM_HELD_BY_AGENT, VM_HELD_BY_PERSON, VM_HELD_BY_NOBODY };
extern const char *const vm_holder_words[];

#define VM_CONTROL_TEXT_MAX 1000 /* bytes of a reason, and of what a person says */
#define VM_CONTROL_WHO_MAX 60

struct vm_control {
	int holder;         /* enum vm_holder */
	const char *who;    /* the person's name; NULL when none holds */
	int64_t since;      /* CLOCK_REALTIME, ms; 0: from the beginning */
	uint64_t fence;     /* grows with each change of hands */
	const char *wanted; /* why the agent asks for a person; NULL: it does not */
};

/* Valid until the loop runs again. */
const struct vm_control *vm_control(const struct vm *vm);

/* A person takes over, from whoever has it.  Returns the fence to show from now on. */
uint64_t vm_control_take(struct vm *vm, const char *who);
/* Back to the agent.  says: what the person tells it, or NULL; it goes to whoever asked for a
 * person, else with the next result.  ERR_STATE: the fence is an old one. */
bool vm_control_give_back(
	struct vm *vm, uint64_t fence, const char *says, struct err *err) NODISCARD;
/* The agent takes what nobody holds (nothing to do when it has it), or lets go of what it has.
 * ERR_STATE: a person has it; the text says who and since when. */
bool vm_control_acquire(struct vm *vm, struct err *err) NODISCARD;
bool vm_control_release(struct vm *vm, struct err *err) NODISCARD;

/* May the agent act?  ERR_STATE says who has control, since when, and what to do. */
bool vm_control_agent_may(const struct vm *vm, struct err *err) NODISCARD;
/* May it run commands, and end or stop the desktop?  Not under a person's hands, unless the pool is
 * set up so (commands_during_takeover). */
bool vm_control_beside(const struct vm *vm, struct err *err) NODISCARD;
/* Does this fence hold the control of this sandbox? */
bool vm_control_is(const struct vm *vm, uint64_t fence);

/* ---- asking for a person ---- */

struct vm_person_wait;
/* Once, from the loop: a person took over and handed back (says: what they said, or NULL), or err:
 * the sandbox ended. */
typedef void vm_person_fn(struct vm *vm, const char *says, const struct err *err, void *data);
/* Several may ask at once; the newest reason is shown. */
struct vm_person_wait *vm_control_ask(
	struct vm *vm, const char *reason, vm_person_fn *fn, void *data);
void vm_control_ask_cancel(struct vm_person_wait *wait); /* no callback; NULL-safe */
/* Shows a reason without waiting, for so long, or until a person hands back or NULL comes: for one
 * who asks elsewhere. */
void vm_control_want(struct vm *vm, const char *reason, uint64_t ms);

#endif
