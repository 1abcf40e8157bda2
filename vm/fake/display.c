/* The fake desktop's size and scale: `display_set`, and a program that resizes it (exec "xrandr WxH"). */
#include "vm/fake/fake.h"

void fake_resize(struct fake_vm *fake, struct size screen, int scale)
{
	struct fake_desktop *d = &fake->desktop;
	if (size_equal(screen, d->screen) && scale == d->scale) {
		return;
	}
	if (!size_equal(screen, d->screen)) {
		fake_desktop_resize(d, screen);
	}
	d->scale = scale;
	const struct msg_display now = { size_sides(d->screen), size_sides(d->frame), scale };
	fake_send_event(fake, &message_resized, &now);
	fake_changed(fake);
}

bool fake_display_set(struct fake_request *req, struct err *err)
{
	const struct msg_display_set *args = req->args;
	const struct fake_desktop *d = &req->fake->desktop;
	const struct size size = { (int)args->width, (int)args->height };
	if (!msg_display_set_check(args, err)) {
		return false;
	}
	fake_resize(req->fake, size.width ? size : d->screen,
		args->scale ? (int)args->scale : d->scale);
	const struct msg_display now = { size_sides(d->screen), size_sides(d->frame), d->scale };
	fake_answer(req, &message_display_set, &now);
	return true;
}
