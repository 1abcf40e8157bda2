#ifndef SERVER_E2B_ENVD_FILESYSTEM_H
#define SERVER_E2B_ENVD_FILESYSTEM_H

/* Shared by the methods of filesystem.Filesystem. */

#include <stdbool.h>

/* Without a path, the home directory is meant. */
const char *filesystem_path(const char *path);
/* envd is root and makes files as its caller.  Whether that matters for this path: the desktop's user
 * has its home directory and /tmp to itself. */
bool filesystem_is_far(const char *path);

#endif
