/*
 * The action log of a desktop, for viewers: a line for each tool call, and a small picture of where
 * it took place.  Pictures are taken only while viewers are connected, one at a time and a moment
 * after the action, so that they show its effect and the agent never waits for them.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "vm/lifecycle/lifecycle.h"

#define PICTURE_AFTER_MS 120

static const struct viewer_picture small = { .width = 256, .height = 160, .max_bytes = 30000 };

const struct logged_action *action_log_at(const struct action_log *log, uint64_t seq)
{
	const struct logged_action *action = &log->actions[seq % ACTION_LOG_MAX];
	return seq > 0 && action->seq == seq ? action : NULL;
}

/* ---- pictures ---- */

static struct logged_action *find_in(struct action_log *log, enum action_picture picture)
{
	for (size_t i = 0; i < ACTION_LOG_MAX; i++) {
		if (log->actions[i].picture == (int)picture) {
			return &log->actions[i];
		}
	}
	return NULL;
}

static void drop_wanted(struct action_log *log)
{
	struct logged_action *action;
	loop_drop(&log->picture_timer);
	while ((action = find_in(log, PICTURE_WANTED))) {
		action->picture = PICTURE_NONE;
	}
}

static void drop_pictures(struct watched_desktop *desktop, void *data)
{
	struct action_log *log = data;
	struct logged_action *action;
	(void)desktop;
	drop_wanted(log);
	while ((action = find_in(log, PICTURE_MADE))) {
		buf_done(&action->jpeg);
		action->picture = PICTURE_NONE;
	}
}

static void want_picture(struct watched_desktop *desktop);

static void on_picture(const struct guest_frame *frame, void *data)
{
	struct watched_desktop *desktop = data;
	struct logged_action *action = find_in(&desktop->log, PICTURE_BEING_MADE);
	bool good = frame && !TAILQ_EMPTY(&desktop->sessions);
	desktop->log.picturing = false;
	if (action) { /* otherwise overwritten */
		action->picture = good ? PICTURE_MADE : PICTURE_NONE;
		if (good) {
			buf_append(&action->jpeg, frame->bytes, frame->len);
		}
	}
	if (!desktop->over) {
		desktop_changed(desktop);
		want_picture(desktop);
	}
	desktop_unref(desktop);
}

static int on_picture_time(sd_event_source *source, uint64_t usec, void *data)
{
	struct watched_desktop *desktop = data;
	struct logged_action *action = find_in(&desktop->log, PICTURE_WANTED);
	(void)source;
	(void)usec;
	loop_drop(&desktop->log.picture_timer);
	if (action) {
		struct viewer_picture picture = small;
		picture.point = action->point;
		action->picture = PICTURE_BEING_MADE;
		desktop->log.picturing = true;
		desktop_ref(desktop);
		viewer_take_picture(desktop->vm, &picture, on_picture, desktop);
	}
	return 0;
}

static void want_picture(struct watched_desktop *desktop)
{
	struct action_log *log = &desktop->log;
	if (!log->picturing && !log->picture_timer && find_in(log, PICTURE_WANTED)) {
		log->picture_timer = loop_after_ms(
			desktop->desktops->event, PICTURE_AFTER_MS, on_picture_time, desktop);
	}
}

void viewer_run_picture(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest)
{
	struct watched_desktop *desktop =
		viewer_sees_actions(stream) ? desktop_find(pages->desktops, stream->vm) : NULL;
	uint64_t seq = viewer_number_read(rest, INT64_MAX);
	const struct logged_action *action = desktop ? action_log_at(&desktop->log, seq) : NULL;
	if (!action || action->picture != PICTURE_MADE) {
		viewer_refuse(pages, x, 404, "the thumbnail of that action is no longer available");
		return;
	}
	http_set_header(x, "Cache-Control", "private, max-age=3600");
	viewer_reply(pages, x, 200, "image/jpeg", action->jpeg.data, action->jpeg.len);
}

/* ---- the line ---- */

static struct logged_action *next_action(
	struct action_log *log, const struct activity_record *record)
{
	struct logged_action *action = &log->actions[++log->last_seq % ACTION_LOG_MAX];
	buf_done(&action->jpeg);
	*action = (struct logged_action){
		.seq = log->last_seq,
		.at = record->time,
		.tool = record->tool,
		.point = record->point,
		.failed = record->why,
	};
	utf8_copy_line(action->text, sizeof(action->text), record->summary);
	return action;
}

/* Whether a connected viewer shows its pictures. */
static bool is_followed(const struct watched_desktop *desktop)
{
	const struct viewer_session *session;
	TAILQ_FOREACH(session, &desktop->sessions, link)
	{
		if (session->present && session->type->shows_actions) {
			return true;
		}
	}
	return false;
}

void action_log_add(struct watched_desktop *desktop, const struct activity_record *record)
{
	struct action_log *log = &desktop->log;
	drop_wanted(log); /* it is too late for it */
	struct logged_action *action = next_action(log, record);
	if (!record->why && is_followed(desktop) && !(record->tool->hints & TOOL_READS_ONLY) &&
		vm_state(desktop->vm) == VM_READY) {
		action->picture = PICTURE_WANTED;
		want_picture(desktop);
	}
	desktop_changed(desktop);
}

void action_log_init(struct action_log *log, struct watched_desktop *desktop)
{
	static const struct desktop_fns fns = {
		.unwatched = drop_pictures, /* not earlier: a page may only be reloading */
		.ended = drop_pictures,
		.freed = drop_pictures,
	};
	listener_add(&desktop->observers, &log->observes, &fns, log);
}
