/* Marks in a request `act`: elements that its actions name, and elements that get a number in its
 * image. */
#include "vm/agent/act/act_impl.h"

#include "base/cleanup.h"

#include <string.h>

void act_queue_use_marks(struct act_queue *q, const struct marks_source *source)
{
	q->marks = source;
}

void act_drop_marks(struct act *act)
{
	if (act->marking) {
		act->queue->marks->drop(take_ptr(&act->marking));
	}
	json_decref(act->marks.rows);
	free((void *)act->marks.marks);
	free((void *)act->marks.note);
}

/* ---- those that actions name ---- */

static size_t named(const struct act *act, int64_t ret_numbers[ACTION_LIST_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < act->runner.n; i++) {
		if (act->runner.actions[i].action.mark) {
			ret_numbers[n++] = act->runner.actions[i].action.mark;
		}
	}
	return n;
}

static void on_found(const struct point *points, const struct err *err, void *data)
{
	struct act *act = data;
	struct size frame = act->queue->agent->frame;
	act->marking = NULL;
	if (err) {
		act_end(act, err);
		return;
	}
	for (size_t i = 0; i < act->runner.n; i++) {
		struct prepared_action *a = &act->runner.actions[i];
		if (a->action.mark) {
			struct point at = geometry_to_frame(
				*points, frame, display_size(act->queue->seat->display));
			a->at = *points++;
			a->action.at = (struct field_ints){ 2, { at.x, at.y } };
		}
	}
	act_perform(act);
}

bool act_find_marks(struct act *act)
{
	int64_t numbers[ACTION_LIST_MAX];
	struct act_queue *q = act->queue;
	size_t n = named(act, numbers);
	if (n > 0) {
		act->marking = q->marks->find(q->agent, numbers, n, on_found, act);
	}
	return n > 0;
}

/* ---- those of the image ---- */

static void on_read(const struct marks_read *read, void *data)
{
	struct act *act = data;
	size_t size = read->n * sizeof(*read->marks);
	struct picture_mark *marks = must(malloc(size ? size : 1));
	if (size) {
		memcpy(marks, read->marks, size);
	}
	act->marking = NULL;
	act->marks = *read;
	act->marks.marks = marks;
	act->marks.rows = json_incref(read->rows);
	act->marks.note = read->note ? must(strdup(read->note)) : NULL;
	act_answer(act);
}

bool act_read_marks(struct act *act)
{
	struct act_queue *q = act->queue;
	const struct observe *how = &act->observe;
	if (!how->marks_ms || act->marks.rows) {
		return false;
	}
	act->marking = q->marks->read(
		q->agent, (uint32_t)how->of_window, (uint64_t)how->marks_ms, on_read, act);
	return true;
}

bool act_check_marks(const struct act *act, struct err *err)
{
	int64_t ignored[ACTION_LIST_MAX];
	return act->queue->marks || (!act->observe.marks_ms && named(act, ignored) == 0) ||
	       err_set(err, ERR_UNSUPPORTED, "marks are not supported here");
}
