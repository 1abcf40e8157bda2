// USES transport
/* VNC viewers that are no browser, good and bad ones, on a unix socket; the desktop is a stand-in.
 */
#include "transport/rfb/vnc_server.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#define GREETING "RFB 003.008\n\1\1\0\0\0\0"
#define PATIENCE_MS 20000

static sd_event *event;
static struct vnc *vnc;
static char path[100];

/* The desktop, and what the handlers saw of the one viewer at a time. */
static struct fixture {
	struct vnc_viewer *viewer;
	struct buf got;
	size_t consumed, room;
	bool closed, gone;
} fixture;

static size_t pipe_write(void *pipe, const void *bytes, size_t len)
{
	struct fixture *d = pipe;
	size_t n = len < d->room ? len : d->room;
	buf_append(&d->got, bytes, n);
	d->room -= n;
	return n;
}

static void pipe_consumed(void *pipe, size_t len)
{
	((struct fixture *)pipe)->consumed += len;
}

static void pipe_close(void *pipe)
{
	((struct fixture *)pipe)->closed = true;
}

static const struct stream_pipe ops = { pipe_write, pipe_consumed, pipe_close };

static bool login(struct vnc_viewer *viewer, const char *name, const char *password,
	void **ret_data, void *data, struct err *err)
{
	cr_assert_eq(data, &fixture);
	if (strcmp(name, "ana") != 0 || strcmp(password, "secret") != 0) {
		return err_set(err, ERR_STATE, "not you");
	}
	fixture.viewer = viewer;
	*ret_data = &fixture;
	vnc_attach(viewer, &ops, &fixture);
	return true;
}

static void closed(void *data)
{
	cr_assert_eq(data, &fixture);
	fixture.gone = true;
}

static const struct vnc_handlers handlers = { login, closed };

/* ---- a viewer ---- */

static struct client {
	int fd;
	struct buf in;
	bool ended;
	sd_event_source *io;
} c;

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	static uint8_t bytes[65536];
	struct client *client = data;
	(void)source, (void)events;
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
	if (n <= 0) {
		client->ended = true;
		loop_drop(&client->io);
	} else {
		buf_append(&client->in, bytes, (size_t)n);
	}
	return 0;
}

static int too_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	*(bool *)data = true;
	return 0;
}

