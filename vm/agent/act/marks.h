#ifndef VM_AGENT_ACT_MARKS_H
#define VM_AGENT_ACT_MARKS_H

#include "vm/agent/core/agent.h"
#include "vm/picture/marks.h"

#include <jansson.h>

/*
 * Numbered elements, as actions use them.  What an element is, vm/agent/elements knows, which is
 * above: it implements this table, and vm/agent/main passes it on (act_queue_use_marks()).  All
 * callbacks come once, from the loop; nothing else happens to the work after one.
 */

struct marks_read {
	const struct picture_mark *marks; /* boxes in screen pixels */
	size_t n;
	json_t *rows;     /* a msg_mark of each (vm/wire/messages_act.h); borrowed */
	int64_t found;    /* elements that could have one */
	const char *note; /* why there are none, or which are missing; NULL */
};
typedef void marks_read_fn(const struct marks_read *read, void *data);

/* points: the centres, in screen pixels, in the order of the request; NULL with an error. */
typedef void marks_found_fn(const struct point *points, const struct err *err, void *data);

struct marks_work;

struct marks_source {
	/* Numbers the elements of the active window's program, or of a window (0: none).  The numbers
	 * replace all earlier ones. */
	struct marks_work *(*read)(
		struct agent *agent, uint32_t window, uint64_t ms, marks_read_fn *fn, void *data);
	/* Where the elements are, if they are what and where they were, and can be clicked there. */
	struct marks_work *(*find)(struct agent *agent, const int64_t *numbers, size_t n,
		marks_found_fn *fn, void *data);
	void (*drop)(struct marks_work *work); /* without a callback */
};

#endif
