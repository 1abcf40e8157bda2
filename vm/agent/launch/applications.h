#ifndef VM_AGENT_LAUNCH_APPLICATIONS_H
#define VM_AGENT_LAUNCH_APPLICATIONS_H

#include "base/err.h"

/* What can be launched: desktop entries in the XDG data directories, and programs in PATH. */

/* The command line for a name (desktop-file id, program name or absolute path) and an optional URI
 * or path. */
struct command_line {
	char **argv; /* NULL-terminated */
	char *name;  /* for messages */
	char *cwd;   /* NULL: the home directory */
};

/* ERR_NOT_FOUND for an unknown name, with the nearest known ones. */
bool applications_resolve(const char *name, const char *uri, struct command_line *ret_line,
	struct err *err) NODISCARD;
/* Whether there is a desktop entry with this id (with or without .desktop). */
bool applications_has(const char *id);
/* The id of the first application by id that opens this media type, one with a window if there is;
 * to g_free(), NULL: none. */
char *applications_for_type(const char *type);
void command_line_done(struct command_line *line);

#endif
