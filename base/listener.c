#include "base/listener.h"

/* The notifications in progress form a chain, innermost first, so that a removal can update those
 * it concerns; see listener.h. */

void listener_add(struct listeners *list, struct listener *listener, const void *fns, void *data)
{
	if (!list->all.stqh_last) {
		STAILQ_INIT(&list->all);
	}
	*listener = (struct listener){
		.list = list, .number = ++list->added, .fns = fns, .data = data
	};
	STAILQ_INSERT_TAIL(&list->all, listener, link);
}

void listener_remove(struct listener *listener)
{
	struct listeners *list = listener->list;
	if (!list) {
		return;
	}
	for (struct listener_walk *walk = list->walks; walk; walk = walk->outer) {
		if (walk->upcoming == listener) {
			walk->upcoming = STAILQ_NEXT(listener, link);
		}
	}
	STAILQ_REMOVE(&list->all, listener, listener, link);
	listener->list = NULL;
}

void listener_walk_begin(struct listener_walk *walk, struct listeners *list)
{
	*walk = (struct listener_walk){ .list = list,
		.upcoming = STAILQ_FIRST(&list->all),
		.outer = list->walks,
		.newest = list->added };
	list->walks = walk;
}

struct listener *listener_walk_next(struct listener_walk *walk)
{
	struct listener *at = walk->upcoming;
	if (!at || at->number > walk->newest) {
		walk->list->walks = walk->outer;
		return NULL;
	}
	walk->upcoming = STAILQ_NEXT(at, link);
	return at;
}
