#ifndef VM_AGENT_ELEMENTS_MARKS_IMPL_H
#define VM_AGENT_ELEMENTS_MARKS_IMPL_H

#include "vm/agent/act/marks.h"

/* Shared by marks.c, which numbers elements, and marks_find.c, which finds them again. */

struct marks_work {
	void (*drop)(struct marks_work *work);
};

struct marks_work *marks_find(
	struct agent *agent, const int64_t *numbers, size_t n, marks_found_fn *fn, void *data);

#endif
