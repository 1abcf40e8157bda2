/*
 * The listening sockets: a TCP port, a unix socket, or sockets of systemd.  A unix socket is
 * accessible to its owner only.  Its file is removed only if it is this server's, or not in use.
 */
#include "transport/http/sockets.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#define BACKLOG 1024
#define GONE_AFTER_MS 60000 /* a peer that acknowledges nothing for so long is disconnected */

/* ---- addresses ---- */

static bool parse_unix(const char *path, struct http_address *ret, struct err *err)
{
	if (*path == '\0' || *path == '@') {
		return err_set(err, ERR_ARGUMENT,
			"\"unix:%.60s\" must name a file, such as unix:/run/vitrine.sock", path);
	}
	if (strlen(path) >= sizeof(ret->path)) {
		return err_set(err, ERR_ARGUMENT,
			"the path of a unix socket must be shorter than %zu bytes; \"%.60s...\" has %zu",
			sizeof(ret->path), path, strlen(path));
	}
	ret->kind = HTTP_ADDRESS_UNIX;
	memcpy(ret->path, path, strlen(path) + 1);
	return true;
}

bool http_address_parse(const char *text, struct http_address *ret, struct err *err)
{
	*ret = (struct http_address){ .kind = HTTP_ADDRESS_TCP };
	if (strcmp(text, "systemd") == 0) {
		ret->kind = HTTP_ADDRESS_SYSTEMD;
		return true;
	}
	if (strncmp(text, "unix:", 5) == 0) {
		return parse_unix(text + 5, ret, err);
	}
	if (!http_split_authority(text, ret->host, ret->port) || ret->port[0] == '\0') {
		return err_set(err, ERR_ARGUMENT,
			"\"%.80s\" is not an address to listen on; use HOST:PORT, such as "
			"127.0.0.1:8765 or [::1]:0 (0: any free port), unix:PATH, or systemd",
			text);
	}
	return true;
}

bool http_is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	if (address->ss_family == AF_INET6) {
		const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
		return IN6_IS_ADDR_LOOPBACK(v6) ||
		       (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
	}
	return address->ss_family == AF_UNIX;
}

void http_address_name(const struct sockaddr_storage *address, char ret_name[HTTP_NAME_MAX])
{
	const struct sockaddr_in6 *v6 = (const void *)address;
	const struct sockaddr_in *v4 = (const void *)address;
	ret_name[0] = '\0';
	if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, ret_name, HTTP_NAME_MAX);
	} else if (address->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, ret_name, HTTP_NAME_MAX);
	} else if (address->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, ret_name, HTTP_NAME_MAX);
	}
}

static unsigned port_of(const struct sockaddr_storage *address)
{
	return ntohs(address->ss_family == AF_INET6
			     ? ((const struct sockaddr_in6 *)address)->sin6_port
			     : ((const struct sockaddr_in *)address)->sin_port);
}

/* ---- opening ---- */

/* Accepted sockets inherit these. */
static void tune(int fd)
{
	static const int on = 1, idle_s = 60, gone_after_ms = GONE_AFTER_MS;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_after_ms, sizeof(gone_after_ms));
}

static int open_one(const struct http_address *at, const struct addrinfo *found, struct err *err)
{
	static const int on = 1;
	auto_close int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		err_errno(err, "cannot listen on %s port %s", at->host, at->port);
		return -1;
	}
	tune(fd);
	return take_fd(&fd);
}

/* If the port is 0, the second address uses that of the first. */
static void take_port(struct addrinfo *at, int like)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);
	if (getsockname(like, (void *)&address, &len) == 0) {
		in_port_t port = htons((in_port_t)port_of(&address));
		if (at->ai_family == AF_INET6) {
			((struct sockaddr_in6 *)at->ai_addr)->sin6_port = port;
		} else if (at->ai_family == AF_INET) {
			((struct sockaddr_in *)at->ai_addr)->sin_port = port;
		}
	}
}

/* Opens the addresses of one family that this machine has.  False: one of them failed. */
static bool open_family(struct http_sockets *sockets, const struct http_address *at,
	struct addrinfo *found, int family, struct err *err)
{
	for (; found && sockets->n < HTTP_SOCKETS_MAX; found = found->ai_next) {
		if (found->ai_family != family) {
			continue;
		}
		if (sockets->n > 0) {
			take_port(found, sockets->fds[0]);
		}
		int fd = open_one(at, found, err);
		if (fd >= 0) {
			sockets->fds[sockets->n++] = fd;
		} else if (err->sys != EADDRNOTAVAIL && err->sys != EAFNOSUPPORT) {
			return false;
		}
	}
	return true;
}

static bool open_name(struct http_sockets *sockets, const struct http_address *at, const char *name,
	struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found;
	int r = getaddrinfo(name, at->port, &hints, &found);
	if (r != 0) {
		return err_set(err, ERR_ARGUMENT, "cannot find the address of \"%s\": %s", at->host,
			gai_strerror(r));
	}
	bool opened = open_family(sockets, at, found, AF_INET, err) &&
		      open_family(sockets, at, found, AF_INET6, err);
	freeaddrinfo(found);
	return opened;
}

/* A name may have several addresses, and clients may use any.  localhost has two (RFC 6761),
 * regardless of the hosts file. */
static bool open_tcp(struct http_sockets *sockets, const struct http_address *at, struct err *err)
{
	bool is_local = strcmp(at->host, "localhost") == 0;
	return open_name(sockets, at, is_local ? "127.0.0.1" : at->host, err) &&
	       (!is_local || open_name(sockets, at, "::1", err)) && sockets->n > 0;
}

