#include "vm/agent/stream/screen_input.h"

#include "base/cleanup.h"
#include "vm/agent/act/act.h"
#include "vm/agent/act/seat.h"

struct screen_input {
	struct viewer_input input; /* first */
	struct agent *agent;
	struct display *const *display;
	struct input devices;
	unsigned buttons;
};

static bool is_open(struct screen_input *in)
{
	in->devices.display = *in->display;
	return in->devices.display && !display_is_lost(in->devices.display);
}

static void on_key(struct viewer_input *input, uint32_t keysym, bool down)
{
	struct screen_input *in = (struct screen_input *)input;
	struct err ignored;
	struct key key;
	struct seat *seat = is_open(in) ? act_queue_seat(in->agent->acts, &ignored) : NULL;
	if (seat && keymap_refresh(seat->keymap, &ignored) &&
		keymap_find(seat->keymap, keysym, &key)) {
		input_key(&in->devices, key.code, down);
	}
}

static void on_pointer(struct viewer_input *input, struct point at, unsigned buttons)
{
	struct screen_input *in = (struct screen_input *)input;
	if (!is_open(in)) {
		return;
	}
	input_move(&in->devices, at);
	for (int i = 0; i < 8; i++) {
		unsigned bit = 1u << i;
		if ((in->buttons ^ buttons) & bit) {
			input_button(&in->devices, i + 1, buttons & bit);
		}
	}
	in->buttons = buttons;
}

static void on_free(struct viewer_input *input)
{
	struct screen_input *in = (struct screen_input *)input;
	if (is_open(in)) {
		input_release_all(&in->devices);
	}
	free(in);
}

static const struct viewer_input_fns fns = { on_key, on_pointer, on_free };

struct viewer_input *screen_input_new(struct agent *agent, struct display *const *display)
{
	struct screen_input *in = must(calloc(1, sizeof(*in)));
	in->input.fns = &fns;
	in->agent = agent;
	in->display = display;
	return &in->input;
}
