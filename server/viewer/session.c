/*
 * Viewer sessions, common to all kinds of viewers: counted while connected, with a lease of
 * control, if any, that ends with the session or its stream.
 */
#include "server/viewer/rfb_pipe.h"

#include "base/cleanup.h"
#include "base/log.h"

static void on_changed(struct watched_desktop *desktop, void *data)
{
	struct viewer_session *session = data;
	(void)desktop;
	if (session->stream && session->type->update) {
		session->type->update(session);
	}
}

void viewer_session_begin(struct viewer_session *session, const struct viewer_session_type *type,
	struct watched_desktop *desktop, struct stream *stream)
{
	static const struct desktop_fns fns = { .changed = on_changed };
	session->type = type;
	session->desktop = desktop;
	session->stream = stream;
	TAILQ_INSERT_TAIL(&desktop->sessions, session, link);
	listener_add(&desktop->observers, &session->observes, &fns, session);
	desktops_need_tick(desktop->desktops);
}

void viewer_session_end(struct viewer_session *session)
{
	struct watched_desktop *desktop = session->desktop;
	desktop_ref(desktop);
	viewer_session_drop_control(session);
	rfb_pipe_forget_session(session);
	viewer_session_set_present(session, false);
	listener_remove(&session->observes);
	TAILQ_REMOVE(&desktop->sessions, session, link);
	if (TAILQ_EMPTY(&desktop->sessions)) {
		LISTENERS_NOTIFY(&desktop->observers, struct desktop_fns, unwatched, desktop);
	}
	desktop_unref(desktop);
}

void viewer_session_end_stream(struct viewer_session *session)
{
	viewer_session_drop_control(session);
	if (session->present) {
		session->stream->viewers--;
	}
	session->stream = NULL;
}

void viewer_session_set_present(struct viewer_session *session, bool present)
{
	struct watched_desktop *desktop = session->desktop;
	if (session->present == present) {
		return;
	}
	session->present = present;
	desktop->present += present ? 1 : -1u;
	if (session->stream) {
		session->stream->viewers += present ? 1 : -1u;
	}
	if (desktop->desktops->metrics) {
		metrics_count_viewer(desktop->desktops->metrics, present);
	}
}

/* ---- lease of control ---- */

bool viewer_session_holds(const struct viewer_session *session)
{
	return session->stream && session->fence &&
	       vm_control_is(session->desktop->vm, session->fence);
}

void viewer_session_used(struct viewer_session *session, bool refused)
{
	if (!refused && viewer_session_holds(session)) {
		vm_touch(session->desktop->vm);
	} else if (refused && session->type->refused) {
		session->type->refused(session);
	}
}

void viewer_session_take(struct viewer_session *session, const char *who)
{
	if (!viewer_session_holds(session)) {
		session->fence = vm_control_take(session->desktop->vm, who);
		rfb_pipe_tell_control(session->desktop);
		vm_touch(session->desktop->vm);
	}
}

bool viewer_session_give_back(struct viewer_session *session, const char *message, struct err *err)
{
	if (!vm_control_give_back(session->desktop->vm, session->fence, message, err)) {
		return false;
	}
	rfb_pipe_tell_control(session->desktop);
	vm_touch(session->desktop->vm);
	return true;
}

void viewer_session_drop_control(struct viewer_session *session)
{
	struct err err;
	struct vm *vm = session->desktop->vm;
	if (!viewer_session_holds(session)) {
		return;
	}
	if (vm_control_give_back(vm, session->fence, NULL, &err)) {
		rfb_pipe_tell_control(session->desktop);
	} else {
		log_warning("sandbox=%s control: %s", vm_id(vm), err.text);
	}
}
