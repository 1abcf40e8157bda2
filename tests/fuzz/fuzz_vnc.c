// USES transport
/*
 * What a hostile viewer sends to the VNC listener, TLS included, in one piece or (odd lengths) byte
 * by byte in its greeting.  Everybody may come in; the desktop answers with what it is told.
 */
#include "transport/rfb/vnc_server.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define SLOWLY 48 /* bytes */

static sd_event *event;
static struct vnc *vnc;
static struct vnc_viewer *viewer;
static char path[64];
static int come_in, gone;

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static size_t pipe_write(void *pipe, const void *bytes, size_t len)
{
	(void)pipe;
	(void)bytes;
	return len - len / 3; /* never quite all of more than a few */
}

static void pipe_consumed(void *pipe, size_t len)
{
	(void)pipe;
	(void)len;
}

static void pipe_close(void *pipe)
{
	(void)pipe;
}

static const struct stream_pipe ops = { pipe_write, pipe_consumed, pipe_close };

static bool login(struct vnc_viewer *who, const char *name, const char *password, void **ret_data,
	void *data, struct err *err)
{
	(void)data;
	if (strcmp(name, password) == 0) {
		return err_set(err, ERR_STATE, "no");
	}
	come_in++;
	viewer = who;
	*ret_data = &gone;
	vnc_attach(who, &ops, &gone);
	return true;
}

static void closed(void *data)
{
	check(data == &gone);
	viewer = NULL;
	gone++;
}

static const struct vnc_handlers handlers = { login, closed };

static void settle(void)
{
	while (sd_event_run(event, 0) > 0) {
	}
}

static void begin(void)
{
	struct err err;
	char listen[80];
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(path, sizeof(path), "/tmp/vitrine-fuzz-vnc-%d", getpid());
	snprintf(listen, sizeof(listen), "unix:%s", path);
	event = loop_new(&err);
	vnc = vnc_new(event, &(struct vnc_options){ .listen = listen }, &handlers, NULL, &err);
	check(vnc);
}

static void end(void)
{
	vnc_free(vnc);
	sd_event_unref(event);
}

static int dial(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	memcpy(to.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	check(connect(fd, (const void *)&to, sizeof(to)) == 0);
	settle();
	return fd;
}

/* The desktop speaks, wants more, or ends, by what the viewer sent last. */
static void answer(uint8_t last)
{
	if (viewer && last % 4 == 0) {
		vnc_pipe_data(viewer, "RFB 003.008\n\1\1\0\0\0\0picture", 25);
	} else if (viewer && last % 4 == 1) {
		vnc_pipe_writable(viewer);
	} else if (viewer && last % 4 == 2) {
		vnc_pipe_ended(viewer);
	}
	settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (!vnc) {
		begin();
		atexit(end);
	}
	come_in = gone = 0;
	int fd = dial();
	for (size_t at = 0; at < len;) {
		size_t n = len % 2 && at < SLOWLY ? 1 : len - at;
		ssize_t sent = send(fd, bytes + at, n, MSG_NOSIGNAL);
		if (sent <= 0) {
			break;
		}
		at += (size_t)sent;
		settle();
	}
	answer(len > 0 ? bytes[len - 1] : 0);
	close(fd);
	settle();
	check(gone == come_in && come_in <= 1);
	return 0;
}
