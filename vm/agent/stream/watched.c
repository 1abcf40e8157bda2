#include "vm/agent/stream/watched.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/x11/display.h"

static int on_soon(sd_event_source *source, void *data)
{
	struct watched *w = data;
	(void)source;
	loop_drop(&w->soon);
	rfb_server_changed(w->server);
	return 0;
}

void watched_changed(struct watched *w)
{
	if (!w->soon && !w->over && w->server) {
		w->soon = loop_defer(w->agent->event, on_soon, w);
	}
}

void watched_end(struct watched *w, const struct err *why)
{
	w->over = true;
	loop_drop(&w->soon);
	rfb_server_end(w->server, why);
}

static void watched_free(struct watched *w)
{
	loop_drop(&w->soon);
	rfb_server_free(w->server);
	if (w->picture) {
		w->type->close(w->picture);
	}
	free(w);
}

static struct watched *watched_new(struct agent *agent, uint32_t window, struct err *err)
{
	struct watched *w = must(calloc(1, sizeof(*w)));
	w->agent = agent;
	w->window = window;
	w->type = window ? &watched_window : &watched_screen;
	w->picture = w->type->open(w, err);
	w->server =
		w->picture ? rfb_server_new(agent->event, &w->type->source, w->picture, err) : NULL;
	if (!w->server) {
		watched_free(w);
		return NULL;
	}
	LIST_INSERT_HEAD(&agent->watched, w, link);
	return w;
}

static struct watched *find(struct agent *agent, uint32_t window)
{
	struct watched *w = LIST_FIRST(&agent->watched);
	while (w && (w->window != window || w->over)) {
		w = LIST_NEXT(w, link);
	}
	return w;
}

struct watched *watched_join(struct agent *agent, uint32_t window, struct err *err)
{
	struct watched *w = find(agent, window);
	if (!display_is_up(agent->display, err)) {
		return NULL;
	}
	w = w ? w : watched_new(agent, window, err);
	if (w) {
		w->viewers++;
	}
	return w;
}

void watched_leave(struct watched *w)
{
	if (--w->viewers == 0) {
		LIST_REMOVE(w, link);
		watched_free(w);
	}
}
