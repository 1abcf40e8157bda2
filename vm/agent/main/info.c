/* The operations `ping` and `info`. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/process/proc_scan.h"
#include "vm/agent/x11/display.h"
#include "vm/agent/x11/windows.h"

#include <X11/Xatom.h>
#include <string.h>

static void ping(struct request *req, const void *args)
{
	(void)args;
	request_reply(req, NULL, NULL, 0);
}

const struct op op_ping = { .message = &message_ping, .run = ping };

static json_t *encode_windows(struct agent *agent)
{
	json_t *all = must(json_array());
	Window ids[WINDOWS_MAX], active = windows_active(agent->display);
	size_t n = windows_list(agent->display, ids);
	for (size_t i = 0; i < n; i++) {
		struct window_info info;
		if (windows_describe(agent->display, ids[i], &info) && info.type != WINDOW_DOCK) {
			json_array_append_new(
				all, windows_encode(agent->display, &info, ids[i] == active,
					     agent->frame, agent->screen));
		}
	}
	return all;
}

/* "us" or "us,de": the third text in the property in which X programs find the layout. */
static json_t *encode_layout(struct agent *agent)
{
	Display *x = display_x(agent->display);
	Atom type, property = XInternAtom(x, "_XKB_RULES_NAMES", False);
	int format;
	unsigned long n = 0, after;
	unsigned char *value = NULL;
	const char *layout = "";
	if (XGetWindowProperty(x, display_root(agent->display), property, 0, 256, False, XA_STRING,
		    &type, &format, &n, &after, &value) == Success &&
		value && format == 8) {
		const char *at = (const char *)value, *end = at + n; /* Xlib appends a NUL */
		for (int i = 0; i < 2 && at < end; i++) {
			at += strlen(at) + 1;
		}
		layout = at < end ? at : "";
	}
	json_t *json = json_string(layout);
	if (value) {
		XFree(value);
	}
	return json ? json : must(json_string(""));
}

static void info(struct request *req, const void *args)
{
	(void)args;
	struct agent *agent = request_agent(req);
	if (!agent->display) {
		struct err err;
		err_set(&err, ERR_STATE,
			"the X server is not up at the moment; try again in a second");
		return request_fail(req, &err);
	}
	json_auto_t *layout = encode_layout(agent), *windows = encode_windows(agent);
	const struct size *screen = &agent->screen, *frame = &agent->frame;
	request_answer(
		req, &(struct msg_info_answer){ .screen = size_sides(*screen),
			     .frame = size_sides(*frame),
			     .frame_id = (int64_t)display_frame_id(agent->display),
			     .uptime_ms = (int64_t)(loop_now_us() - agent->started_us) / 1000,
			     .layout = json_string_value(layout),
			     .windows = windows,
			     .pid_count = proc_scan_count() });
}

const struct op op_info = { .message = &message_info, .run = info };
