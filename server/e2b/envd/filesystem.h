#ifndef SERVER_E2B_ENVD_FILESYSTEM_H
#define SERVER_E2B_ENVD_FILESYSTEM_H

/* Shared by the methods of filesystem.Filesystem. */

/* Without a path, the home directory is meant. */
const char *filesystem_path(const char *path);

#endif
