#ifndef BASE_LISTENER_H
#define BASE_LISTENER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * Lists of listeners.  Listeners are called in the order in which they were added.  A callback may
 * add and remove any listener, including its own: a removed one is not called again, an added one
 * is called from the next notification on.
 */

struct listener_walk;

/* Zeroed: no listeners. */
struct listeners {
	STAILQ_HEAD(, listener) all;
	struct listener_walk *walks;
	uint64_t added;
};

/* An entry in a list.  The caller owns the memory, zeroed until it is added. */
struct listener {
	STAILQ_ENTRY(listener) link;
	struct listeners *list; /* NULL: in no list */
	uint64_t number;
	const void *fns; /* of the type that the list's owner documents */
	void *data;
};

void listener_add(struct listeners *list, struct listener *listener, const void *fns, void *data);
void listener_remove(struct listener *listener); /* no effect if it is in no list */

/* One notification: begin, then next() until it returns NULL.  It must be completed, so do not
 * return in between. */
struct listener_walk {
	struct listeners *list;
	struct listener *upcoming;
	struct listener_walk *outer;
	uint64_t newest; /* later ones are not called */
};

void listener_walk_begin(struct listener_walk *walk, struct listeners *list);
struct listener *listener_walk_next(struct listener_walk *walk);

/*
 * Calls a member of each listener's functions unless it is NULL:
 *     LISTENERS_NOTIFY(&pool->listeners, struct vm_listener, state, vm);
 * calls fns->state(vm, data).
 */
#define LISTENERS_NOTIFY(list, type, member, ...) \
	do { \
		struct listener_walk walk_; \
		listener_walk_begin(&walk_, (list)); \
		for (struct listener * at_; (at_ = listener_walk_next(&walk_));) { \
			const type *fns_ = at_->fns; \
			if (fns_->member) { \
				fns_->member(__VA_ARGS__, at_->data); \
			} \
		} \
	} while (0)

#endif
