#include "vm/agent/act/seat.h"

#include "base/cleanup.h"

struct hands *hands_new(struct display *d, struct err *err)
{
	struct observer *observer = observer_new(d, err);
	if (!observer) {
		return NULL;
	}
	struct hands *h = must(calloc(1, sizeof(*h)));
	*h = (struct hands){
		.display = d,
		.input.display = d,
		.keymap = keymap_new(d),
		.observer = observer,
	};
	return h;
}

void hands_free(struct hands *h)
{
	if (h) {
		keymap_free(h->keymap);
		observer_free(h->observer);
		free(h);
	}
}
