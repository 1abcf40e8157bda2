/* The fake agent's window manager, which does what it is asked.  A terminal asks before it closes. */
#include "vm/fake/fake.h"

#include "base/cleanup.h"

#include <string.h>

bool fake_windows(struct fake_request *req, struct err *err)
{
	const struct fake_desktop *d = &req->fake->desktop;
	json_auto_t *windows = must(json_array());
	(void)err;
	for (size_t i = d->n_windows; i-- > 0;) {
		json_array_append_new(windows, fake_window_json(d, &d->windows[i]));
	}
	fake_answer(req, &message_windows, &(struct msg_windows_answer){ windows });
	return true;
}

static void take_out(struct fake_desktop *d, struct fake_window *window)
{
	size_t at = (size_t)(window - d->windows);
	d->n_windows--;
	memmove(window, window + 1, (d->n_windows - at) * sizeof(*window));
}

static struct fake_window *bring_up(struct fake_desktop *d, struct fake_window *window)
{
	struct fake_window copy = *window;
	take_out(d, window);
	copy.state = copy.state == WINDOW_MINIMIZED ? WINDOW_PLAIN : copy.state;
	d->windows[d->n_windows] = copy;
	return &d->windows[d->n_windows++];
}

static bool set(struct fake_window *window, const struct msg_window_change *args, struct err *err)
{
	const struct field_ints *place = &args->place, *size = &args->size;
	int state = args->state < 0 ? window->state : args->state;
	if ((place->count || size->count) && state != WINDOW_PLAIN) {
		return err_set(err, ERR_STATE,
			"a window in the state %s has no place or size of its own; pass the state "
			"normal",
			window_state_names[state]);
	}
	window->state = state;
	if (place->count || size->count) {
		window->at = (struct rect){ (int)place->at[0], (int)place->at[1],
			size->count ? (int)size->at[0] : 640,
			size->count ? (int)size->at[1] : 400 };
	}
	return true;
}

bool fake_window_change(struct fake_request *req, struct err *err)
{
	const struct msg_window_change *args = req->args;
	struct fake_desktop *d = &req->fake->desktop;
	struct fake_window *window = (struct fake_window *)fake_window_find(d, args->window);
	json_auto_t *opened = must(json_array());
	json_auto_t *json = NULL;
	bool done = true;
	if (!window) {
		return err_set(err, ERR_NOT_FOUND,
			"there is no window %lld: it was closed, or the id is wrong; window_list "
			"returns the windows",
			(long long)args->window);
	}
	if (args->verb == WINDOW_SET && !set(window, args, err)) {
		return false;
	}
	if (args->verb == WINDOW_FOCUS) {
		window = bring_up(d, window);
	} else if (args->verb == WINDOW_CLOSE && strcmp(window->class, "Terminal") != 0) {
		take_out(d, window);
		window = NULL;
	} else if (args->verb == WINDOW_CLOSE) {
		done = false;
	}
	d->frame_id++;
	fake_changed(req->fake);
	json = window ? fake_window_json(d, window) : NULL;
	fake_answer(req, &message_window_change,
		&(struct msg_window_change_answer){ json, opened, done });
	return true;
}
