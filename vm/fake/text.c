/* Its screen shows the title of each window above it, and the text field; like an OCR program, it is
 * sure of neither. */
#include "vm/fake/fake.h"

#include "base/cleanup.h"

#include <string.h>

#define CONFIDENCE 90
#define TITLE_HEIGHT 16
#define LETTER_WIDTH 8

static const struct rect field = { 80, 40, 200, 20 };

static bool place(const char *in, const char *text, struct rect at, struct msg_text_match *ret)
{
	const char *found = strcasestr(in, text);
	if (!found) {
		return false;
	}
	at.x += (int)(found - in) * LETTER_WIDTH;
	at.width = (int)strlen(text) * LETTER_WIDTH;
	*ret = (struct msg_text_match){
		.text = in, .box = rect_edges(at), .confidence = CONFIDENCE
	};
	return true;
}

static bool is_in(const struct msg_text_match *match, const struct field_ints *region)
{
	const int64_t *m = match->box.at, *r = region->at;
	return !region->count || (m[0] >= r[0] && m[1] >= r[1] && m[2] <= r[2] && m[3] <= r[3]);
}

static bool find(const struct fake_desktop *d, const char *text, const struct field_ints *region,
	struct msg_text_match *ret)
{
	for (size_t i = d->n_windows; i-- > 0;) {
		struct rect at = d->windows[i].at;
		at.y -= at.y < TITLE_HEIGHT ? at.y : TITLE_HEIGHT;
		at.height = TITLE_HEIGHT;
		if (place(d->windows[i].title, text, at, ret) && is_in(ret, region)) {
			return true;
		}
	}
	return d->n_windows && place(buf_text(&d->typed), text, field, ret) && is_in(ret, region);
}

bool fake_text_at(const struct fake_desktop *d, const char *text, struct msg_text_match *ret)
{
	return find(d, text, &(struct field_ints){ 0 }, ret);
}

bool fake_find_text(struct fake_request *req, struct err *err)
{
	const struct msg_find_text *args = req->args;
	const struct fake_desktop *d = &req->fake->desktop;
	struct msg_text_match match;
	json_auto_t *matches = must(json_array()), *near = must(json_array());
	bool element = args->source != TEXT_PICTURE && fake_element_called(d, args->text, &match) &&
		       is_in(&match, &args->region);
	bool read = !element && args->source != TEXT_ELEMENTS;
	(void)err;
	if (element || (read && find(d, args->text, &args->region, &match))) {
		json_array_append_new(matches, must(field_encode(msg_text_match_fields, &match)));
	} else if (read && d->n_windows) {
		json_array_append_new(near, must(json_string(d->windows[0].title)));
	}
	fake_answer(req, &message_find_text,
		&(struct msg_find_text_answer){
			.frame_id = d->frame_id,
			.matches = matches,
			.near = near,
			.program = read ? NULL : "Editor",
			.languages = read ? "eng" : NULL,
			.words = read ? 2 * (int64_t)d->n_windows : 0,
			.ms = fake_ms(req),
		});
	return true;
}
