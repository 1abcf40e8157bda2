#ifndef TRANSPORT_HTTP_SOCKETS_H
#define TRANSPORT_HTTP_SOCKETS_H

#include "transport/http/check.h"

#include <sys/socket.h>
#include <sys/types.h>

/* The listening sockets of an HTTP server: opened, checked and, for unix sockets, removed at the
 * end. */

enum http_address_kind { HTTP_ADDRESS_TCP, HTTP_ADDRESS_UNIX, HTTP_ADDRESS_SYSTEMD };

struct http_address {
	enum http_address_kind kind;
	char host[HTTP_NAME_MAX]; /* TCP, without brackets */
	char port[6];
	char path[108]; /* UNIX */
};

/* Accepts "127.0.0.1:8765", "[::1]:0", "localhost:80", "unix:/run/vitrine.sock" and "systemd". */
bool http_address_parse(const char *text, struct http_address *ret, struct err *err) NODISCARD;

#define HTTP_SOCKETS_MAX 8

/* For connections with a certificate: TLS 1.2 and later (RFC 8996). */
#define HTTP_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct http_sockets {
	int n;
	int fds[HTTP_SOCKETS_MAX]; /* non-blocking, listening */
	/* clients' name of the first one; "" for a unix socket and for the wildcard addresses */
	char host[HTTP_NAME_MAX];
	char url[HTTP_NAME_MAX + 32]; /* of the first one, see http_url() */
	char path[108];               /* the file of a unix socket; "" if there is none */
	dev_t dev;
	ino_t ino;
};

/* Removes the file of a unix socket without a listener: its server was killed.  True also if there is
 * no file.  ERR_STATE: somebody listens. */
bool http_socket_remove_stale(const char *path, struct err *err) NODISCARD;
/* guarded: TLS or a proxy protects the connections, so other machines may connect. */
bool http_sockets_open(struct http_sockets *sockets, const char *listen, bool tls,
	bool is_protected, struct err *err) NODISCARD;
void http_sockets_close(struct http_sockets *sockets);

bool http_is_loopback(const struct sockaddr_storage *address); /* or a unix socket */
/* Formats the address as in a Host header, without a port; "" for a unix socket. */
void http_address_name(const struct sockaddr_storage *address, char ret_name[HTTP_NAME_MAX]);

#endif
