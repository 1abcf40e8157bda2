#ifndef VM_AGENT_TEXT_NAMED_H
#define VM_AGENT_TEXT_NAMED_H

#include "vm/agent/core/agent.h"
#include "vm/wire/messages_text.h"

/*
 * Elements of the active window's program that are called by a text: they can be seen, nothing covers
 * their centre, and either the name is the text, or the element is one to click, so that it does not
 * matter where in it the text is.
 */
struct named;

struct named_element {
	const char *name, *role;
	struct rect at; /* in screen pixels */
};

struct named_result {
	const char *program;
	struct named_element at[TEXT_MATCHES_MAX]; /* those whose name is the text first */
	size_t n;
};

/* result: valid during the callback; NULL with an error. */
typedef void named_fn(const struct named_result *result, const struct err *err, void *data);
/* text: borrowed until then.  area: in screen pixels.  Calls fn once, from the loop. */
struct named *named_new(struct agent *agent, const char *text, struct rect area, int64_t timeout_ms,
	named_fn *fn, void *data, struct err *err) NODISCARD;
void named_free(struct named *named); /* without a callback; NULL-safe */

#endif
