/* Takes and releases control of a desktop for a page. */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/utf8.h"

#include <string.h>

static void take(struct viewer_pages *pages, struct http_exchange *x,
	struct viewer_session *session, const char *name)
{
	const struct vm *vm = session->desktop->vm;
	char who[VM_CONTROL_WHO_MAX + 1];
	if (vm_state(vm) != VM_READY) {
		viewer_refuse(pages, x, 409, "the sandbox is %s; try again when it is ready",
			viewer_state_word(vm));
		return;
	}
	utf8_copy_line(who, sizeof(who), name);
	viewer_session_take(session, who[0] ? who : "a user");
	desktop_changed(session->desktop);
	viewer_reply_json(pages, x, 200, json_pack("{s:I}", "fence", (json_int_t)session->fence));
}

static void give_back(struct viewer_pages *pages, struct http_exchange *x,
	struct viewer_session *session, const char *message)
{
	char text[VM_CONTROL_TEXT_MAX + 1];
	struct err err;
	utf8_copy_line(text, sizeof(text), message ? message : "");
	if (!viewer_session_give_back(session, text[0] ? text : NULL, &err)) {
		viewer_refuse(pages, x, 409, "%s", err.text);
		return;
	}
	desktop_changed(session->desktop);
	viewer_reply_json(pages, x, 200, json_object());
}

void viewer_run_control(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest)
{
	struct viewer_control asked = { 0 };
	json_auto_t *json = NULL;
	(void)rest;
	if (stream->mode != STREAM_CONTROL) {
		viewer_refuse(pages, x, 403, "this link permits watching only");
		return;
	}
	if (!viewer_body_json(pages, x, viewer_control_fields, &asked, &json)) {
		return;
	}
	struct watched_desktop *desktop = desktop_of(pages->desktops, stream->vm);
	struct page_session *page =
		desktop ? page_session_find(desktop, stream, asked.viewer) : NULL;
	if (!page || !page->session.present) {
		viewer_refuse(pages, x, 409,
			"this page is not connected; only a connected viewer can have control");
	} else if (!asked.take == !asked.give_back) {
		viewer_refuse(pages, x, 400, "either 'take' or 'give_back' is required");
	} else if (asked.take) {
		take(pages, x, &page->session, asked.take);
	} else {
		give_back(pages, x, &page->session, asked.message);
	}
}