bool http_socket_remove_stale(const char *path, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	if (lstat(path, &st) < 0) {
		return errno == ENOENT || err_errno(err, "cannot examine %s", path);
	}
	if (!S_ISSOCK(st.st_mode) || strlen(path) >= sizeof(address.sun_path)) {
		return err_set(err, ERR_ARGUMENT,
			"%s exists and is not a socket; remove it or use another file", path);
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return err_errno(err, "cannot create a socket");
	}
	if (connect(fd, (const void *)&address, sizeof(address)) == 0 || errno != ECONNREFUSED) {
		return err_set(err, ERR_STATE,
			"%s is in use by another server; stop that server or use another file",
			path);
	}
	return unlink(path) == 0 || err_errno(err, "cannot remove the old socket %s", path);
}

static int open_unix(struct http_sockets *sockets, const char *path, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	memcpy(address.sun_path, path, strlen(path) + 1);
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode is set before the file exists, so others can never connect. */
	if (fd < 0 || fchmod(fd, 0600) < 0) {
		err_errno(err, "cannot create a unix socket");
		return -1;
	}
	if (!http_socket_remove_stale(path, err)) {
		return -1;
	}
	if (bind(fd, (const void *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0 ||
		lstat(path, &st) < 0) {
		err_errno(err, "cannot listen on %s", path);
		return -1;
	}
	memcpy(sockets->path, path, strlen(path) + 1);
	sockets->dev = st.st_dev;
	sockets->ino = st.st_ino;
	return take_fd(&fd);
}

static bool take_systemd(struct http_sockets *sockets, struct err *err)
{
	int n = sd_listen_fds(1);
	if (n <= 0) {
		return err_set(err, ERR_STATE,
			"received no socket from systemd; start this server from a .socket unit, or use "
			"an address");
	}
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		if (sockets->n == HTTP_SOCKETS_MAX ||
			sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
			return err_set(err, ERR_ARGUMENT,
				"socket %d from systemd must be a listening stream socket, and at "
				"most %d are supported",
				i + 1, HTTP_SOCKETS_MAX);
		}
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		tune(fd);
		sockets->fds[sockets->n++] = fd;
	}
	return true;
}

static bool open_them(struct http_sockets *sockets, const char *listen, struct err *err)
{
	struct http_address at;
	if (!http_address_parse(listen, &at, err)) {
		return false;
	}
	if (at.kind == HTTP_ADDRESS_SYSTEMD) {
		return take_systemd(sockets, err);
	}
	memcpy(sockets->host, at.host, sizeof(at.host));
	if (at.kind == HTTP_ADDRESS_TCP) {
		return open_tcp(sockets, &at, err);
	}
	int fd = open_unix(sockets, at.path, err);
	if (fd >= 0) {
		sockets->fds[sockets->n++] = fd;
	}
	return fd >= 0;
}

/* ---- checks ---- */

static bool check_reach(const struct sockaddr_storage *address, bool is_protected, struct err *err)
{
	char name[HTTP_NAME_MAX];
	if (is_protected || http_is_loopback(address)) {
		return true;
	}
	http_address_name(address, name);
	return err_set(err, ERR_ARGUMENT,
		"other machines could read the traffic of %s: use a certificate and its key, or "
		"declare a reverse proxy with TLS, or listen on 127.0.0.1",
		name);
}

static bool is_everywhere(const char *name)
{
	return strcmp(name, "0.0.0.0") == 0 || strcmp(name, "::") == 0;
}

static void report_url(
	struct http_sockets *sockets, const struct sockaddr_storage *address, bool tls)
{
	const char *path = ((const struct sockaddr_un *)address)->sun_path;
	char name[HTTP_NAME_MAX];
	if (address->ss_family == AF_UNIX) {
		snprintf(sockets->url, sizeof(sockets->url), "unix:%.107s", path);
		return;
	}
	http_address_name(address, name);
	if (is_everywhere(name)) {
		sockets->host[0] = '\0';
	} else if (sockets->host[0] == '\0') {
		memcpy(sockets->host, name, sizeof(name));
	}
	bool v6 = strchr(name, ':');
	snprintf(sockets->url, sizeof(sockets->url), "%s://%s%s%s:%u", tls ? "https" : "http",
		v6 ? "[" : "", name, v6 ? "]" : "", port_of(address));
}

static bool look(struct http_sockets *sockets, bool tls, bool is_protected, struct err *err)
{
	for (int i = 0; i < sockets->n; i++) {
		struct sockaddr_storage address = { 0 };
		socklen_t len = sizeof(address) - 1;
		if (getsockname(sockets->fds[i], (void *)&address, &len) < 0) {
			return err_errno(err, "cannot determine the address of a socket");
		}
		if (!check_reach(&address, is_protected, err)) {
			return false;
		}
		if (i == 0) {
			report_url(sockets, &address, tls);
		}
	}
	return true;
}

bool http_sockets_open(struct http_sockets *sockets, const char *listen, bool tls,
	bool is_protected, struct err *err)
{
	*sockets = (struct http_sockets){ 0 };
	if (!open_them(sockets, listen, err) || !look(sockets, tls, is_protected, err)) {
		http_sockets_close(sockets);
		return false;
	}
	return true;
}

void http_sockets_close(struct http_sockets *sockets)
{
	struct stat st;
	while (sockets->n > 0) {
		close(sockets->fds[--sockets->n]);
	}
	/* Another server may have replaced it. */
	if (sockets->path[0] && lstat(sockets->path, &st) == 0 && st.st_dev == sockets->dev &&
		st.st_ino == sockets->ino) {
		unlink(sockets->path);
	}
	sockets->path[0] = '\0';
}
