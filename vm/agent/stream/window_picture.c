/* A window as a picture: the capture composes it, and what is different is told. */
#include "base/cleanup.h"
#include "vm/agent/stream/kept_picture.h"
#include "vm/agent/stream/watched.h"
#include "vm/agent/window/window_capture.h"
#include "vm/agent/stream/window_input.h"
#include "vm/agent/x11/cursor.h"
#include "vm/agent/x11/windows.h"

struct window_picture {
	struct watched *watched;
	struct display *display; /* NULL: closed */
	struct window_capture *capture;
	struct display_listener listener;
	struct cursor *cursor;
	struct kept_picture kept;
	struct point offset; /* of the picture's corner from the window's */
	LIST_HEAD(, window_viewer) viewers;
	char name[256];
};

struct window_viewer {
	struct viewer_input input; /* first */
	LIST_ENTRY(window_viewer) link;
	struct window_picture *picture;
	struct window_input *keys;
};

/* ---- what happens ---- */

static void on_changed(void *data)
{
	struct window_picture *p = data;
	watched_changed(p->watched);
}

static void on_restacked(void *data)
{
	struct window_picture *p = data;
	struct window_viewer *v;
	LIST_FOREACH(v, &p->viewers, link)
	{
		window_input_retry(v->keys);
	}
	watched_changed(p->watched);
}

static void on_event(const XEvent *event, void *data)
{
	struct window_picture *p = data;
	if (display_is_motion(p->display, event)) {
		watched_changed(p->watched);
	}
}

static void let_go(struct window_picture *p)
{
	if (p->display) {
		display_watch_motion(p->display, false);
		display_unlisten(p->display, &p->listener);
		p->display = NULL;
	}
	struct window_viewer *v;
	LIST_FOREACH(v, &p->viewers, link)
	{
		window_input_free(v->keys);
		v->keys = NULL;
	}
	window_capture_free(p->capture);
	p->capture = NULL;
}

/* The display may be gone after this. */
static void on_ended(const struct err *why, void *data)
{
	struct window_picture *p = data;
	let_go(p);
	watched_end(p->watched, why);
}

static const struct window_capture_handlers handlers = {
	.changed = on_changed,
	.restacked = on_restacked,
	.ended = on_ended,
};

/* ---- the picture ---- */

static struct damage take_damage(struct window_picture *p)
{
	struct rect rects[WINDOW_CAPTURE_RECTS_MAX];
	struct damage damage = { 0 };
	size_t n;
	while ((n = window_capture_take(p->capture, rects, WINDOW_CAPTURE_RECTS_MAX)) > 0) {
		for (size_t i = 0; i < n; i++) {
			damage_add(&damage, rects[i]);
		}
	}
	return damage;
}

static void take_all(struct window_picture *p, struct picture_change *change)
{
	const struct image *composed = window_capture_picture(p->capture);
	struct damage damage = take_damage(p);
	for (size_t i = 0; i < damage.n; i++) {
		struct rect area = damage.areas[i];
		struct image fresh = image_part(composed, area);
		kept_picture_take(&p->kept, area, &fresh, change);
	}
}

static void refresh(struct picture_change *ret, void *data)
{
	struct window_picture *p = data;
	struct picture_change ignored = { 0 };
	*ret = (struct picture_change){ 0 };
	if (!p->display || display_is_lost(p->display)) {
		return;
	}
	window_capture_refresh(p->capture);
	p->offset = window_capture_offset(p->capture);
	struct size size = window_capture_picture(p->capture)->size;
	if (size.width != p->kept.image.size.width || size.height != p->kept.image.size.height) {
		kept_picture_resize(&p->kept, size, ret);
		take_all(p, &ignored);
	} else {
		take_all(p, ret);
	}
}

