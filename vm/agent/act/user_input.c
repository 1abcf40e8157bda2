/*
 * A queue of events.  Its first event may wait for the gate, the turn with the keymap, the readers of
 * the map, or a program that must read its keys before a spare can change.  user_input_run() continues after
 * each of these.
 */
#include "vm/agent/act/user_input_impl.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/agent/act/act.h"

#define FULL (USER_INPUT_QUEUE * 3 / 4)
#define BUTTONS 9

struct user_event *user_input_event(struct user_input *in, size_t i)
{
	return &in->queue[(in->first + i) % USER_INPUT_QUEUE];
}

static void drop_first(struct user_input *in)
{
	in->first = --in->n ? (in->first + 1) % USER_INPUT_QUEUE : 0;
	in->changes = 0;
}

static void stop_waiting(struct user_input *in)
{
	catch_up_free(take_ptr(&in->catch_up));
	loop_drop(&in->patience);
	keymap_end_turn(&in->turn);
	in->waits = false;
}

/* ---- the display ---- */

static void forget_all(struct user_input *in)
{
	stop_waiting(in);
	in->n = in->first = 0;
	in->changes = 0;
	in->keys = (struct user_keys){ 0 };
	in->read_change = 0;
	in->buttons = 0;
	in->blocked = false;
}

static void on_closing(const struct err *why, void *data)
{
	(void)why;
	struct user_input *in = data;
	display_unlisten(in->display, &in->listener);
	in->display = NULL;
	forget_all(in);
}

/* NULL: no display now. */
static struct seat *seat_of(struct user_input *in)
{
	struct err ignored;
	struct seat *seat = act_queue_seat(in->agent->acts, &ignored);
	if (seat && !in->display) {
		in->display = seat->display;
		in->listener = (struct display_listener){ .closing = on_closing, .data = in };
		display_listen(in->display, &in->listener);
	}
	return seat;
}

/* ---- the pointer ---- */

static void set_buttons(struct user_input *in, struct input *seat, unsigned buttons)
{
	for (int i = 0; i < BUTTONS; i++) {
		unsigned bit = 1u << i;
		if ((in->buttons ^ buttons) & bit) {
			seat->pressed_at = buttons & bit ? seat->target : seat->pressed_at;
			input_button(seat, i + 1, buttons & bit);
		}
	}
	in->buttons = buttons;
}

/* ---- the queue ---- */

static void on_turn(void *data)
{
	struct user_input *in = data;
	in->waits = false;
	user_input_run(in);
}

/* False: it must wait. */
static bool pass(struct user_input *in, struct seat *seat, const struct user_event *event)
{
	if (!event->is_key) {
		input_move(&seat->input, event->at);
		set_buttons(in, &seat->input, event->buttons);
	} else if (!event->down) {
		user_keys_release(&in->keys, seat, event->keysym);
	} else {
		return user_input_press(in, seat, event->keysym);
	}
	return true;
}

/* False: the first event must wait. */
static bool run_first(struct user_input *in, struct seat *seat)
{
	struct user_event event = *user_input_event(in, 0);
	enum user_input_verdict verdict =
		in->filter ? in->filter(&event, in->filter_data) : USER_INPUT_PASS;
	in->blocked = verdict == USER_INPUT_WAIT;
	if (in->blocked || (verdict == USER_INPUT_PASS && !pass(in, seat, &event))) {
		return false;
	}
	drop_first(in);
	return true;
}

static void report_room(struct user_input *in)
{
	if (in->reported_full && in->room && in->n < FULL) {
		in->reported_full = false;
		in->room(in->room_data);
	}
}

void user_input_run(struct user_input *in)
{
	struct seat *seat = seat_of(in);
	if (!seat) {
		forget_all(in);
		return;
	}
	Display *x = display_x(seat->display);
	if (in->filter) {
		XGrabServer(x);
	}
	while (in->n > 0 && !display_is_lost(seat->display) && run_first(in, seat)) {
	}
	if (in->filter) {
		XUngrabServer(x);
	}
	XFlush(x);
	if (in->n == 0 || in->blocked) {
		keymap_end_turn(&in->turn);
	}
	report_room(in);
}

static bool is_held_up(const struct user_input *in)
{
	return in->blocked || in->waits || in->catch_up;
}

static void push(struct user_input *in, const struct user_event *event)
{
	struct user_event *last = in->n > 0 ? user_input_event(in, in->n - 1) : NULL;
	if (last && !last->is_key && !event->is_key && last->buttons == event->buttons) {
		*last = *event;
	} else if (in->n < USER_INPUT_QUEUE) {
		in->n++;
		*user_input_event(in, in->n - 1) = *event;
	} else {
		log_warning("input of a viewer: the queue of %d events is full and is dropped",
			USER_INPUT_QUEUE);
		user_input_release(in);
	}
	if (!is_held_up(in)) {
		user_input_run(in);
	}
}

void user_input_key(struct user_input *in, uint32_t keysym, bool down)
{
	struct user_event event = { .is_key = true, .down = down, .keysym = keysym };
	push(in, &event);
}

void user_input_pointer(struct user_input *in, struct point at, unsigned buttons)
{
	struct user_event event = { .buttons = buttons & ((1u << BUTTONS) - 1), .at = at };
	push(in, &event);
}

void user_input_retry(struct user_input *in)
{
	in->blocked = false;
	if (in->n > 0 && !is_held_up(in)) {
		user_input_run(in);
	}
}

void user_input_forget_presses(struct user_input *in)
{
	size_t kept = 0;
	unsigned held = in->buttons;
	for (size_t i = 0; i < in->n; i++) {
		struct user_event event = *user_input_event(in, i);
		bool releases = !(event.buttons & ~held) && event.buttons != held;
		if (event.is_key ? !event.down : releases) {
			held = event.is_key ? held : event.buttons;
			*user_input_event(in, kept++) = event;
		}
	}
	in->n = kept;
	in->changes = 0;
	in->blocked = false;
	stop_waiting(in);
}

void user_input_release(struct user_input *in)
{
	stop_waiting(in);
	struct seat *seat = in->display ? seat_of(in) : NULL;
	if (seat) {
		user_keys_release_all(&in->keys, seat);
		set_buttons(in, &seat->input, 0);
		XFlush(display_x(seat->display));
	}
	forget_all(in);
}

bool user_input_is_full(struct user_input *in)
{
	in->reported_full = in->n >= FULL;
	return in->reported_full;
}

void user_input_on_room(struct user_input *in, void (*fn)(void *data), void *data)
{
	in->room = fn;
	in->room_data = data;
}

bool user_input_is_waiting(const struct user_input *in)
{
	return in->n > 0;
}

unsigned user_input_buttons(const struct user_input *in)
{
	return in->buttons;
}

/* ---- start and end ---- */

struct user_input *user_input_new(struct agent *agent, user_input_filter_fn *filter, void *data)
{
	struct user_input *in = must(calloc(1, sizeof(*in)));
	in->agent = agent;
	in->filter = filter;
	in->filter_data = data;
	in->turn = (struct keymap_turn){ .fn = on_turn, .data = in };
	return in;
}

void user_input_free(struct user_input *in)
{
	if (in) {
		user_input_release(in);
		if (in->display) {
			display_unlisten(in->display, &in->listener);
		}
		free(in);
	}
}
