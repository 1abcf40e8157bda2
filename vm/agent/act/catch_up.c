/* A ping; for a program without it, what the keymap's readers know; then what it paints. */
#include "vm/agent/act/catch_up.h"

#include "base/cleanup.h"

struct catch_up {
	struct display *display;
	struct keymap *map;
	uint64_t mark, ms;
	struct client_sync *sync;
	client_sync_fn *fn;
	void *data;
};

static void on_answer(enum client_sync_answer answer, void *data)
{
	struct catch_up *c = data;
	client_sync_free(take_ptr(&c->sync));
	if (answer == CLIENT_SYNC_ANSWERED) {
		keymap_caught_up(c->map, c->mark);
	}
	c->fn(answer, c->data);
}

static void await_paint(void *data)
{
	struct catch_up *c = data;
	c->sync = client_sync_paint(c->display, c->ms, on_answer, c);
}

struct catch_up *catch_up_start(struct display *d, struct keymap *map, uint64_t ms, bool must_wait,
	client_sync_fn *fn, void *data)
{
	struct catch_up *c = must(calloc(1, sizeof(*c)));
	Window focus = None;
	*c = (struct catch_up){ .display = d, .map = map, .ms = ms, .fn = fn, .data = data };
	c->mark = keymap_mark(map);
	c->sync = client_sync_focus(d, ms, on_answer, c);
	if (!c->sync && !must_wait) {
		free(c);
		return NULL;
	}
	if (!c->sync) {
		focus = display_focus(d);
	}
	if (!c->sync && !keymap_await_client(map, focus, ms, await_paint, c)) {
		await_paint(c);
	}
	return c;
}

void catch_up_free(struct catch_up *c)
{
	if (c) {
		client_sync_free(c->sync);
		free(c);
	}
}
