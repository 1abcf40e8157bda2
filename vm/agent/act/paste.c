/*
 * The agent owns the clipboard during the paste, so it sees who requests the text.  Clipboard managers do,
 * too: only a request of the client that has the focus counts.  Programs may ask several times, so
 * the clipboard is put back when they have been quiet for a moment.
 */
#include "vm/agent/act/paste.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/act/paste_keys.h"
#include "vm/agent/act/strokes.h"
#include "vm/agent/act/typing.h"
#include "vm/agent/desktop/clipboard_loan.h"
#include "vm/agent/x11/client_sync.h"
#include "vm/agent/x11/window_group.h"
#include "vm/agent/x11/windows.h"

#define ASK_MS 3000  /* for the first request after the keys */
#define QUIET_MS 150 /* after the last one */

struct paste {
	struct seat *seat;
	step_fn *fn;
	void *data;
	struct window_info focused;
	char keys[ACTION_CHORD_MAX + 1];
	struct chord chord;
	struct clipboard_loan *loan;
	struct typing *typing;
	sd_event_source *timer;
	bool pressed, taken;
	const char *note;
};

static void stop(struct paste *p)
{
	loop_drop(&p->timer);
	typing_free(take_ptr(&p->typing));
	p->note = clipboard_loan_end(take_ptr(&p->loan));
}

static void finish(struct paste *p, const struct err *why)
{
	stop(p);
	p->fn(why, p->data);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data);

static void wait_ms(struct paste *p, uint64_t ms)
{
	loop_drop(&p->timer);
	p->timer = loop_after_ms(display_loop(p->seat->display), ms, on_timer, p);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct paste *p = data;
	struct err err;
	(void)source, (void)usec;
	if (!p->taken) {
		err_set(&err, ERR_STATE,
			"nothing was pasted: the focused program (%s) did not ask for the clipboard "
			"within %d s after %s. Click into a text field first, pass the keys of its "
			"paste command as 'keys', or use type",
			p->focused.class[0] ? p->focused.class : "of unknown class", ASK_MS / 1000,
			p->keys);
		finish(p, &err);
	} else if (clipboard_loan_is_busy(p->loan)) {
		wait_ms(p, QUIET_MS); /* a reader that stops is given up by the clipboard */
	} else {
		finish(p, NULL);
	}
	return 0;
}

static void on_typed(const struct err *why, void *data)
{
	struct paste *p = data;
	typing_free(take_ptr(&p->typing));
	if (why) {
		finish(p, why);
		return;
	}
	p->pressed = true;
	wait_ms(p, p->taken ? QUIET_MS : ASK_MS);
}

static void on_ready(const struct err *why, void *data)
{
	struct paste *p = data;
	if (why) {
		finish(p, why);
		return;
	}
	p->typing = typing_chords(&p->seat->input, p->seat->keymap, &p->chord, 1, 1, on_typed, p);
}

static void on_taken(Window client, void *data)
{
	struct paste *p = data;
	if (!window_group_same_client(p->seat->display, client, p->focused.id)) {
		return;
	}
	p->taken = true;
	if (p->pressed) {
		wait_ms(p, QUIET_MS);
	}
}

static const struct clipboard_loan_events loan_events = { .ready = on_ready, .taken = on_taken };

static bool find_focus(struct paste *p, struct err *err)
{
	struct display *d = p->seat->display;
	Window id = windows_active(d);
	return (client_sync_has_focus(d) && id && windows_describe(d, id, &p->focused)) ||
	       err_set(err, ERR_STATE,
		       "no window has the keyboard focus; click into a text field first");
}

struct paste *paste_start(struct seat *seat, struct clipboard *clipboard,
	const struct prepared_action *action, step_fn *fn, void *data, struct err *err)
{
	bool primary;
	struct paste *p = must(calloc(1, sizeof(*p)));
	*p = (struct paste){ .seat = seat, .fn = fn, .data = data };
	if (!find_focus(p, err)) {
		free(p);
		return NULL;
	}
	const char *keys = paste_keys(p->focused.class, &primary);
	snprintf(p->keys, sizeof(p->keys), "%s", action->action.keys ? action->action.keys : keys);
	if (keys_parse("keys", p->keys, &p->chord, 1, err) < 1 ||
		!(p->loan = clipboard_lend(
			  clipboard, action->action.text, primary, &loan_events, p, err))) {
		free(p);
		return NULL;
	}
	return p;
}

const char *paste_note(const struct paste *p)
{
	return p->note;
}

void paste_free(struct paste *p)
{
	if (p) {
		stop(p);
		free(p);
	}
}
