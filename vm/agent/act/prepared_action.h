#ifndef VM_AGENT_ACT_PREPARED_ACTION_H
#define VM_AGENT_ACT_PREPARED_ACTION_H

#include "vm/agent/x11/keys.h"
#include "vm/wire/action.h"
#include "vm/wire/geometry.h"

/* A checked action, with its points in screen pixels and its keys as keysyms. */
struct prepared_action {
	struct action action;  /* strings borrowed */
	struct point at, from; /* in screen pixels, if action.at and action.from are given */
	struct chord held;     /* modifiers, or the keys of hold_key, key_down and key_up */
	struct chord *chords;  /* ACTION_KEY */
	int n_chords;
};

bool prepared_action_init(struct prepared_action *prepared, const struct action *action,
	struct size frame, struct size screen, struct err *err) NODISCARD;
void prepared_action_done(struct prepared_action *prepared);

#endif