#define until(condition) \
	do { \
		bool late_ = false; \
		sd_event_source *timer_ = loop_after_ms(event, PATIENCE_MS, too_late, &late_); \
		while (!(condition) && !late_) { \
			sd_event_run(event, UINT64_MAX); \
		} \
		loop_drop(&timer_); \
		cr_assert(!late_, "never: " #condition); \
	} while (false)

static void dial(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	memcpy(to.sun_path, path, strlen(path) + 1);
	c = (struct client){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	cr_assert_eq(connect(c.fd, (const void *)&to, sizeof(to)), 0);
	c.io = loop_add_io(event, c.fd, EPOLLIN, on_readable, &c);
}

static void hang_up(void)
{
	loop_drop(&c.io);
	close(c.fd);
	buf_done(&c.in);
}

static void say(const char *bytes, size_t len)
{
	cr_assert_eq(send(c.fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

#define SAY(literal) say(literal, sizeof(literal) - 1)

/* The next bytes that come are these. */
static void expect(const char *bytes, size_t len)
{
	until(c.in.len >= len || c.ended);
	cr_assert_geq(c.in.len, len, "it was closed");
	cr_assert_eq(memcmp(c.in.data, bytes, len), 0);
	buf_consume(&c.in, len);
}

#define EXPECT(literal) expect(literal, sizeof(literal) - 1)

static void greet(void)
{
	dial();
	EXPECT("RFB 003.008\n");
	SAY("RFB 003.008\n");
	EXPECT("\1\23");
	SAY("\23");
	EXPECT("\0\2");
	SAY("\0\2");
	EXPECT("\0\2\0\0\1\3\0\0\1\0"); /* TLSPlain, Plain */
}

static void come_in(void)
{
	greet();
	SAY("\0\0\1\0"
	    "\0\0\0\3\0\0\0\6anasecret");
	EXPECT("\0\0\0\0");
	until(fixture.got.len >= 13);
	cr_assert_eq(memcmp(fixture.got.data, "RFB 003.008\n\1", 13), 0);
	buf_consume(&fixture.got, 13);
	SAY("\0");
	until(fixture.got.len == 1);
	buf_consume(&fixture.got, 1);
}

static void start(void)
{
	struct err err;
	snprintf(path, sizeof(path), "/tmp/vitrine-vnc-%d", getpid());
	char listen[128];
	snprintf(listen, sizeof(listen), "unix:%s", path);
	event = loop_new(&err);
	vnc = vnc_new(event, &(struct vnc_options){ .listen = listen }, &handlers, &fixture, &err);
	cr_assert(vnc, "%s", err.text);
	cr_assert_str_eq(vnc_address(vnc), listen);
	fixture.room = SIZE_MAX;
}

static void stop(void)
{
	vnc_free(vnc);
	sd_event_unref(event);
	buf_done(&fixture.got);
	cr_expect_eq(access(path, F_OK), -1);
}

TestSuite(vnc, .init = start, .fini = stop, .timeout = 60);

/* ---- tests ---- */

Test(vnc, who_comes_in_sees_the_desktop_and_is_heard)
{
	come_in();
	/* The desktop's own handshake is nothing to the viewer, however it is cut. */
	for (size_t i = 0; i < sizeof(GREETING) - 1; i += 3) {
		vnc_pipe_data(fixture.viewer, GREETING + i, 3);
	}
	vnc_pipe_data(fixture.viewer, "picture", 7);
	EXPECT("picture");
	until(fixture.consumed == sizeof(GREETING) - 1 + 7);
	SAY("\5\0\0\1\0\1\3\1\0\0\0\0\0\1\0\1");
	until(fixture.got.len == 16);
	cr_expect_eq(fixture.got.data[6], 3);
	fixture.got.len = 0;
	hang_up();
	until(fixture.gone);
	cr_expect(fixture.closed);
	cr_expect_eq(fixture.got.len, 0);
}

Test(vnc, who_is_refused_is_told_why)
{
	greet();
	SAY("\0\0\1\0"
	    "\0\0\0\3\0\0\0\5anafalse");
	EXPECT("\0\0\0\1\0\0\0\7not you");
	until(c.ended);
	hang_up();
	cr_expect_not(fixture.viewer);
}

Test(vnc, a_desktop_that_ends_closes_its_viewer_when_it_has_all)
{
	static char picture[300000];
	come_in();
	vnc_pipe_data(fixture.viewer, GREETING, sizeof(GREETING) - 1);
	for (int i = 0; i < 4; i++) {
		vnc_pipe_data(fixture.viewer, picture, sizeof(picture));
	}
	cr_expect_lt(fixture.consumed, sizeof(picture) * 4, "not yet taken");
	vnc_pipe_ended(fixture.viewer);
	until(c.ended);
	cr_expect_eq(c.in.len, sizeof(picture) * 4);
	until(fixture.gone);
	cr_expect_not(fixture.closed, "its end was told by the desktop");
	hang_up();
}

Test(vnc, a_desktop_that_takes_nothing_stops_the_viewer)
{
	come_in();
	fixture.room = 15;
	SAY("\3\1\0\0\0\0\0\1\0\1\3\1\0\0\0\0\0\1\0\1\3\1\0\0\0\0\0\1\0\1");
	until(fixture.got.len == 15);
	SAY("\3\1\0\0\0\0\0\1\0\1");
	fixture.room = SIZE_MAX;
	vnc_pipe_writable(fixture.viewer);
	until(fixture.got.len == 40);
	vnc_kick(fixture.viewer);
	cr_expect(fixture.closed);
	until(fixture.gone && c.ended);
	hang_up();
}

Test(vnc, a_viewer_that_goes_while_it_is_stopped_is_let_go)
{
	come_in();
	fixture.room = 0;
	SAY("\3\1\0\0\0\0\0\1\0\1");
	hang_up();
	until(fixture.gone);
}

static void expect_closed(const char *what)
{
	until(c.ended);
	cr_expect_not(fixture.viewer, "%s", what);
	hang_up();
}

Test(vnc, those_who_break_the_rules_are_closed)
{
	dial();
	SAY("GET / HTTP/1.1\r\n\r\n");
	expect_closed("another protocol");
	dial();
	SAY("RFB 003.003\n");
	expect_closed("another version");
	dial();
	SAY("RFB 003.008\n\1");
	expect_closed("None, which was not offered");
	dial();
	SAY("RFB 003.008\n\23\0\1");
	expect_closed("another VeNCrypt");
	greet();
	SAY("\0\0\1\1");
	expect_closed("TLS without a password");
	greet();
	SAY("\0\0\1\6");
	expect_closed("a certificate that there is not");
	greet();
	SAY("\0\0\1\0\377\377\377\377\0\0\0\1");
	expect_closed("a name without end");
	greet();
	SAY("\0\0\1\0\0\0\0\0\0\0\0\0");
	expect_closed("neither name nor password");
	greet();
	SAY("\0\0\1\3"
	    "\0\0\0\3\0\0\0\6anasecret");
	expect_closed("a password before TLS");
	greet();
	SAY("\0\0\1\3");
	EXPECT("\1");
	SAY("this is no TLS at all, however long it may become");
	expect_closed("no TLS");
}

/* Those who never log in: the oldest makes room, and who did log in stays. */
Test(vnc, who_does_not_log_in_keeps_nobody_out)
{
	static int fds[2 * VNC_VIEWERS_MAX];
	char byte;
	come_in();
	struct client first = c;
	loop_drop(&first.io);
	for (int i = 0; i < 2 * VNC_VIEWERS_MAX; i++) {
		dial();
		EXPECT("RFB 003.008\n");
		loop_drop(&c.io);
		buf_done(&c.in);
		fds[i] = c.fd;
	}
	cr_expect_eq(recv(fds[0], &byte, 1, MSG_DONTWAIT), 0, "the oldest was closed");
	int newest = fds[2 * VNC_VIEWERS_MAX - 1];
	cr_expect(recv(newest, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	cr_expect(recv(first.fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	cr_expect_not(fixture.gone);
	fixture.got.len = 0;
	come_in();
	cr_expect_not(fixture.gone);
	hang_up();
	close(first.fd);
	buf_done(&first.in);
	for (int i = 0; i < 2 * VNC_VIEWERS_MAX; i++) {
		close(fds[i]);
	}
}

Test(vnc, so_many_and_no_more)
{
	static int fds[VNC_VIEWERS_MAX];
	for (int i = 0; i < VNC_VIEWERS_MAX; i++) {
		fixture.got.len = 0;
		come_in();
		loop_drop(&c.io);
		buf_done(&c.in);
		fds[i] = c.fd;
	}
	dial();
	until(c.ended);
	cr_expect_eq(c.in.len, 0);
	hang_up();
	for (int i = 0; i < VNC_VIEWERS_MAX; i++) {
		close(fds[i]);
	}
}

/* The listener stays readable all the time, and must not be asked all the time. */
Test(vnc, without_descriptors_connections_wait)
{
	struct rlimit limit, was;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), turns = 0;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	sd_event_run(event, 0);
	memcpy(to.sun_path, path, strlen(path) + 1);
	cr_assert_eq(connect(fd, (const void *)&to, sizeof(to)), 0);
	getrlimit(RLIMIT_NOFILE, &was);
	limit = was;
	limit.rlim_cur = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	while (sd_event_run(event, 0) > 0 && turns < 100) {
		turns++;
	}
	setrlimit(RLIMIT_NOFILE, &was);
	cr_expect_lt(turns, 100, "the loop has nothing to do");
	c = (struct client){ .fd = fd };
	c.io = loop_add_io(event, c.fd, EPOLLIN, on_readable, &c);
	EXPECT("RFB 003.008\n"); /* it was taken later */
	hang_up();
}

/* ---- TLS ---- */

static ssize_t pull(gnutls_session_t tls, uint8_t *to, size_t len)
{
	ssize_t n;
	while ((n = gnutls_record_recv(tls, to, len)) == GNUTLS_E_AGAIN) {
		sd_event_run(event, 10000);
	}
	return n;
}

Test(vnc, what_is_said_inside_tls_is_the_same)
{
	gnutls_session_t tls;
	gnutls_anon_client_credentials_t none;
	uint8_t got[64];
	greet();
	SAY("\0\0\1\3");
	EXPECT("\1");
	loop_drop(&c.io);
	gnutls_anon_allocate_client_credentials(&none);
	gnutls_init(&tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	gnutls_priority_set_direct(tls, "NORMAL:-VERS-ALL:+VERS-TLS1.2:+ANON-ECDH:+ANON-DH", NULL);
	gnutls_credentials_set(tls, GNUTLS_CRD_ANON, none);
	gnutls_transport_set_int(tls, c.fd);
	cr_assert_eq(fcntl(c.fd, F_SETFL, O_NONBLOCK), 0);
	int r;
	while ((r = gnutls_handshake(tls)) == GNUTLS_E_AGAIN) {
		sd_event_run(event, 10000);
	}
	cr_assert_eq(r, GNUTLS_E_SUCCESS, "%s", gnutls_strerror(r));
	gnutls_record_send(tls, "\0\0\0\3\0\0\0\6anasecret\1", 18);
	cr_assert_eq(pull(tls, got, 4), 4);
	cr_expect_eq(memcmp(got, "\0\0\0\0", 4), 0);
	until(fixture.got.len == 14);
	vnc_pipe_data(
		fixture.viewer, GREETING "secret picture", sizeof(GREETING "secret picture") - 1);
	cr_assert_eq(pull(tls, got, sizeof(got)), 14);
	cr_expect_eq(memcmp(got, "secret picture", 14), 0);
	gnutls_deinit(tls);
	gnutls_anon_free_client_credentials(none);
	hang_up();
	until(fixture.gone);
}
