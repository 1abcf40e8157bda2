/* The fake agent's `watch` and its event `screen`. */

#include "vm/fake/fake.h"

#include "base/loop.h"

bool fake_watch(struct fake_request *req, struct err *err)
{
	const struct msg_watch *args = req->args;
	(void)err;
	req->fake->watched = args->on;
	fake_reply(req, NULL, NULL, 0);
	return true;
}

static int on_screen_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct fake_vm *fake = data;
	(void)source;
	(void)usec;
	loop_drop(&fake->screen_timer);
	if (fake->watched && fake->link) {
		struct msg_screen said = { (int64_t)fake->desktop.frame_id };
		fake_send_event(fake, &message_screen, &said);
	}
	return 0;
}

void fake_notify_screen(struct fake_vm *fake)
{
	if (fake->watched && !fake->screen_timer) {
		fake->screen_timer = loop_after_ms(fake->event, 200, on_screen_timer, fake);
	}
}
