/* The fake desktop's size: `display_set`, and a program that resizes it (exec "xrandr WxH"). */
#include "vm/fake/fake.h"

void fake_resize(struct fake_vm *fake, struct size screen)
{
	const struct fake_desktop *d = &fake->desktop;
	if (size_equal(screen, d->screen)) {
		return;
	}
	fake_desktop_resize(&fake->desktop, screen);
	const struct msg_display now = { size_sides(d->screen), size_sides(d->frame) };
	fake_send_event(fake, &message_resized, &now);
	fake_changed(fake);
}

bool fake_display_set(struct fake_request *req, struct err *err)
{
	const struct msg_display_set *args = req->args;
	const struct fake_desktop *d = &req->fake->desktop;
	(void)err;
	fake_resize(req->fake, (struct size){ (int)args->width, (int)args->height });
	const struct msg_display now = { size_sides(d->screen), size_sides(d->frame) };
	fake_answer(req, &message_display_set, &now);
	return true;
}
