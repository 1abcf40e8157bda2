#include "vm/agent/stream/screen_input.h"

#include "base/cleanup.h"
#include "vm/agent/act/user_input.h"

struct screen_input {
	struct viewer_input input; /* first */
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

static void on_free(struct viewer_input *input)
{
	user_input_free(user_of(input));
	free(input);
}

static const struct viewer_input_fns fns = { on_key, on_pointer, on_free };

struct viewer_input *screen_input_new(struct agent *agent)
{
	struct screen_input *in = must(calloc(1, sizeof(*in)));
	in->input.fns = &fns;
	in->user = user_input_new(agent, NULL, NULL);
	return &in->input;
}
