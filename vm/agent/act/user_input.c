/*
 * A queue of events.  Its first event may wait for the gate, the turn with the keymap, the readers of
 * the map, or a program that must read its keys before a spare can change.  run() continues after
 * each of these.
 */
#include "vm/agent/act/user_input.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/agent/act/act.h"
#include "vm/agent/act/catch_up.h"
#include "vm/agent/act/seat.h"
#include "vm/agent/act/user_keys.h"

#include <string.h>

#define FULL (USER_INPUT_QUEUE * 3 / 4)
#define READER_MS 5000 /* a program that has read nothing for this time hangs */
#define CHANGES_MAX 20 /* of the map by other programs, before an event is dropped */
#define APART_MS 100   /* between two changes of the map, for programs without _NET_WM_PING */
#define LOOK_AHEAD 64  /* events whose characters get their spares together */
#define BUTTONS 9

struct user_input {
	struct agent *agent;
	user_input_gate_fn *gate;
	void *gate_data;
	struct display *display; /* listened to; NULL: none */
	struct display_listener listener;
	struct user_event queue[USER_INPUT_QUEUE]; /* a ring */
	size_t first, n;
	struct user_keys keys;
	unsigned buttons; /* held */
	bool blocked;     /* by the gate */
	bool waits;       /* for its turn, or the map's readers */
	struct keymap_turn turn;
	struct catch_up *catch_up;
	sd_event_source *patience; /* timeout of the map's readers, or until the next change */
	int changes;               /* of the map, for the first event */
	bool refused;              /* a key was refused, and logged */
	bool told_full;
	void (*room)(void *data); /* NULL: no listener */
	void *room_data;
};

static void run(struct user_input *in);

static struct user_event *event_at(struct user_input *in, size_t i)
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

/* ---- spares ---- */

static void give_up(struct user_input *in)
{
	log_warning("a viewer's keys: the focused program has read none for %d seconds; what "
		    "waited is dropped",
		READER_MS / 1000);
	user_input_forget_presses(in);
	run(in);
}

static int on_apart(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct user_input *in = data;
	loop_drop(&in->patience);
	in->waits = false;
	run(in);
	return 0;
}

/*
 * Tk was once observed to read keys as their previous characters, when two changes of the map followed
 * within milliseconds on a busy machine.  The cause is unknown.  Such programs (also xterm, Java) do
 * not report what they have read.
 */
static bool is_too_soon(struct user_input *in, struct seat *seat)
{
	uint64_t due = keymap_changed_us(seat->keymap) + APART_MS * 1000, now = loop_now_us();
	if (now >= due || client_sync_can_ask(seat->display)) {
		return false;
	}
	in->waits = true;
	in->patience = loop_after_ms(in->agent->event, (due - now + 999) / 1000, on_apart, in);
	return true;
}

static int on_patience_over(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	give_up(data);
	return 0;
}

static void on_map_read(void *data)
{
	struct user_input *in = data;
	loop_drop(&in->patience);
	in->waits = false;
	run(in);
}

static void on_reader(enum client_sync_answer answer, void *data)
{
	struct user_input *in = data;
	catch_up_free(take_ptr(&in->catch_up));
	if (answer == CLIENT_SYNC_ANSWERED) {
		run(in);
	} else {
		give_up(in);
	}
}

/* Assigns spares to the first event and those that follow.  False: none is left for the first. */
static bool assign(struct user_input *in, struct seat *seat, const XkbStateRec *now)
{
	enum program program = PROGRAM_RIGHT;
	bool asked = false;
	for (size_t i = 0; i < in->n && i < LOOK_AHEAD; i++) {
		const struct user_event *event = event_at(in, i);
		if (!event->is_key || !event->down) {
			continue;
		}
		if (!asked && user_keys_is_wide(event->keysym)) {
			program = program_focused(seat->display);
			asked = true;
		}
		if (!user_keys_assign(seat->keymap, event->keysym, program, now)) {
			return i > 0;
		}
	}
	return true;
}

static Window focus_of(struct seat *seat)
{
	Window focus = None;
	int revert;
	XGetInputFocus(display_x(seat->display), &focus, &revert);
	return focus;
}

/* Prepares the keys of the first event; false: it must wait. */
static bool prepare_spares(struct user_input *in, struct seat *seat, const XkbStateRec *now)
{
	if (is_too_soon(in, seat)) {
		return false;
	}
	if (!assign(in, seat, now)) {
		in->catch_up =
			catch_up_start(seat->display, seat->keymap, READER_MS, true, on_reader, in);
		return false;
	}
	in->changes++;
	if (!keymap_apply(seat->keymap) && keymap_is_settled(seat->keymap)) {
		return true;
	}
	in->waits = keymap_await_readers(seat->keymap, focus_of(seat), on_map_read, in);
	if (in->waits) {
		in->patience = loop_after_ms(in->agent->event, READER_MS, on_patience_over, in);
	}
	return !in->waits;
}

