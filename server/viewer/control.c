/* A page takes control of its desktop, or gives it back. */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"

#include <string.h>

static void take(
	struct viewer_pages *pages, struct http_exchange *x, struct visit *visit, const char *name)
{
	struct vm *vm = visit->desk->vm;
	char who[VM_CONTROL_WHO_MAX + 1];
	if (vm_state(vm) != VM_READY) {
		viewer_refuse(pages, x, 409, "the sandbox is %s; try again when it is ready",
			viewer_state_word(vm));
		return;
	}
	viewer_text_copy(who, sizeof(who), name);
	if (!visit_holds(visit)) {
		visit->fence = vm_control_take(vm, who[0] ? who : "a person");
		vm_touch(vm);
	}
	desk_tell(visit->desk);
	viewer_reply_json(pages, x, 200, json_pack("{s:I}", "fence", (json_int_t)visit->fence));
}

static void give_back(
	struct viewer_pages *pages, struct http_exchange *x, struct visit *visit, const char *says)
{
	char text[VM_CONTROL_TEXT_MAX + 1];
	struct err err;
	viewer_text_copy(text, sizeof(text), says ? says : "");
	if (!vm_control_give_back(visit->desk->vm, visit->fence, text[0] ? text : NULL, &err)) {
		viewer_refuse(pages, x, 409, "%s", err.text);
		return;
	}
	vm_touch(visit->desk->vm);
	desk_tell(visit->desk);
	viewer_reply_json(pages, x, 200, json_object());
}

void viewer_run_control(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest)
{
	struct viewer_control asked = { 0 };
	json_auto_t *json = NULL;
	(void)rest;
	if (stream->mode != STREAM_CONTROL) {
		viewer_refuse(pages, x, 403, "this link is for looking only");
		return;
	}
	if (!viewer_body_json(pages, x, viewer_control_fields, &asked, &json)) {
		return;
	}
	struct desk *desk = desk_of(pages, stream->vm);
	struct visit *visit = desk ? visit_find(desk, stream, asked.viewer) : NULL;
	if (!visit || !visit->present) {
		viewer_refuse(pages, x, 409,
			"this page is not connected (any more); control is for those who watch");
	} else if (!asked.take == !asked.give_back) {
		viewer_refuse(pages, x, 400, "either 'take' or 'give_back' must be there");
	} else if (asked.take) {
		take(pages, x, visit, asked.take);
	} else {
		give_back(pages, x, visit, asked.says);
	}
}