/* Only as long as it is over the window and nothing else. */
static bool find_pointer(struct window_picture *p, struct point *ret)
{
	Window root, child;
	int x, y, inside_x, inside_y;
	unsigned mask;
	struct point origin;
	if (!window_capture_origin(p->capture, &origin) ||
		!XQueryPointer(display_x(p->display), display_root(p->display), &root, &child, &x,
			&y, &inside_x, &inside_y, &mask) ||
		!window_capture_owns(p->capture, child)) {
		return false;
	}
	*ret = (struct point){ x - origin.x - p->offset.x, y - origin.y - p->offset.y };
	return true;
}

static struct rfb_scene scene(bool place, void *data)
{
	struct window_picture *p = data;
	struct rfb_scene scene = { .picture = &p->kept.image };
	if (p->display && !display_is_lost(p->display)) {
		scene.cursor = cursor_image(p->cursor);
		scene.pointed = place && find_pointer(p, &scene.at);
	}
	return scene;
}

static const char *name(void *data)
{
	struct window_picture *p = data;
	return p->name;
}

/* ---- input ---- */

static void input_key_event(struct viewer_input *in, uint32_t keysym, bool down)
{
	struct window_viewer *v = (struct window_viewer *)in;
	if (v->keys) {
		window_input_key(v->keys, keysym, down);
	}
}

static void input_pointer_event(struct viewer_input *in, struct point at, unsigned buttons)
{
	struct window_viewer *v = (struct window_viewer *)in;
	struct point offset = v->picture->offset;
	if (v->keys) {
		window_input_pointer(
			v->keys, (struct point){ at.x + offset.x, at.y + offset.y }, buttons);
	}
}

static bool is_full(struct viewer_input *in)
{
	struct window_viewer *v = (struct window_viewer *)in;
	return v->keys && window_input_is_full(v->keys);
}

static void on_room(void *data)
{
	struct viewer_input *in = data;
	in->room(in->data);
}

static void input_free(struct viewer_input *in)
{
	struct window_viewer *v = (struct window_viewer *)in;
	LIST_REMOVE(v, link);
	window_input_free(v->keys);
	free(v);
}

static const struct viewer_input_fns input_fns = {
	input_key_event,
	input_pointer_event,
	is_full,
	input_free,
};

static struct viewer_input *window_viewer_new(void *data)
{
	struct window_picture *p = data;
	struct window_viewer *v = must(calloc(1, sizeof(*v)));
	v->input.fns = &input_fns;
	v->picture = p;
	v->keys = window_input_new(p->watched->agent, p->capture);
	window_input_on_room(v->keys, on_room, v);
	LIST_INSERT_HEAD(&p->viewers, v, link);
	return &v->input;
}

/* ---- life ---- */

static void window_close(void *data)
{
	struct window_picture *p = data;
	let_go(p);
	cursor_free(p->cursor);
	kept_picture_done(&p->kept);
	free(p);
}

static bool open_capture(struct window_picture *p, uint32_t number, struct err *err)
{
	Window window = windows_find(p->display, number);
	struct window_info info;
	if (!window || !windows_describe(p->display, window, &info)) {
		return err_set(err, ERR_NOT_FOUND,
			"there is no window %u; list the windows to see which there are", number);
	}
	snprintf(p->name, sizeof(p->name), "%s", info.title);
	p->capture = window_capture_new(p->display, window, &handlers, p, err);
	return p->capture;
}

static void *window_open(struct watched *w, struct err *err)
{
	struct picture_change ignored;
	struct window_picture *p = must(calloc(1, sizeof(*p)));
	p->watched = w;
	p->display = w->agent->display;
	if (!open_capture(p, w->window, err)) {
		free(p);
		return NULL;
	}
	p->cursor = cursor_new(p->display);
	p->listener =
		(struct display_listener){ .event = on_event, .cursor = on_changed, .data = p };
	kept_picture_init(&p->kept, (struct size){ 0, 0 });
	display_listen(p->display, &p->listener);
	display_watch_motion(p->display, true);
	refresh(&ignored, p);
	return p;
}

const struct watched_type watched_window = {
	.source = { name, refresh, scene },
	.open = window_open,
	.close = window_close,
	.input = window_viewer_new,
};
