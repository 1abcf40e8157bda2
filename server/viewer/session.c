/*
 * A page that somebody has open.  It begins with its events and may then have a socket.  When both
 * are gone it is kept for a while, so that a page whose connection was cut goes on as the same one;
 * then what it held is given back.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#include <string.h>

/* ---- who there is ---- */

struct visit *visit_find(struct desk *desk, const struct stream *stream, const char *id)
{
	struct visit *visit;
	TAILQ_FOREACH(visit, &desk->visits, link)
	{
		if (visit->stream == stream && strcmp(visit->id, id) == 0) {
			return visit;
		}
	}
	return NULL;
}

/* One that is away and holds nothing makes room for a new one. */
static bool has_room(struct desk *desk, const struct stream *stream)
{
	struct visit *visit, *away = NULL;
	size_t n = 0;
	TAILQ_FOREACH(visit, &desk->visits, link)
	{
		if (visit->stream == stream) {
			n++;
			away = !away && visit->away && !visit_holds(visit) ? visit : away;
		}
	}
	if (n >= VISITS_MAX && away) {
		visit_free(away);
		n--;
	}
	return n < VISITS_MAX;
}

struct visit *visit_new(struct desk *desk, struct stream *stream)
{
	if (!has_room(desk, stream)) {
		return NULL;
	}
	struct visit *visit = must(calloc(1, sizeof(*visit)));
	visit->desk = desk;
	visit->stream = stream;
	id_make(visit->id);
	TAILQ_INSERT_TAIL(&desk->visits, visit, link);
	viewer_need_tick(desk->pages);
	return visit;
}

/* ---- holding control ---- */

bool visit_holds(const struct visit *visit)
{
	return visit->stream && visit->fence && vm_control_is(visit->desk->vm, visit->fence);
}

static void give_back(struct visit *visit)
{
	struct err err;
	if (visit_holds(visit) &&
		!vm_control_give_back(visit->desk->vm, visit->fence, NULL, &err)) {
		log_warning("sandbox=%s control: %s", vm_id(visit->desk->vm), err.text);
	}
}

/* ---- coming and going ---- */

void visit_free(struct visit *visit)
{
	struct desk *desk = visit->desk;
	desk_ref(desk);
	give_back(visit);
	visit_forget_wire(visit);
	loop_drop(&visit->away);
	TAILQ_REMOVE(&desk->visits, visit, link);
	free(visit->said);
	free(visit);
	if (TAILQ_EMPTY(&desk->visits)) {
		desk_forget_pictures(desk); /* not before: a page may only be loaded again */
	}
	desk_unref(desk);
}

static int on_away_too_long(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	visit_free(data);
	return 0;
}

static void set_present(struct visit *visit, bool present)
{
	struct desk *desk = visit->desk;
	if (visit->present == present) {
		return;
	}
	visit->present = present;
	desk->present += present ? 1 : -1u;
	if (visit->stream) {
		visit->stream->viewers += present ? 1 : -1u;
	}
	if (desk->pages->metrics) {
		metrics_count_viewer(desk->pages->metrics, present);
	}
}

void visit_changed(struct visit *visit)
{
	struct desk *desk = visit->desk;
	desk_ref(desk);
	set_present(visit, visit->events || visit->wire || visit->plug);
	loop_drop(&visit->away);
	if (!visit->present && visit->stream) {
		visit->away = loop_after_ms(
			desk->pages->event, desk->pages->grace_ms, on_away_too_long, visit);
	} else if (!visit->present) {
		visit_free(visit);
	}
	desk_tell(desk);
	desk_unref(desk);
}

void visit_stream_ended(struct visit *visit, enum stream_code code, const char *reason)
{
	give_back(visit);
	visit_tell_end(visit, code, reason);
	if (visit->present) {
		visit->stream->viewers--;
	}
	visit->stream = NULL;
	visit_unplug(visit, code, reason);
	if (!visit->present) {
		visit_free(visit);
	}
}

/* ---- counting ---- */

/* Input of a person's is a use of the sandbox, as an agent's calls are; looking is not. */
void visit_count(struct visit *visit)
{
	struct stream_counts now = visit_counts(visit), before = visit->counted;
	struct metrics *metrics = visit->desk->pages->metrics;
	visit->counted = now;
	if (metrics) {
		metrics_count_viewed(
			metrics, now.bytes_in - before.bytes_in, now.bytes_out - before.bytes_out);
	}
	uint64_t input = now.messages.passed - before.messages.passed -
			 (now.messages.frames - before.messages.frames);
	if (input > 0 && visit_holds(visit)) {
		vm_touch(visit->desk->vm);
	}
}
