/* The sockets between the server and a QEMU. */

#include "vm/microvm/sockets.h"

#include "base/cleanup.h"
#include "vm/state/state.h"
#include "vm/wire/link.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

static const char *const files[SOCKETS] = { "qmp", "link", "console" };

void sockets_done(struct sockets *s)
{
	cleanup_close(&s->dir);
	for (size_t i = 0; i < SOCKETS; i++) {
		cleanup_close(&s->listening[i]);
		cleanup_close(&s->connected[i]);
	}
}

static bool open_dir(struct sockets *s, const char *dir, struct err *err)
{
	if (s->dir < 0) {
		s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return s->dir >= 0 || err_errno(err, "cannot open %s", dir);
}

static int new_socket(struct sockets *s, size_t i, struct sockaddr_un *ret_address)
{
	state_socket_address(s->dir, files[i], ret_address);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Does not wait: a QEMU that no longer accepts connections counts as gone. */
bool sockets_connect(struct sockets *s, const char *dir, size_t i, struct err *err)
{
	struct sockaddr_un address;
	if (!open_dir(s, dir, err)) {
		return false;
	}
	s->connected[i] = new_socket(s, i, &address);
	if (s->connected[i] < 0 ||
		connect(s->connected[i], (struct sockaddr *)&address, sizeof(address)) < 0) {
		return err_errno(err, "cannot connect to %s/%s", dir, files[i]);
	}
	if (i == SOCKET_LINK) {
		link_enlarge_buffer(s->connected[i]);
	}
	return true;
}

bool sockets_make(struct sockets *s, const char *dir, struct err *err)
{
	struct sockaddr_un address;
	if (!open_dir(s, dir, err)) {
		return false;
	}
	for (size_t i = 0; i < SOCKETS; i++) {
		unlinkat(s->dir, files[i], 0);
		s->listening[i] = new_socket(s, i, &address);
		if (s->listening[i] < 0 ||
			bind(s->listening[i], (struct sockaddr *)&address, sizeof(address)) < 0 ||
			listen(s->listening[i], 1) < 0) {
			return err_errno(err, "cannot create the socket %s/%s", dir, files[i]);
		}
	}
	link_enlarge_buffer(s->listening[SOCKET_LINK]); /* accepted connections inherit this */
	for (size_t i = 0; i < SOCKETS; i++) {
		if (!sockets_connect(s, dir, i, err)) {
			return false;
		}
	}
	return true;
}
