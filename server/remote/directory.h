#ifndef SERVER_REMOTE_DIRECTORY_H
#define SERVER_REMOTE_DIRECTORY_H

#include "base/err.h"

/* The directory of the servers' sockets, STATE/servers; to free().  state_dir NULL: the default
 * one. */
char *remote_directory(const char *state_dir, struct err *err) NODISCARD;

#endif
