/*
 * Sandboxes as their watchers see them.  A desk is made when somebody watches or the agent does
 * something worth telling, and lives as long as its sandbox; what is under way (a picture, a page
 * that is being closed) keeps it a little longer.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

static void free_when_over(struct desk *desk)
{
	if (!desk->over || desk->refs > 0 || !TAILQ_EMPTY(&desk->visits)) {
		return;
	}
	if (desk->pages) {
		LIST_REMOVE(desk, link);
	}
	desk_forget_pictures(desk);
	buf_done(&desk->thumbnail);
	free(desk);
}

struct desk *desk_find(struct viewer_pages *pages, const struct vm *vm)
{
	struct desk *desk;
	LIST_FOREACH(desk, &pages->desks, link)
	{
		if (desk->vm == vm && !desk->over) {
			return desk;
		}
	}
	return NULL;
}

struct desk *desk_of(struct viewer_pages *pages, struct vm *vm)
{
	struct desk *desk = desk_find(pages, vm);
	if (desk || vm_state(vm) >= VM_STOPPING) {
		return desk;
	}
	desk = must(calloc(1, sizeof(*desk)));
	desk->pages = pages;
	desk->vm = vm;
	TAILQ_INIT(&desk->visits);
	LIST_INIT(&desk->waits);
	LIST_INSERT_HEAD(&pages->desks, desk, link);
	return desk;
}

void desk_ref(struct desk *desk)
{
	desk->refs++;
}

void desk_unref(struct desk *desk)
{
	desk->refs--;
	free_when_over(desk);
}

void desk_tell(struct desk *desk)
{
	struct visit *visit;
	TAILQ_FOREACH(visit, &desk->visits, link)
	{
		if (visit->stream) {
			visit_set_policy(visit);
			visit_tell_state(visit);
			visit_tell_deeds(visit);
		}
	}
}

void desk_ended(struct desk *desk)
{
	desk_ref(desk);
	desk->over = true;
	desk_forget_pictures(desk);
	desk_answer_thumbnails(desk);
	desk_tell(desk);
	desk_unref(desk);
}

void desk_free(struct desk *desk)
{
	struct visit *visit;
	desk_ref(desk);
	desk->over = true;
	while ((visit = TAILQ_FIRST(&desk->visits))) {
		visit_free(visit);
	}
	desk_forget_pictures(desk);
	LIST_REMOVE(desk, link);
	desk->pages = NULL;
	desk_unref(desk);
}
