/*
 * What the agent does, for those who watch: a line for each call of a tool on the desktop, and a
 * small picture of where it happened.  Pictures are for people who are there, one at a time and a
 * moment after the action, so that it shows what came of it and the agent waits for none.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/loop.h"

#include <stdio.h>
#include <string.h>

#define PICTURE_AFTER_MS 120
#define PICTURE_WIDTH 256
#define PICTURE_HEIGHT 160
#define PICTURE_BYTES_MAX 30000

const struct deed *desk_deed(const struct desk *desk, uint64_t seq)
{
	const struct deed *deed = &desk->deeds[seq % DEEDS_MAX];
	return seq > 0 && deed->seq == seq ? deed : NULL;
}

static void tell_all(struct desk *desk)
{
	struct visit *visit;
	TAILQ_FOREACH(visit, &desk->visits, link)
	{
		visit_tell_deeds(visit);
	}
}

/* ---- pictures ---- */

static struct deed *find_wanted(struct desk *desk)
{
	for (size_t i = 0; i < DEEDS_MAX; i++) {
		if (desk->deeds[i].picture == PICTURE_WANTED) {
			return &desk->deeds[i];
		}
	}
	return NULL;
}

static void drop_wanted(struct desk *desk)
{
	struct deed *deed;
	loop_drop(&desk->picture_timer);
	while ((deed = find_wanted(desk))) {
		deed->picture = PICTURE_NONE;
	}
}

void desk_forget_pictures(struct desk *desk)
{
	drop_wanted(desk);
	for (size_t i = 0; i < DEEDS_MAX; i++) {
		struct deed *deed = &desk->deeds[i];
		buf_done(&deed->jpeg);
		deed->picture = deed->picture == PICTURE_MADE ? PICTURE_NONE : deed->picture;
	}
}

static void want_picture(struct desk *desk);

static void on_picture(const struct guest_act *res, const struct err *err, void *data)
{
	struct desk *desk = data;
	(void)err;
	desk->picturing = false;
	for (size_t i = 0; i < DEEDS_MAX; i++) {
		struct deed *deed = &desk->deeds[i];
		if (deed->picture != PICTURE_BEING_MADE) {
			continue;
		}
		bool good = res && !TAILQ_EMPTY(&desk->visits) && viewer_is_jpeg(&res->frame);
		deed->picture = good ? PICTURE_MADE : PICTURE_NONE;
		if (good) {
			buf_append(&deed->jpeg, res->frame.bytes, res->frame.len);
		}
	}
	if (!desk->over) {
		tell_all(desk);
		want_picture(desk);
	}
	desk_unref(desk);
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* Around the point, as far as there is room; without one, all of it, made small. */
static void aim(struct observe *observe, const struct deed *deed, struct size frame)
{
	observe_init(observe, OBSERVE_FRAME);
	observe->quality = 70;
	observe->max_bytes = PICTURE_BYTES_MAX;
	if (deed->point.count == 2) {
		int64_t width = clamp(PICTURE_WIDTH, 1, frame.width);
		int64_t height = clamp(PICTURE_HEIGHT, 1, frame.height);
		int64_t x = clamp(deed->point.at[0] - width / 2, 0, frame.width - width);
		int64_t y = clamp(deed->point.at[1] - height / 2, 0, frame.height - height);
		observe->region = (struct field_ints){ 4, { x, y, x + width, y + height } };
	} else {
		observe->scale = (double)PICTURE_WIDTH / frame.width;
		observe->scale = observe->scale > 1     ? 1
				 : observe->scale < 0.1 ? 0.1
							: observe->scale;
	}
}

static int on_picture_time(sd_event_source *source, uint64_t usec, void *data)
{
	struct desk *desk = data;
	struct deed *deed = find_wanted(desk);
	struct observe observe;
	(void)source;
	(void)usec;
	loop_drop(&desk->picture_timer);
	if (deed) {
		aim(&observe, deed, vm_frame(desk->vm));
		deed->picture = PICTURE_BEING_MADE;
		desk->picturing = true;
		desk_ref(desk);
		guest_look(desk->vm, &observe, on_picture, desk);
	}
	return 0;
}

static void want_picture(struct desk *desk)
{
	if (!desk->picturing && !desk->picture_timer && find_wanted(desk)) {
		desk->picture_timer =
			loop_after_ms(desk->pages->event, PICTURE_AFTER_MS, on_picture_time, desk);
	}
}

void viewer_run_picture(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest)
{
	struct desk *desk = viewer_sees_deeds(stream) ? desk_find(pages, stream->vm) : NULL;
	const struct deed *deed =
		desk ? desk_deed(desk, viewer_number_read(rest, INT64_MAX)) : NULL;
	if (!deed || deed->picture != PICTURE_MADE) {
		viewer_refuse(pages, x, 404, "there is no picture of that action (any more)");
		return;
	}
	http_set_header(x, "Cache-Control", "private, max-age=3600");
	viewer_reply(pages, x, 200, "image/jpeg", deed->jpeg.data, deed->jpeg.len);
}

/* ---- the line ---- */

static struct deed *next_deed(struct desk *desk)
{
	struct deed *deed = &desk->deeds[++desk->last_seq % DEEDS_MAX];
	buf_done(&deed->jpeg);
	*deed = (struct deed){ .seq = desk->last_seq, .at = clock_wall_ms() };
	return deed;
}

/* Those that use the desktop; the others are about sandboxes, and may say what is secret. */
static bool is_telling(const struct tool *tool)
{
	return (strcmp(tool->toolset, "computer") == 0 || strcmp(tool->toolset, "shell") == 0) &&
	       field_find(tool->fields, "sandbox");
}

static void on_call(const struct activity_record *record, void *data)
{
	struct viewer_pages *pages = data;
	struct err gone;
	struct vm *vm = record->sandbox && is_telling(record->tool)
				? vm_find(pages->vms, record->principal, record->sandbox, &gone)
				: NULL;
	struct desk *desk = vm ? desk_of(pages, vm) : NULL;
	if (!desk) {
		return;
	}
	drop_wanted(desk); /* its moment has passed */
	struct deed *deed = next_deed(desk);
	deed->tool = record->tool;
	deed->failed = record->why;
	deed->point = record->point;
	viewer_text_copy(deed->text, sizeof(deed->text), record->summary);
	if (desk->present > 0 && !record->why && !(record->tool->hints & TOOL_READS_ONLY) &&
		vm_state(vm) == VM_READY) {
		deed->picture = PICTURE_WANTED;
		want_picture(desk);
	}
	tell_all(desk);
}

const struct activity_fns viewer_follows_calls = { .call = on_call };
