#ifndef VM_AGENT_TEXT_CHILD_H
#define VM_AGENT_TEXT_CHILD_H

#include "base/err.h"

#include <stdint.h>
#include <systemd/sd-event.h>

/* A program that turns its input into its output, at low priority. */
struct child;

struct child_how {
	const char *const *argv;
	const char *const *more; /* "K=V" of its environment */
	unsigned n_more;
	const void *input; /* copied */
	size_t len;
	size_t output_max; /* in bytes; more is an error */
	int64_t timeout_ms;
};

/* output: ends with a NUL that is not counted; NULL with an error.  Valid during the callback. */
typedef void child_fn(const char *output, size_t len, const struct err *err, void *data);
/* Calls fn once, from the loop. */
struct child *child_new(sd_event *event, const struct child_how *how, child_fn *fn, void *data,
	struct err *err) NODISCARD;
/* Kills it, without a callback; not inside the callback, which has freed it.  NULL-safe. */
void child_free(struct child *child);

#endif
