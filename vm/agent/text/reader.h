#ifndef VM_AGENT_TEXT_READER_H
#define VM_AGENT_TEXT_READER_H

#include "vm/agent/core/agent.h"
#include "vm/agent/text/lines.h"
#include "vm/wire/messages_text.h"

/*
 * The words on the screen.  What was read last is kept; a part of it that has not changed since is
 * not read again.  One picture is read at a time, and others wait.
 */
struct text_reader;

struct text_reader *text_reader_new(struct agent *agent);
/* Running reads must be freed before.  NULL-safe. */
void text_reader_free(struct text_reader *reader);

struct seen {
	const struct words *words; /* in screen pixels; may contain more than the area */
	const struct lines *lines;
	const char *languages;
	uint64_t frame_id;
	bool cached;
};

/* seen: valid during the callback; NULL with an error. */
typedef void read_text_fn(const struct seen *seen, const struct err *err, void *data);
/* area: in screen pixels, not empty.  languages: from languages_choose(), copied.  Calls fn once, from
 * the loop. */
struct text_read;
struct text_read *text_read_new(struct text_reader *reader, struct rect area, const char *languages,
	int64_t timeout_ms, read_text_fn *fn, void *data);
void text_read_free(struct text_read *read); /* without a callback; NULL-safe */

#endif