static void refuse(struct user_input *in, uint32_t keysym, const char *why)
{
	if (!in->refused) {
		log_warning("key 0x%x of a viewer is not pressed: %s", keysym, why);
	} else {
		log_debug("key 0x%x of a viewer is not pressed: %s", keysym, why);
	}
	in->refused = true;
}

/* False: it must wait. */
static bool press_spares(
	struct user_input *in, struct seat *seat, uint32_t keysym, const XkbStateRec *now)
{
	enum program program =
		user_keys_is_wide(keysym) ? program_focused(seat->display) : PROGRAM_RIGHT;
	if (!user_keys_may_assign(keysym)) {
		refuse(in, keysym, "it is a command to the X server, or not a key");
		return true;
	}
	if (program == PROGRAM_WRONG) {
		refuse(in, keysym, "the focused program would mistake it for another");
		return true;
	}
	if (keymap_spares(seat->keymap) < USER_KEYS_SPARES) {
		refuse(in, keysym, "the keyboard has no spare key for it");
		return true;
	}
	in->waits = !keymap_take_turn(seat->keymap, &in->turn);
	while (!in->waits) {
		if (keymap_is_settled(seat->keymap) &&
			user_keys_press(&in->keys, seat, keysym, program, now)) {
			return true;
		}
		if (in->changes > CHANGES_MAX) {
			refuse(in, keysym, "another program keeps changing the keyboard map");
			return true;
		}
		if (!prepare_spares(in, seat, now)) {
			return false;
		}
	}
	return false;
}

static bool press(struct user_input *in, struct seat *seat, uint32_t keysym)
{
	XkbStateRec now;
	struct err why;
	/* This is a round trip, so changes of the map are known afterwards. */
	if (XkbGetState(display_x(seat->display), XkbUseCoreKbd, &now) != Success ||
		!keymap_update(seat->keymap, &why)) {
		return true;
	}
	return user_keys_press_given(&in->keys, seat, keysym, &now) ||
	       press_spares(in, seat, keysym, &now);
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
	run(in);
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
		return press(in, seat, event->keysym);
	}
	return true;
}

/* False: the first event must wait. */
static bool run_first(struct user_input *in, struct seat *seat)
{
	struct user_event event = *event_at(in, 0);
	enum user_input_verdict verdict =
		in->gate ? in->gate(&event, in->gate_data) : USER_INPUT_PASS;
	in->blocked = verdict == USER_INPUT_WAIT;
	if (in->blocked || (verdict == USER_INPUT_PASS && !pass(in, seat, &event))) {
		return false;
	}
	drop_first(in);
	return true;
}

static void tell_room(struct user_input *in)
{
	if (in->told_full && in->room && in->n < FULL) {
		in->told_full = false;
		in->room(in->room_data);
	}
}

static void run(struct user_input *in)
{
	struct seat *seat = seat_of(in);
	if (!seat) {
		forget_all(in);
		return;
	}
	Display *x = display_x(seat->display);
	if (in->gate) {
		XGrabServer(x);
	}
	while (in->n > 0 && !display_is_lost(seat->display) && run_first(in, seat)) {
	}
	if (in->gate) {
		XUngrabServer(x);
	}
	XFlush(x);
	if (in->n == 0 || in->blocked) {
		keymap_end_turn(&in->turn);
	}
	tell_room(in);
}

static bool is_held_up(const struct user_input *in)
{
	return in->blocked || in->waits || in->catch_up;
}

static void push(struct user_input *in, const struct user_event *event)
{
	struct user_event *last = in->n > 0 ? event_at(in, in->n - 1) : NULL;
	if (last && !last->is_key && !event->is_key && last->buttons == event->buttons) {
		*last = *event;
	} else if (in->n < USER_INPUT_QUEUE) {
		in->n++;
		*event_at(in, in->n - 1) = *event;
	} else {
		log_warning("input of a viewer: the queue of %d events is full and is dropped",
			USER_INPUT_QUEUE);
		user_input_release(in);
	}
	if (!is_held_up(in)) {
		run(in);
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
		run(in);
	}
}

void user_input_forget_presses(struct user_input *in)
{
	size_t kept = 0;
	unsigned held = in->buttons;
	for (size_t i = 0; i < in->n; i++) {
		struct user_event event = *event_at(in, i);
		bool releases = !(event.buttons & ~held) && event.buttons != held;
		if (event.is_key ? !event.down : releases) {
			held = event.is_key ? held : event.buttons;
			*event_at(in, kept++) = event;
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
	in->told_full = in->n >= FULL;
	return in->told_full;
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

struct user_input *user_input_new(struct agent *agent, user_input_gate_fn *gate, void *data)
{
	struct user_input *in = must(calloc(1, sizeof(*in)));
	in->agent = agent;
	in->gate = gate;
	in->gate_data = data;
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
