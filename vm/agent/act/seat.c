#include "vm/agent/act/seat.h"

#include "base/cleanup.h"

struct seat *seat_new(struct display *d, struct err *err)
{
	struct observer *observer = observer_new(d, err);
	if (!observer) {
		return NULL;
	}
	struct seat *s = must(calloc(1, sizeof(*s)));
	*s = (struct seat){
		.display = d,
		.input.display = d,
		.keymap = keymap_new(d),
		.observer = observer,
		.changes = changes_new(d),
	};
	return s;
}

void seat_free(struct seat *s)
{
	if (s) {
		keymap_free(s->keymap);
		observer_free(s->observer);
		changes_free(s->changes);
		free(s);
	}
}
