/* A picture of which a part has changed is read again in that part only (renew.h), so a blinking caret
 * costs little. */
#include "vm/agent/text/reader.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/act/act.h"
#include "vm/agent/act/seat.h"
#include "vm/agent/text/ocr.h"
#include "vm/agent/text/renew.h"

#include <stdio.h>
#include <string.h>

struct text_read {
	TAILQ_ENTRY(text_read) entry;
	struct text_reader *reader;
	struct rect area;
	char languages[TEXT_LANGUAGES_MAX + 1];
	int64_t timeout_ms;
	struct ocr *ocr;     /* while its picture is read */
	struct rect picture; /* the area, or the part of what was read last that has changed */
	bool renews;         /* it is such a part */
	uint64_t frame_id;
	read_text_fn *fn;
	void *data;
};

struct text_reader {
	struct agent *agent;
	TAILQ_HEAD(, text_read) reads; /* in order of arrival */
	sd_event_source *next;
	/* what was read last */
	bool has_last;
	struct rect area;
	char languages[TEXT_LANGUAGES_MAX + 1];
	uint64_t frame_id;
	struct words words;
	struct lines lines;
};

/* ---- the end ---- */

static int on_next(sd_event_source *source, void *data);

static void go_on(struct text_reader *reader)
{
	if (!reader->next && !TAILQ_EMPTY(&reader->reads)) {
		reader->next = loop_defer(reader->agent->event, on_next, reader);
	}
}

void text_read_free(struct text_read *read)
{
	if (read) {
		TAILQ_REMOVE(&read->reader->reads, read, entry);
		go_on(read->reader);
		ocr_free(read->ocr);
		free(read);
	}
}

static void deliver(struct text_read *read, bool cached, const struct err *err)
{
	const struct text_reader *reader = read->reader;
	const struct seen seen = {
		.words = &reader->words,
		.lines = &reader->lines,
		.languages = reader->languages,
		.frame_id = reader->frame_id,
		.cached = cached,
	};
	read_text_fn *fn = read->fn;
	void *data = read->data;
	text_read_free(read);
	fn(err ? NULL : &seen, err, data);
}

/* ---- reading ---- */

static void forget(struct text_reader *reader)
{
	lines_done(&reader->lines);
	words_done(&reader->words);
	reader->has_last = false;
}

static void keep(const struct text_read *read, const struct words *words)
{
	struct text_reader *reader = read->reader;
	forget(reader);
	reader->words = *words;
	reader->area = read->area;
	memcpy(reader->languages, read->languages, sizeof(reader->languages));
	reader->has_last = true;
}

static void on_read(struct words *words, const struct err *err, void *data)
{
	struct text_read *read = data;
	struct text_reader *reader = read->reader;
	read->ocr = NULL;
	if (err) {
		deliver(read, false, err);
		return;
	}
	for (size_t i = 0; i < words->n; i++) {
		words->at[i].at.x += read->picture.x;
		words->at[i].at.y += read->picture.y;
	}
	if (read->renews) {
		renew_words(&reader->words, read->picture, reader->area, words);
	} else {
		keep(read, words);
	}
	lines_done(&reader->lines);
	lines_make(&reader->words, &reader->lines);
	reader->frame_id = read->frame_id;
	deliver(read, false, NULL);
}

/* NULL: there is no display. */
static struct seat *look(struct text_reader *reader, struct err *err)
{
	struct seat *seat = act_queue_seat(reader->agent->acts, err);
	if (seat) {
		XSync(display_x(seat->display), False);
		display_catch_up(seat->display);
	}
	return seat;
}

static bool contains(struct rect outer, struct rect r)
{
	return r.x >= outer.x && r.y >= outer.y && r.x + r.width <= outer.x + outer.width &&
	       r.y + r.height <= outer.y + outer.height;
}

/* Whether what was read last has the area, as it was then. */
static bool is_covered(const struct text_read *read)
{
	const struct text_reader *reader = read->reader;
	return reader->has_last && contains(reader->area, read->area) &&
	       strcmp(reader->languages, read->languages) == 0;
}

static bool is_known(const struct text_read *read, struct seat *seat)
{
	return is_covered(read) && !changes_in(seat->changes, read->reader->frame_id, read->area);
}

static int64_t pixels(struct rect r)
{
	return (int64_t)r.width * r.height;
}

/* Only if it saves half of the work. */
static void choose_picture(struct text_read *read, struct seat *seat)
{
	const struct text_reader *reader = read->reader;
	struct rect changed;
	read->picture = read->area;
	if (!is_covered(read) || !changes_since(seat->changes, reader->frame_id, &changed) ||
		!rect_overlaps(changed, reader->area)) {
		return;
	}
	changed = rect_common(changed, reader->area);
	struct rect part = renew_area(&reader->words, changed, reader->area);
	struct size screen = display_size(seat->display);
	if (contains((struct rect){ 0, 0, screen.width, screen.height }, part) &&
		2 * pixels(part) <= pixels(read->area)) {
		read->picture = part;
		read->renews = true;
	}
}

static bool begin(struct text_read *read, struct seat *seat, struct err *err)
{
	struct image picture;
	struct size screen = display_size(seat->display);
	read->area = rect_clip(read->area, screen);
	read->frame_id = display_frame_id(seat->display);
	if (read->area.width < 1 || read->area.height < 1) {
		return err_set(err, ERR_STATE, "the screen has become smaller than the region");
	}
	choose_picture(read, seat);
	if (!ocr_is_there(err) || !observer_pixels(seat->observer, read->picture, &picture, err)) {
		return false;
	}
	read->ocr = ocr_new(read->reader->agent->event, &picture, read->languages, read->timeout_ms,
		on_read, read, err);
	return read->ocr;
}

/* The first one that is not answered by what is known; a callback may free any. */
static int on_next(sd_event_source *source, void *data)
{
	struct text_reader *reader = data;
	(void)source;
	loop_drop(&reader->next);
	struct text_read *read = TAILQ_FIRST(&reader->reads);
	struct err err;
	if (!read || read->ocr) {
		return 0;
	}
	struct seat *seat = look(reader, &err);
	if (seat && is_known(read, seat)) {
		deliver(read, true, NULL);
	} else if (!seat || !begin(read, seat, &err)) {
		deliver(read, false, &err);
	}
	return 0;
}

struct text_read *text_read_new(struct text_reader *reader, struct rect area, const char *languages,
	int64_t timeout_ms, read_text_fn *fn, void *data)
{
	struct text_read *read = must(calloc(1, sizeof(*read)));
	*read = (struct text_read){
		.reader = reader, .area = area, .timeout_ms = timeout_ms, .fn = fn, .data = data
	};
	snprintf(read->languages, sizeof(read->languages), "%s", languages);
	TAILQ_INSERT_TAIL(&reader->reads, read, entry);
	go_on(reader);
	return read;
}

/* ---- life ---- */

struct text_reader *text_reader_new(struct agent *agent)
{
	struct text_reader *reader = must(calloc(1, sizeof(*reader)));
	reader->agent = agent;
	TAILQ_INIT(&reader->reads);
	return reader;
}

void text_reader_free(struct text_reader *reader)
{
	if (reader) {
		loop_drop(&reader->next);
		forget(reader);
		free(reader);
	}
}
