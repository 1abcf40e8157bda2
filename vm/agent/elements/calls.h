#ifndef VM_AGENT_ELEMENTS_CALLS_H
#define VM_AGENT_ELEMENTS_CALLS_H

#include "vm/wire/geometry.h"

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

/*
 * Method calls to programs, many at a time: a tree needs hundreds, and a round trip each would take
 * longer than the work.  At most some dozens are under way, so a program that hangs holds few.
 */
struct calls;

/* An object of a program.  The strings are the program's own; invalid ones only fail the call. */
struct bus_ref {
	const char *bus, *path;
};

#define ACCESSIBLE "org.a11y.atspi.Accessible"
#define COMPONENT "org.a11y.atspi.Component"
#define IN_SCREEN 0u /* kinds of coordinates, for GetExtents */
#define IN_WINDOW 1u

/* after: called last, when no call is pending; it may free the calls. */
struct calls *calls_new(sd_bus *bus, uint64_t timeout_us, void (*after)(void *data), void *data);
/* The calls that have no answer are dropped.  NULL-safe. */
void calls_free(struct calls *calls);

/* answer: NULL if the call failed.  It may ask more. */
typedef void calls_fn(sd_bus_message *answer, void *data);
/* The arguments as of sd_bus_message_append(); types may be NULL. */
void calls_ask(struct calls *calls, struct bus_ref to, const char *interface, const char *member,
	calls_fn *fn, void *data, const char *types, ...);
/* The value of a property; fn reads it with its type. */
void calls_get(struct calls *calls, struct bus_ref to, const char *interface, const char *property,
	calls_fn *fn, void *data);
/* To be called after the first calls of a step: `after` is called if nothing is pending. */
void calls_check(struct calls *calls);
unsigned calls_late(const struct calls *calls); /* that were not answered in time */

/* Reads the variant with a property's value. */
bool calls_read_text(sd_bus_message *answer, const char **ret);
bool calls_read_count(sd_bus_message *answer, int32_t *ret);
/* The number as text, to free(); NULL: there is none. */
char *calls_read_number_text(sd_bus_message *answer);

/* Reads the answer of GetExtents.  False: the element has no place. */
bool calls_read_box(sd_bus_message *answer, struct rect *ret);
/* Reads the answer of GetState. */
bool calls_read_states(sd_bus_message *answer, uint64_t *ret);

#endif
