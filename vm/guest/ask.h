#ifndef VM_GUEST_ASK_H
#define VM_GUEST_ASK_H

#include "vm/guest/guest.h"
#include "vm/wire/message.h"

/*
 * A request whose answer is checked by its row alone: its fields, the rows of its members, and the
 * row's own check.  For operations that need nothing of the host beyond that.
 */
struct guest_question {
	const struct message *message;
	const void *args; /* the struct of its request */
	const void *tail; /* copied */
	size_t tail_len;
	int64_t time_ms; /* maximum duration of the operation; 0: ASK_TIME_MS */
	bool is_aside;   /* not a use of the sandbox */
	bool is_command; /* requires that the caller may run commands */
};
#define ASK_TIME_MS 30000

/* answer: the struct of the row's answer. */
typedef void guest_answered_fn(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data);
guest_id guest_ask(struct guest *guest, const struct guest_question *question,
	guest_answered_fn *fn, void *data);

#endif
