#ifndef BASE_LISTENER_H
#define BASE_LISTENER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * Who is told of something.  Any number of listeners, in the order in which they were added.  A
 * listener may add and remove any of them, itself included, while it is told: one that was removed
 * is not told any more, one that was added is told from the next time on.
 */

struct listener_walk;

/* Zeroed: nobody listens. */
struct listeners {
	STAILQ_HEAD(, listener) all;
	struct listener_walk *walks;
	uint64_t added;
};

/* A place in a list; the memory is its user's, zeroed until it is added. */
struct listener {
	STAILQ_ENTRY(listener) link;
	struct listeners *list; /* NULL: in none */
	uint64_t number;
	const void *fns; /* of the type that the list's owner names */
	void *data;
};

void listener_add(struct listeners *list, struct listener *listener, const void *fns, void *data);
void listener_remove(struct listener *listener); /* nothing, if it is in no list */

/* One telling: begun, next() until NULL.  It must come to its end: no return in between. */
struct listener_walk {
	struct listeners *list;
	struct listener *upcoming;
	struct listener_walk *outer;
	uint64_t newest; /* later ones are not told */
};

void listener_walk_begin(struct listener_walk *walk, struct listeners *list);
struct listener *listener_walk_next(struct listener_walk *walk);

/*
 * Calls a member of each one's functions, where it is not NULL:
 *     LISTENERS_TELL(&pool->listeners, struct vm_listener, state, vm);
 * calls fns->state(vm, data).
 */
#define LISTENERS_TELL(list, type, member, ...) \
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
