#ifndef SERVER_METHODS_METHODS_H
#define SERVER_METHODS_METHODS_H

#include "server/mcp/method.h"

/* The methods of MCP, for server_new(). */
extern const struct server_methods server_methods;

#endif
