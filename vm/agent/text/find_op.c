/* The operation `find_text`. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/plain.h"
#include "vm/agent/core/op.h"
#include "vm/agent/text/search.h"
#include "vm/agent/x11/display.h"

struct find {
	struct request *req;
	struct search_text *search;
	uint64_t start_us;
};

static json_t *encode_matches(struct agent *agent, const struct search_found *found)
{
	json_t *all = must(json_array());
	for (size_t i = 0; i < found->matches->n; i++) {
		json_array_append_new(
			all, search_encode_match(agent, &found->matches->at[i], found->roles[i]));
	}
	return all;
}

static json_t *encode_near(const struct matches *matches)
{
	json_t *all = must(json_array());
	for (size_t i = 0; i < matches->n_near; i++) {
		json_array_append_new(all, must(json_string(matches->near[i])));
	}
	return all;
}

static void answer(const struct find *f, const struct search_found *found)
{
	struct agent *agent = request_agent(f->req);
	const struct matches *m = found->matches;
	json_auto_t *matches = encode_matches(agent, found), *near = encode_near(m);
	auto_buf struct buf program = { 0 };
	plain_append(&program, found->program ? found->program : "", ELEMENT_TEXT_MAX);
	request_answer(f->req, &(struct msg_find_text_answer){
				       .frame_id = (int64_t)found->frame_id,
				       .matches = matches,
				       .similar = m->n && m->at[0].kind == MATCH_SIMILAR,
				       .program = found->program ? buf_text(&program) : NULL,
				       .languages = found->languages,
				       .words = (int64_t)found->n_words,
				       .ms = (int64_t)(loop_now_us() - f->start_us) / 1000,
				       .cached = found->cached,
				       .near = near,
			       });
}

static void on_found(const struct search_found *found, const struct err *err, void *data)
{
	auto_free struct find *f = data;
	struct err lost;
	if (!err && !display_is_up(request_agent(f->req)->display, &lost)) {
		err = &lost;
	}
	if (err) {
		request_fail(f->req, err);
	} else {
		answer(f, found);
	}
}

static void on_cancel(void *data)
{
	auto_free struct find *f = data;
	struct err err;
	search_text_free(f->search);
	err_set(&err, ERR_CANCELLED, "looking for the text was cancelled");
	request_fail(f->req, &err);
}

static void run(struct request *req, const void *data)
{
	const struct msg_find_text *args = data;
	struct agent *agent = request_agent(req);
	struct err err;
	if (!display_is_up(agent->display, &err) ||
		!geometry_check_region(&args->region, agent->frame, &err)) {
		request_fail(req, &err);
		return;
	}
	const struct search_how how = {
		.text = args->text,
		.area = geometry_region_to_screen(
			&args->region, agent->frame, display_size(agent->display)),
		.source = (enum text_source)args->source,
		.elements_ms = args->elements_ms,
		.timeout_ms = args->timeout_ms,
	};
	struct find *f = must(calloc(1, sizeof(*f)));
	f->req = req;
	f->start_us = loop_now_us();
	f->search = search_text_new(agent, &how, on_found, f);
	request_on_cancel(req, on_cancel, f);
}

const struct op op_find_text = { .message = &message_find_text, .run = run };
