/* The desktop as a picture: what damage tells of is copied from the screen. */
#include "base/cleanup.h"
#include "base/log.h"
#include "vm/agent/stream/kept_picture.h"
#include "vm/agent/stream/screen_input.h"
#include "vm/agent/stream/watched.h"
#include "vm/agent/x11/cursor.h"
#include "vm/agent/x11/shm_capture.h"

struct screen_picture {
	struct watched *watched;
	struct display *display; /* NULL: closed */
	struct display_listener listener;
	struct grab *grab;
	struct cursor *cursor;
	struct kept_picture kept;
	struct damage damage;
};

/* ---- what happens ---- */

static void on_damaged(const XRectangle *area, void *data)
{
	struct screen_picture *p = data;
	damage_add(&p->damage, (struct rect){ area->x, area->y, area->width, area->height });
	watched_changed(p->watched);
}

static void on_event(const XEvent *event, void *data)
{
	struct screen_picture *p = data;
	if (display_is_motion(p->display, event)) {
		watched_changed(p->watched);
	}
}

static void on_cursor(void *data)
{
	struct screen_picture *p = data;
	watched_changed(p->watched);
}

static void let_go(struct screen_picture *p)
{
	if (p->display) {
		display_watch_motion(p->display, false);
		display_unlisten(p->display, &p->listener);
		grab_free(p->grab);
		p->display = NULL;
	}
}

static void on_closing(const struct err *why, void *data)
{
	struct screen_picture *p = data;
	let_go(p);
	watched_end(p->watched, why);
}

/* ---- the picture ---- */

static void take(struct screen_picture *p, struct rect area, struct picture_change *change)
{
	struct image fresh;
	struct err err;
	int depth = DefaultDepth(display_x(p->display), DefaultScreen(display_x(p->display)));
	if (!grab_pixels(p->grab, display_root(p->display), depth, area, &fresh, &err)) {
		log_debug("a part of the screen was not captured: %s", err.text);
	} else {
		kept_picture_take(&p->kept, area, &fresh, change);
	}
}

static void take_all(struct screen_picture *p, struct picture_change *change)
{
	struct damage damage = p->damage;
	p->damage.n = 0;
	for (size_t i = 0; i < damage.n && !display_is_lost(p->display); i++) {
		struct rect area = rect_clip(damage.areas[i], p->kept.image.size);
		if (area.width > 0 && area.height > 0) {
			take(p, area, change);
		}
	}
}

static void resize(struct screen_picture *p, struct size size, struct picture_change *change)
{
	struct picture_change ignored = { 0 };
	kept_picture_resize(&p->kept, size, change);
	p->damage = (struct damage){ .areas = { { 0, 0, size.width, size.height } }, .n = 1 };
	take_all(p, &ignored);
}

static void refresh(struct picture_change *ret, void *data)
{
	struct screen_picture *p = data;
	*ret = (struct picture_change){ 0 };
	if (!p->display || display_is_lost(p->display)) {
		return;
	}
	struct size size = display_size(p->display);
	if (!size_equal(size, p->kept.image.size)) {
		resize(p, size, ret);
	} else {
		take_all(p, ret);
	}
}

static bool find_pointer(struct screen_picture *p, struct point *ret)
{
	Window root, child;
	int inside_x, inside_y;
	unsigned mask;
	return XQueryPointer(display_x(p->display), display_root(p->display), &root, &child,
		&ret->x, &ret->y, &inside_x, &inside_y, &mask);
}

static struct rfb_scene scene(bool place, void *data)
{
	struct screen_picture *p = data;
	struct rfb_scene scene = { .picture = &p->kept.image };
	if (p->display && !display_is_lost(p->display)) {
		scene.cursor = cursor_image(p->cursor);
		scene.pointed = place && find_pointer(p, &scene.at);
	}
	return scene;
}

static const char *name(void *data)
{
	(void)data;
	return "Vitrine";
}

/* ---- life ---- */

static void *screen_open(struct watched *w, struct err *err)
{
	struct display *d = w->agent->display;
	struct picture_change ignored = { 0 };
	struct grab *grab = grab_new(d, err);
	if (!grab) {
		return NULL;
	}
	struct screen_picture *p = must(calloc(1, sizeof(*p)));
	p->watched = w;
	p->display = d;
	p->grab = grab;
	p->cursor = cursor_new(d);
	p->listener = (struct display_listener){ .event = on_event,
		.damaged = on_damaged,
		.cursor = on_cursor,
		.closing = on_closing,
		.data = p };
	kept_picture_init(&p->kept, (struct size){ 0, 0 });
	resize(p, display_size(d), &ignored);
	display_listen(d, &p->listener);
	display_watch_motion(d, true);
	return p;
}

static void screen_close(void *data)
{
	struct screen_picture *p = data;
	let_go(p);
	cursor_free(p->cursor);
	kept_picture_done(&p->kept);
	free(p);
}

static struct viewer_input *screen_input(void *data)
{
	struct screen_picture *p = data;
	return screen_input_new(p->watched->agent);
}

const struct watched_type watched_screen = {
	.source = { name, refresh, scene },
	.open = screen_open,
	.close = screen_close,
	.input = screen_input,
};
