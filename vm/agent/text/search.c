/* The elements are asked first, because they are exact and cost a few milliseconds.  A program that
 * does not name them, or not in time, is read like any other. */
#include "vm/agent/text/search.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/plain.h"
#include "vm/agent/text/languages.h"
#include "vm/agent/text/named.h"
#include "vm/agent/text/ocr.h"
#include "vm/agent/text/reader.h"
#include "vm/agent/x11/display.h"

#include <string.h>

#define ALONE_TIMES 5

struct search_text {
	struct agent *agent;
	struct search_how how;
	struct named *named;
	struct err no_element; /* why none was found; kind ERR_NONE: no element has that name */
	struct text_read *read;
	sd_event_source *start, *deadline;
	search_fn *fn;
	void *data;
};

/* ---- the end ---- */

void search_text_free(struct search_text *s)
{
	if (s) {
		loop_drop(&s->start);
		loop_drop(&s->deadline);
		named_free(s->named);
		text_read_free(s->read);
		free(s);
	}
}

static void end(struct search_text *s, const struct search_found *found, const struct err *err)
{
	search_fn *fn = s->fn;
	void *data = s->data;
	search_text_free(s);
	fn(found, err, data);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	struct search_text *s = data;
	struct err err;
	(void)source, (void)usec;
	err_set(&err, ERR_TIMEOUT,
		"reading the picture took longer than %lld ms; try a smaller 'region'",
		(long long)s->how.timeout_ms);
	end(s, NULL, &err);
	return 0;
}

/* ---- 2: the picture ---- */

static void on_text(const struct seen *seen, const struct err *err, void *data)
{
	struct search_text *s = data;
	s->read = NULL;
	if (err) {
		end(s, NULL, err);
		return;
	}
	if (seen->frame_id < display_resized_frame(s->agent->display)) {
		struct err why;
		err_set(&why, ERR_STATE,
			"the display was resized while its text was read; try again");
		end(s, NULL, &why);
		return;
	}
	struct matches matches;
	match_find(seen->words, seen->lines, s->how.area, s->how.text, &matches);
	const struct search_found found = {
		.frame_id = seen->frame_id,
		.matches = &matches,
		.languages = seen->languages,
		.n_words = seen->words->n,
		.cached = seen->cached,
	};
	end(s, &found, NULL);
	matches_done(&matches);
}

static void read_picture(struct search_text *s)
{
	char languages[TEXT_LANGUAGES_MAX + 1];
	struct languages there;
	struct err err;
	languages_list(&there);
	if (!ocr_is_there(&err) || !languages_choose(&there, s->how.text, languages, &err)) {
		if (s->how.source == TEXT_ANY) {
			bool asked = s->no_element.kind == ERR_NONE;
			err_while(&err, "%.200s",
				asked ? "no element of the active window has that name"
				      : s->no_element.text);
		}
		end(s, NULL, &err);
		return;
	}
	s->read = text_read_new(
		s->agent->text, s->how.area, languages, s->how.timeout_ms, on_text, s);
}

/* ---- 1: elements ---- */

static void report_elements(struct search_text *s, const struct named_result *result)
{
	struct matches matches = { 0 };
	struct search_found found = {
		.frame_id = display_frame_id(s->agent->display),
		.matches = &matches,
		.program = result->program,
	};
	for (size_t i = 0; i < result->n; i++) {
		const struct named_element *e = &result->at[i];
		matches.at[matches.n++] =
			(struct match){ MATCH_WORDS, e->at, 100, must(strdup(e->name)) };
		found.roles[i] = e->role;
	}
	end(s, &found, NULL);
	matches_done(&matches);
}

static void on_named(const struct named_result *result, const struct err *err, void *data)
{
	struct search_text *s = data;
	s->named = NULL;
	if (result && (result->n || s->how.source == TEXT_ELEMENTS)) {
		report_elements(s, result);
	} else if (s->how.source == TEXT_ELEMENTS) {
		end(s, NULL, err);
	} else {
		s->no_element = err ? *err : (struct err){ 0 };
		read_picture(s);
	}
}

/* Where nothing can be read, elements are all there is. */
static int64_t time_for_elements(const struct search_text *s)
{
	struct err ignored;
	return s->how.elements_ms * (ocr_is_there(&ignored) ? 1 : ALONE_TIMES);
}

static int on_start(sd_event_source *source, void *data)
{
	struct search_text *s = data;
	struct err err;
	(void)source;
	loop_drop(&s->start);
	if (s->how.source != TEXT_PICTURE) {
		s->named = named_new(s->agent, s->how.text, s->how.area, time_for_elements(s),
			on_named, s, &err);
		if (!s->named) {
			on_named(NULL, &err, s);
		}
		return 0;
	}
	read_picture(s);
	return 0;
}

struct search_text *search_text_new(
	struct agent *agent, const struct search_how *how, search_fn *fn, void *data)
{
	struct search_text *s = must(calloc(1, sizeof(*s)));
	*s = (struct search_text){ .agent = agent, .how = *how, .fn = fn, .data = data };
	s->start = loop_defer(agent->event, on_start, s);
	s->deadline = loop_after_ms(agent->event, (uint64_t)how->timeout_ms, on_deadline, s);
	return s;
}

/* ---- a match ---- */

json_t *search_encode_match(const struct agent *agent, const struct match *match, const char *role)
{
	auto_buf struct buf text = { 0 };
	struct size screen = display_size(agent->display);
	plain_append(&text, match->text, TEXT_SHOWN_MAX - 4);
	const struct msg_text_match encoded = {
		.text = buf_text(&text),
		.role = role,
		.box = rect_edges(geometry_rect_to_frame(match->at, agent->frame, screen)),
		.confidence = match->confidence,
	};
	return must(field_encode(msg_text_match_fields, &encoded));
}
