#ifndef VM_AGENT_TEXT_SEARCH_H
#define VM_AGENT_TEXT_SEARCH_H

#include "vm/agent/core/agent.h"
#include "vm/agent/text/match.h"

/* Where a text is on the screen now: among the elements by their names, else in the picture. */
struct search_text;

struct search_how {
	const char *text; /* borrowed until the end */
	struct rect area; /* in screen pixels */
	enum text_source source;
	int64_t elements_ms, timeout_ms;
};

struct search_found {
	uint64_t frame_id;
	/* Of elements, or read; coordinates are pixels of the screen. */
	const struct matches *matches;
	const char *roles[TEXT_MATCHES_MAX]; /* of elements */
	const char *program;                 /* of the elements; NULL: they were read */
	const char *languages;               /* that were read; NULL: nothing was */
	size_t n_words;
	bool cached;
};

/* found: valid during the callback; NULL with an error. */
typedef void search_fn(const struct search_found *found, const struct err *err, void *data);
/* Calls fn once, from the loop. */
struct search_text *search_text_new(
	struct agent *agent, const struct search_how *how, search_fn *fn, void *data);
void search_text_free(struct search_text *search); /* without a callback; NULL-safe */

/* A match as in vm/wire/messages_text.h; role: NULL: none. */
json_t *search_encode_match(const struct agent *agent, const struct match *match, const char *role);

#endif
