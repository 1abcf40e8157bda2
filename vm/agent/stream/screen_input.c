#include "vm/agent/stream/screen_input.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/agent/act/user_input.h"
#include "vm/agent/desktop/clipboard.h"

struct screen_input {
	struct viewer_input input; /* first */
	struct agent *agent;
	struct user_input *user;
};

static struct user_input *user_of(struct viewer_input *input)
{
	return ((struct screen_input *)input)->user;
}

static void on_key(struct viewer_input *input, uint32_t keysym, bool down)
{
	user_input_key(user_of(input), keysym, down);
}

static void on_pointer(struct viewer_input *input, struct point at, unsigned buttons)
{
	user_input_pointer(user_of(input), at, buttons);
}

static bool is_full(struct viewer_input *input)
{
	return user_input_is_full(user_of(input));
}

static void on_room(void *data)
{
	struct viewer_input *input = data;
	input->room(input->data);
}

static void on_free(struct viewer_input *input)
{
	user_input_free(user_of(input));
	free(input);
}

static void on_cut_text(struct viewer_input *input, const char *text, size_t len)
{
	struct agent *agent = ((struct screen_input *)input)->agent;
	struct err err;
	if (!agent->clipboard || display_is_lost(agent->display)) {
		return;
	}
	if (!clipboard_check(CLIPBOARD_TEXT, text, len, &err) ||
		!clipboard_set(agent->clipboard,
			&(struct clip_copy){ CLIPBOARD_TEXT, text, len, NULL }, &err)) {
		log_info("a viewer's clipboard was not taken: %s", err.text);
	}
}

static const struct viewer_input_fns fns = { on_key, on_pointer, is_full, on_free, on_cut_text };

struct viewer_input *screen_input_new(struct agent *agent)
{
	struct screen_input *in = must(calloc(1, sizeof(*in)));
	in->input.fns = &fns;
	in->agent = agent;
	in->user = user_input_new(agent, NULL, NULL);
	user_input_on_room(in->user, on_room, in);
	return &in->input;
}
