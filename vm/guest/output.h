#ifndef VM_GUEST_OUTPUT_H
#define VM_GUEST_OUTPUT_H

#include "vm/guest/guest.h"

/* A command's output, of which the beginning and the end are kept, however much comes.  A zeroed
 * struct is an empty one. */
struct output {
	uint8_t head[GUEST_OUTPUT_HEAD];
	uint8_t tail[GUEST_OUTPUT_TAIL]; /* a ring once it is full */
	int64_t total;
};

void output_add(struct output *out, const void *bytes, size_t len);

/* As text that JSON can hold; ret_head and ret_tail are the caller's to free(). */
void output_text(const struct output *out, char **ret_head, char **ret_tail, int64_t *ret_cut);

#endif
