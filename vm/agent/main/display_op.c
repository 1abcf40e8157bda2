/* The operation `display_set`: another size or scale, when no list with input runs. */
#include "base/cleanup.h"
#include "vm/agent/act/act_turn.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/desktop/scale.h"
#include "vm/agent/main/agent.h"
#include "vm/agent/main/desktop.h"
#include "vm/agent/x11/client_sync.h"
#include "vm/agent/x11/resize.h"

struct setting {
	struct request *req;
	struct agent *agent;
	struct act *turn;
	struct size size; /* 0: as it is */
	int scale;        /* the same */
	struct client_sync *sync;
};

static struct request *setting_free(struct setting *s)
{
	struct request *req = s->req;
	client_sync_free(s->sync);
	act_turn_free(s->turn);
	free(s);
	return req;
}

static void answer(struct setting *s)
{
	const struct agent *a = s->agent;
	const struct msg_display now = { size_sides(a->screen), size_sides(a->frame), a->scale };
	request_answer(setting_free(s), &now);
}

static void on_wm(enum client_sync_answer how, void *data)
{
	(void)how;
	answer(data);
}

/* The window manager has moved its windows, and the panel, when it answers. */
static void on_turn(void *data)
{
	struct setting *s = data;
	struct err err;
	struct size size = s->size.width ? s->size : s->agent->screen;
	int scale = s->scale ? s->scale : s->agent->scale;
	if (!resize_display(s->agent->display, size, scale_dpi(scale), &err)) {
		request_fail(setting_free(s), &err);
		return;
	}
	desktop_set_scale(agent_main(s->agent), scale);
	s->sync = client_sync_window_manager(s->agent->display, on_wm, s);
	if (!s->sync) {
		answer(s);
	}
}

static void on_lost(const struct err *why, void *data)
{
	struct setting *s = data;
	s->turn = NULL;
	request_fail(setting_free(s), why);
}

static void on_cancel(void *data)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "cancelled; the display may already have the new size");
	request_fail(setting_free(data), &err);
}

static void run(struct request *req, const void *data)
{
	static const struct act_turn_handlers handlers = { on_turn, on_lost };
	const struct msg_display_set *args = data;
	struct agent *agent = request_agent(req);
	struct setting *s = must(calloc(1, sizeof(*s)));
	struct err err;
	if (!msg_display_set_check(args, &err)) {
		free(s);
		request_fail(req, &err);
		return;
	}
	*s = (struct setting){
		.req = req,
		.agent = agent,
		.size = { (int)args->width, (int)args->height },
		.scale = (int)args->scale,
	};
	s->turn = act_turn_new(agent->acts, &handlers, s, &err);
	if (!s->turn) {
		request_fail(setting_free(s), &err);
		return;
	}
	request_on_cancel(req, on_cancel, s);
}

const struct op op_display_set = { .message = &message_display_set, .run = run };
