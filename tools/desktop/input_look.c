#include "tools/desktop/input.h"

#include "base/cleanup.h"
#include "tools/call/result.h"

#include <string.h>

/* The screenshot after a tool has done something that is not an input action. */

struct input_after {
	struct call *call;
	char *said;
	struct input_look look;
	input_format_fn *format;
};

static void reply(struct input_after *after, const char *more, const struct guest_frame *frame)
{
	auto_buf struct buf text = { 0 };
	json_t *content = json_array();
	buf_printf(&text, "%s%s%s", after->said, *more ? "\n" : "", more);
	if (frame) {
		result_format_frame(&text, frame, vm_frame(call_vm(after->call)));
	}
	result_add_text(content, buf_text(&text));
	if (frame) {
		result_add_frame(content, frame);
	}
	call_reply(after->call, content);
}

/* What the tool did stays done. */
static void observed(const struct guest_act *res, const struct err *err, void *data)
{
	struct input_after *after = data;
	const struct err *why = err ? err : &res->failed;
	if (why->kind != ERR_NONE) {
		struct err shown;
		err_set(&shown, why->kind, "%.200s\nNo screenshot could be taken: %.160s",
			after->said, why->text);
		call_fail(after->call, &shown);
		return;
	}
	auto_buf struct buf more = { 0 };
	after->format(&more, after->call, res, &after->look);
	reply(after, buf_text(&more), res->frame.bytes ? &res->frame : NULL);
}

void input_look_after(struct call *call, const struct buf *said, const struct input_look *look,
	const struct observe *how, input_format_fn *format)
{
	struct input_after *after = call_alloc(call, sizeof(*after));
	*after = (struct input_after){ call, call_alloc(call, said->len + 1), *look, format };
	memcpy(after->said, buf_text((struct buf *)said), said->len);
	if (look->observe == INPUT_NONE) {
		reply(after, "", NULL);
	} else {
		call_works(call, guest_act(call_guest(call), NULL, 0, how, observed, after));
	}
}
