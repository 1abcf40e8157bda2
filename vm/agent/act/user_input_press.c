/* The press of one key of a viewer: by the layout, or by a spare keycode once programs know it. */
#include "vm/agent/act/user_input_impl.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#define READER_MS 5000 /* a program that has read nothing for this time hangs */
#define CHANGES_MAX 20 /* of the map by other programs, before an event is dropped */
#define APART_MS 100   /* between two changes of the map, for programs without _NET_WM_PING */
#define LOOK_AHEAD 64  /* events whose characters get their spares together */

static void give_up(struct user_input *in)
{
	log_warning("a viewer's keys: the focused program has read none for %d seconds; what "
		    "waited is dropped",
		READER_MS / 1000);
	user_input_forget_presses(in);
	user_input_run(in);
}

static int on_apart(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct user_input *in = data;
	loop_drop(&in->patience);
	in->waits = false;
	user_input_run(in);
	return 0;
}

/* Programs that do not report what they have read (xterm, Tk, Java) get time for each change of the
 * map, for the reason at is_map_unread(). */
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
	user_input_run(in);
}

static void on_reader(enum client_sync_answer answer, void *data)
{
	struct user_input *in = data;
	catch_up_free(take_ptr(&in->catch_up));
	if (answer == CLIENT_SYNC_ANSWERED) {
		in->read_change = in->asked_change;
		user_input_run(in);
	} else {
		give_up(in);
	}
}

/*
 * Xlib (XRefreshKeyboardMapping) forgets a change whose notification arrives while it requests the
 * map for the one before, and the program types the old characters from then on.
 */
static bool is_map_unread(struct user_input *in, struct seat *seat)
{
	uint64_t changes = keymap_changes(seat->keymap);
	if (in->read_change == changes) {
		return false;
	}
	in->asked_change = changes;
	in->catch_up = catch_up_start(seat->display, seat->keymap, READER_MS, false, on_reader, in);
	return in->catch_up;
}

/* Assigns spares to the first event and those that follow.  False: none is left for the first. */
static bool assign(struct user_input *in, struct seat *seat, const XkbStateRec *now)
{
	enum program program = PROGRAM_RIGHT;
	bool asked = false;
	for (size_t i = 0; i < in->n && i < LOOK_AHEAD; i++) {
		const struct user_event *event = user_input_event(in, i);
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

/* Prepares the keys of the first event; false: it must wait. */
static bool prepare_spares(struct user_input *in, struct seat *seat, const XkbStateRec *now)
{
	if (is_too_soon(in, seat) || is_map_unread(in, seat)) {
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
	in->waits =
		keymap_await_readers(seat->keymap, display_focus(seat->display), on_map_read, in);
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
	bool composed = strokes_is_composed(keys_to_char(keysym));
	if (program == PROGRAM_WRONG || (composed && program_has_gtk3(seat->display))) {
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

bool user_input_press(struct user_input *in, struct seat *seat, uint32_t keysym)
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
