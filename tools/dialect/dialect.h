#ifndef TOOLS_DIALECT_DIALECT_H
#define TOOLS_DIALECT_DIALECT_H

#include "tools/desktop/input.h"

/*
 * Dialects: the tools that the models of a vendor were trained on, as toolsets that only --tools
 * selects.  Each tool translates a call to actions, and answers as the vendor's loop expects: with
 * acknowledgements and, always, a screenshot, taken when the screen is quiet.
 */

/* The tools of each dialect; ends with a tool without a name. */
#define DIALECTS(X) \
	X(claude) \
	X(openai) \
	X(gemini)
#define X(id) extern const struct tool dialect_##id[];
DIALECTS(X)
#undef X

/* The translation of one call.  Actions with two or more steps end with dialect_ack(). */
struct dialect {
	struct call *call;
	const char *name;                   /* of the model's action that is being translated */
	const char *point_name, *text_name; /* of the next steps, see struct input_step */
	bool acts;                          /* there is input, not only a wait */
	size_t n;
	struct input_step steps[ACTION_LIST_MAX];
	const char *names[ACTION_LIST_MAX];
};

/* False: there are too many. */
bool dialect_add(struct dialect *d, const struct action *action, struct err *err) NODISCARD;
/* Acknowledges the steps added since the last one: one sentence. */
void dialect_ack(struct dialect *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Runs steps; acts: there is input, so the screenshot is taken when the screen is quiet. */
void dialect_look(struct call *call, const char *sandbox, bool acts, const struct input_step *steps,
	const char *const *names, size_t n);
/* tool.run of a tool with a translation, whose arguments have a row `sandbox`.  Without steps, it
 * takes a screenshot. */
void dialect_run(struct call *call, const void *args);

/* ["CTRL", "C"] as a key combination, which lives as long as the call; NULL if keys is NULL or
 * empty. */
bool dialect_chord(
	struct dialect *d, const json_t *keys, const char **ret, struct err *err) NODISCARD;

#endif
