/*
 * Watched desktops: sandboxes as their viewers see them.  One is created with the first viewer or
 * the first logged action, and lives as long as its sandbox, or until pending work on it (a
 * picture, a closing session) has ended.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/loop.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define TICK_MS 5000

/* ---- one desktop ---- */

static void free_when_over(struct watched_desktop *desktop)
{
	if (!desktop->over || desktop->refs > 0 || !TAILQ_EMPTY(&desktop->sessions)) {
		return;
	}
	LISTENERS_NOTIFY(&desktop->observers, struct desktop_fns, freed, desktop);
	if (desktop->desktops) {
		LIST_REMOVE(desktop, link);
	}
	free(desktop);
}

struct watched_desktop *desktop_find(struct watched_desktops *desktops, const struct vm *vm)
{
	struct watched_desktop *desktop;
	LIST_FOREACH(desktop, &desktops->all, link)
	{
		if (desktop->vm == vm && !desktop->over) {
			return desktop;
		}
	}
	return NULL;
}

struct watched_desktop *desktop_of(struct watched_desktops *desktops, struct vm *vm)
{
	struct watched_desktop *desktop = desktop_find(desktops, vm);
	if (desktop || vm_state(vm) >= VM_STOPPING) {
		return desktop;
	}
	desktop = must(calloc(1, sizeof(*desktop)));
	desktop->desktops = desktops;
	desktop->vm = vm;
	TAILQ_INIT(&desktop->sessions);
	action_log_init(&desktop->log, desktop);
	thumbnail_init(&desktop->thumbnail, desktop);
	LIST_INSERT_HEAD(&desktops->all, desktop, link);
	return desktop;
}

void desktop_ref(struct watched_desktop *desktop)
{
	desktop->refs++;
}

void desktop_unref(struct watched_desktop *desktop)
{
	desktop->refs--;
	free_when_over(desktop);
}

void desktop_changed(struct watched_desktop *desktop)
{
	desktop_ref(desktop);
	LISTENERS_NOTIFY(&desktop->observers, struct desktop_fns, changed, desktop);
	desktop_unref(desktop);
}

static void end(struct watched_desktop *desktop)
{
	desktop_ref(desktop);
	desktop->over = true;
	LISTENERS_NOTIFY(&desktop->observers, struct desktop_fns, ended, desktop);
	desktop_changed(desktop);
	desktop_unref(desktop);
}

const char *viewer_state_word(const struct vm *vm)
{
	static const char *const words[] = {
		[VM_STARTING] = "starting",
		[VM_READY] = "ready",
		[VM_PAUSED] = "paused",
		[VM_STOPPING] = "gone",
		[VM_GONE] = "gone",
	};
	return words[vm_state(vm)];
}

/* ---- events of the sandbox ---- */

static void on_control(struct vm *vm, void *data)
{
	struct watched_desktop *desktop = desktop_find(data, vm);
	if (desktop) {
		desktop_changed(desktop);
	}
}

static void on_state(struct vm *vm, void *data)
{
	struct watched_desktops *desktops = data;
	struct watched_desktop *desktop = desktop_find(desktops, vm);
	if (vm_state(vm) == VM_GONE) {
		streams_end_all(desktops->streams, vm, "the desktop has ended");
	}
	if (desktop && vm_state(vm) >= VM_STOPPING) {
		end(desktop);
	} else if (desktop) {
		desktop_changed(desktop);
	}
}

/* Tools that use the desktop; the others concern sandboxes and may contain secrets. */
static bool is_shown(const struct tool *tool)
{
	return strcmp(tool->toolset, "computer") == 0 || strcmp(tool->toolset, "shell") == 0;
}

static void on_call(const struct activity_record *record, void *data)
{
	struct watched_desktops *desktops = data;
	struct watched_desktop *desktop =
		record->vm && is_shown(record->tool) ? desktop_of(desktops, record->vm) : NULL;
	if (desktop) {
		action_log_add(desktop, record);
	}
}

