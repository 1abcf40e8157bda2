/*
 * Waiting for a text.  The screen is read at the start, and again only after damage; then not before
 * a pause as long as the last reading, so that a moving picture costs half of a processor.  Only equal
 * text counts: "Page 2" is not "Page 1".
 */
#include "vm/agent/wait/wait.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/plain.h"
#include "vm/agent/text/search.h"

#include <string.h>

#define PAUSE_MS_MIN 50
#define OCR_MS_MAX 120000
#define SHOWN 80

struct wait_text {
	struct search_text *search; /* while it is read */
	sd_event_source *pause;
	uint64_t began_us, took_us; /* the last reading */
	bool read_once, damaged;    /* damaged: since that began */
	struct buf near;            /* the most similar line */
};

static void end(struct wait *w)
{
	struct wait_text *t = w->text;
	if (t) {
		search_text_free(t->search);
		loop_drop(&t->pause);
		buf_done(&t->near);
		free(t);
	}
}

static bool begin(struct wait *w, struct err *err)
{
	(void)err;
	w->text = must(calloc(1, sizeof(*w->text)));
	return true;
}

static const char *how_of(const struct search_found *found)
{
	return found->program ? "as the name of an element" : "in the picture";
}

/* The best one, if it is equal. */
static bool has_match(const struct search_found *found)
{
	return found->matches->n && found->matches->at[0].kind != MATCH_SIMILAR;
}

static void keep_near(struct wait_text *t, const struct matches *matches)
{
	const char *near = matches->n        ? matches->at[0].text
			   : matches->n_near ? matches->near[0]
					     : NULL;
	buf_consume(&t->near, t->near.len);
	if (near) {
		plain_quote(&t->near, near, SHOWN);
	}
}

static void on_found(const struct search_found *found, const struct err *err, void *data)
{
	struct wait *w = data;
	struct wait_text *t = w->text;
	t->search = NULL;
	t->took_us = loop_now_us() - t->began_us;
	if (err) {
		wait_fail(w, err);
		return;
	}
	if (has_match(found)) {
		w->match = search_encode_match(w->agent, &found->matches->at[0], found->roles[0]);
		wait_happened(w, NULL, "The text is on the screen, %s.", how_of(found));
		return;
	}
	t->read_once = true;
	keep_near(t, found->matches);
	wait_due(w);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *data)
{
	struct wait *w = data;
	(void)source, (void)usec;
	loop_drop(&w->text->pause);
	w->kind->check(w);
	return 0;
}

static void look(struct wait *w)
{
	struct wait_text *t = w->text;
	const struct search_how how = {
		.text = w->args->text,
		.area = w->area,
		.elements_ms = w->args->elements_ms,
		.timeout_ms = OCR_MS_MAX,
	};
	t->damaged = false;
	t->began_us = loop_now_us();
	t->search = search_text_new(w->agent, &how, on_found, w);
}

static void check(struct wait *w)
{
	struct wait_text *t = w->text;
	if (t->search || t->pause || (t->read_once && !t->damaged)) {
		return;
	}
	uint64_t since = loop_now_us() - t->began_us, pause = t->took_us + PAUSE_MS_MIN * 1000;
	if (t->read_once && since < t->took_us + pause) {
		t->pause = loop_after_ms(
			w->agent->event, (t->took_us + pause - since) / 1000 + 1, on_pause_over, w);
		return;
	}
	look(w);
}

static bool on_damage(struct wait *w, const XRectangle *area)
{
	bool here = rect_overlaps(
		w->area, (struct rect){ area->x, area->y, area->width, area->height });
	w->text->damaged |= here;
	return here;
}

static void missing(struct wait *w, struct buf *out)
{
	const struct wait_text *t = w->text;
	if (!t->read_once) {
		buf_printf(out,
			"The screen has not been read completely yet; allow more time, or name "
			"a smaller 'region'.");
		return;
	}
	buf_printf(out, "The text is not on the screen%s.",
		t->search || t->damaged ? ", as far as it has been read" : "");
	if (t->near.len) {
		buf_printf(out, " The most similar line is %s.", buf_text(&t->near));
	}
}

const struct wait_kind wait_text = {
	.begin = begin,
	.check = check,
	.damaged = on_damage,
	.missing = missing,
	.end = end,
};
