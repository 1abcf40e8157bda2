#ifndef SERVER_E2B_BUILD_NAMES_H
#define SERVER_E2B_BUILD_NAMES_H

#include "base/err.h"

#include <stdint.h>

/*
 * The names of templates that were built: each owner's "NAME:TAG" and template ids lead to snapshots.
 * They are kept in the state directory (e2b-names.json), for later servers.
 */
struct e2b_names_kept;

#define E2B_NAMES_MAX 1000 /* of one owner */
#define E2B_NAME_MAX 128   /* bytes of "NAME:TAG" */
#define E2B_DEFAULT_TAG "default"

/* An unreadable file is an error: it would be overwritten.  state_dir NULL: the default one. */
struct e2b_names_kept *e2b_names_open(const char *state_dir, struct err *err) NODISCARD;
void e2b_names_close(struct e2b_names_kept *names); /* NULL-safe */

/* Of the file: the state directory. */
const char *e2b_names_directory(const struct e2b_names_kept *names);

/* "NAME", "NAME:TAG" or "SPACE/NAME:TAG" in the form that is kept, without a space and with a tag;
 * false: malformed. */
bool e2b_name_normalize(
	const char *text, char ret_name[E2B_NAME_MAX + 1], struct err *err) NODISCARD;

/* "NAME:TAG" of a template's name, with or without a tag, and another tag. */
bool e2b_name_tagged(const char *name, const char *tag, char ret_name[E2B_NAME_MAX + 1],
	struct err *err) NODISCARD;

struct e2b_name {
	const char *name, *snapshot, *build; /* build: the id of the build that made it */
	int64_t created;                     /* CLOCK_REALTIME, ms */
};
/* NULL-safe; text: a name in any form, or a template's id.  False: unknown.  Valid until a change. */
bool e2b_name_find(const struct e2b_names_kept *names, const char *owner, const char *text,
	struct e2b_name *ret);
/* name: normalized, or a template's id.  Replaces one. */
bool e2b_name_set(struct e2b_names_kept *names, const char *owner, const struct e2b_name *name,
	struct err *err) NODISCARD;
void e2b_name_remove(struct e2b_names_kept *names, const char *owner, const char *name);
/* Removes all names of a snapshot that was deleted. */
void e2b_names_forget(struct e2b_names_kept *names, const char *owner, const char *snapshot);
void e2b_names_each(const struct e2b_names_kept *names, const char *owner,
	void (*fn)(const struct e2b_name *name, void *data), void *data);

#endif