static enum stream_code code_of(const struct stream *stream)
{
	if (vm_state(stream->vm) >= VM_STOPPING) {
		return STREAM_GONE;
	}
	/* The timer uses a different clock. */
	return stream->expires - 1000 <= clock_wall_ms() ? STREAM_EXPIRED : STREAM_REVOKED;
}

static void end_sessions(struct watched_desktop *desktop, const struct stream *stream,
	enum stream_code code, const char *reason)
{
	struct viewer_session *next;
	for (struct viewer_session *at = TAILQ_FIRST(&desktop->sessions); at; at = next) {
		next = TAILQ_NEXT(at, link);
		if (at->stream == stream) {
			at->type->stream_ended(at, code, reason);
		}
	}
}

static void on_stream_ended(struct stream *stream, const char *why, void *data)
{
	struct watched_desktops *desktops = data;
	struct watched_desktop *next;
	char reason[300];
	enum stream_code code = code_of(stream);
	snprintf(reason, sizeof(reason), "%s%s.",
		code == STREAM_GONE ? "" : "this link has ended: ", why);
	reason[0] = (char)toupper((unsigned char)reason[0]);
	for (struct watched_desktop *at = LIST_FIRST(&desktops->all); at; at = next) {
		next = LIST_NEXT(at, link);
		desktop_ref(at);
		end_sessions(at, stream, code, reason);
		desktop_changed(at);
		desktop_unref(at);
	}
}

/* Polls what has no event. */
static int on_tick(sd_event_source *source, uint64_t usec, void *data)
{
	struct watched_desktops *desktops = data;
	struct watched_desktop *desktop;
	(void)source;
	(void)usec;
	loop_drop(&desktops->tick);
	LIST_FOREACH(desktop, &desktops->all, link)
	{
		struct viewer_session *session;
		TAILQ_FOREACH(session, &desktop->sessions, link)
		{
			desktops_need_tick(desktops);
			if (session->type->tick) {
				session->type->tick(session);
			}
		}
		desktop_changed(desktop);
	}
	return 0;
}

void desktops_need_tick(struct watched_desktops *desktops)
{
	if (!desktops->tick) {
		desktops->tick = loop_after_ms(desktops->event, TICK_MS, on_tick, desktops);
	}
}

/* ---- all desktops ---- */

static const struct vm_listener follows_vms = { .control = on_control, .state = on_state };

struct watched_desktops *watched_desktops_new(sd_event *event, struct vm_pool *vms,
	struct streams *streams, struct metrics *metrics, struct activity *activity)
{
	static const struct streams_fns follows_streams = { .ended = on_stream_ended };
	static const struct activity_fns follows_calls = { .call = on_call };
	struct watched_desktops *desktops = must(calloc(1, sizeof(*desktops)));
	desktops->event = sd_event_ref(event);
	desktops->vms = vms;
	desktops->streams = streams;
	desktops->metrics = metrics;
	LIST_INIT(&desktops->all);
	listener_add(
		streams_listeners(streams), &desktops->stream_ends, &follows_streams, desktops);
	if (activity) {
		listener_add(&activity->calls, &desktops->calls, &follows_calls, desktops);
	}
	listener_add(vm_listeners(vms), &desktops->changes, &follows_vms, desktops);
	return desktops;
}

/* Pictures in progress point to theirs. */
void watched_desktops_free(struct watched_desktops *desktops)
{
	if (!desktops) {
		return;
	}
	struct watched_desktop *desktop;
	listener_remove(&desktops->stream_ends);
	listener_remove(&desktops->calls);
	listener_remove(&desktops->changes);
	while ((desktop = LIST_FIRST(&desktops->all))) {
		LIST_REMOVE(desktop, link);
		desktop_ref(desktop);
		desktop->desktops = NULL;
		desktop->over = true;
		LISTENERS_NOTIFY(&desktop->observers, struct desktop_fns, ended, desktop);
		desktop_unref(desktop);
	}
	loop_drop(&desktops->tick);
	sd_event_unref(desktops->event);
	free(desktops);
}
