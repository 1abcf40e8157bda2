#ifndef VM_AGENT_PROCESS_APPLICATIONS_H
#define VM_AGENT_PROCESS_APPLICATIONS_H

#include "base/err.h"

/* What can be launched: the desktop entries of the XDG data directories, and the programs in PATH.
 */

/* The command line for a name (desktop-file id, program name or absolute path) and an optional URI
 * or path. */
struct command_line {
	char **argv; /* NULL-ended */
	char *name;  /* for people */
	char *cwd;   /* NULL: the home directory */
};

/* An unknown name is ERR_NOT_FOUND and names the nearest known ones. */
bool applications_resolve(const char *name, const char *uri, struct command_line *ret_line,
	struct err *err) NODISCARD;
void command_line_done(struct command_line *line);

#endif
