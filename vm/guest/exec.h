#ifndef VM_GUEST_EXEC_H
#define VM_GUEST_EXEC_H

#include "vm/guest/guest.h"

/* The output of a command.  Only its beginning and end are kept, so its size is bounded.  A zeroed
 * struct is empty. */
struct output {
	uint8_t head[GUEST_OUTPUT_HEAD];
	uint8_t tail[GUEST_OUTPUT_TAIL]; /* a ring once it is full */
	int64_t total;
};

void output_add(struct output *out, const void *bytes, size_t len);

/* As text that JSON can hold; ret_head and ret_tail are the caller's to free(). */
void output_text(const struct output *out, char **ret_head, char **ret_tail, int64_t *ret_cut);
/* The same as a result, which borrows them. */
void output_fill(
	const struct output *from, struct guest_output *to, char **ret_head, char **ret_tail);

#endif
