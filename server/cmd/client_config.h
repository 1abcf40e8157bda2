#ifndef SERVER_CMD_CLIENT_CONFIG_H
#define SERVER_CMD_CLIENT_CONFIG_H

#include <stdio.h>

/* Prints the server's address, as returned by http_url(), and, with a token, the configuration of
 * clients. */
void client_config_print(FILE *to, const char *url, const char *token);

#endif
