#ifndef SERVER_CMD_CLIENT_CONFIG_H
#define SERVER_CMD_CLIENT_CONFIG_H

#include <stdio.h>

/* Tells where the server is, as http_url() names it, and, with a token, how to connect a client:
 * lines to paste. */
void invite_print(FILE *to, const char *url, const char *token);

#endif
