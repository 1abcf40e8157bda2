// USES transport PkgConfig::curl
/* How many connections there may be, and who makes room for others. */
#include "tests/support/http_fixture.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

/* A request that is being worked on. */
static int open_held(struct fixture *f, const char *token)
{
	char head[300];
	int fd = raw_open(f), held = f->n_held;
	snprintf(head, sizeof(head),
		"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
		"Content-Type: application/json\r\nContent-Length: 4\r\n\r\nhold",
		token);
	raw_send(f, fd, head);
	until(f, f->n_held == held + 1);
	return fd;
}

Test(http_caps, a_connection_too_many_is_told)
{
	struct fixture f = { 0 };
	int fds[3];
	struct reply r;
	fixture_begin_with(&f, &(struct http_options){ .max_connections = 3 });
	for (int i = 0; i < 3; i++) {
		fds[i] = open_held(&f, "alices-token");
	}
	fetch(&f, &(struct ask){ .body = "{}" }, &r);
	cr_expect_eq(r.status, 503);
	cr_expect(has(&r.head, "Retry-After: 1\r\n"));
	ask_end(&f, &r);
	cr_expect_eq(http_counts(f.http)->rejected_busy, 1);
	cr_expect_eq(f.closed, 0, "what is being worked on is not given up for it");
	close(fds[0]);
	until(&f, http_counts(f.http)->connections < 3);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200);
	close(fds[1]);
	close(fds[2]);
	fixture_end(&f);
}

Test(http_caps, the_server_never_holds_many_more_than_its_cap)
{
	struct fixture f = { 0 };
	static int fds[150];
	fixture_begin_with(&f, &(struct http_options){ .max_connections = 10 });
	unsigned most = 0;
	for (int i = 0; i < 150; i++) {
		fds[i] = raw_open(&f);
		fixture_turn(&f);
		unsigned now = http_counts(f.http)->connections;
		most = now > most ? now : most;
	}
	cr_expect_leq(most, 10 + 64);
	until(&f, http_counts(f.http)->connections <= 10);
	for (int i = 0; i < 150; i++) {
		close(fds[i]);
	}
	until(&f, http_counts(f.http)->connections == 0);
	fixture_end(&f);
}

static void answer_ok(struct http_exchange *x, void *data)
{
	(void)data;
	http_reply(x, 200, NULL, NULL, 0);
}

/* The ways to hold a connection without a token: nothing, half a head, a request that was answered,
 * the body of one that is refused.  None of them keeps anybody out. */
Test(http_caps, idle_connections_without_a_token_make_room)
{
	static const char *const ways[] = { "", "GET /open HTTP/1.1\r\nHost: loc",
		"GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n" };
	for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
		struct fixture f = { 0 };
		auto_buf struct buf got = { 0 };
		int idle[40];
		fixture_begin_with(&f, &(struct http_options){ .max_connections = 8 });
		http_add_route(f.http,
			&(struct http_route){ .path = "/open", .open = true, .run = answer_ok });
		int held = open_held(&f, "alices-token"), known = raw_open(&f);
		raw_send(&f, known, RAW_POST "Content-Length: 2\r\n\r\n{}");
		raw_until(&f, known, &got, "200 OK");
		for (int i = 0; i < 40; i++) {
			idle[i] = raw_open(&f);
			raw_send(&f, idle[i], ways[way]);
			fixture_turn(&f);
		}
		fixture_settle(&f);
		cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200, "way %zu", way);
		cr_expect_not(raw_read(known, &got), "who had a token before stays");
		cr_expect_not(raw_read(idle[39], &got), "the newest stays");
		cr_expect(raw_read(idle[0], &got), "the oldest goes");
		cr_expect_eq(f.closed, 2, "what is being worked on stays: %d", f.closed);
		cr_expect_eq(http_counts(f.http)->rejected_busy, 0);
		for (int i = 0; i < 40; i++) {
			close(idle[i]);
		}
		close(known);
		close(held);
		fixture_end(&f);
	}
}

/* Idle is idle: also those who had a token make room for a new one, when no others are there. */
Test(http_caps, idle_connections_with_a_token_make_room_last)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	int fds[4];
	fixture_begin_with(&f, &(struct http_options){ .max_connections = 4 });
	for (int i = 0; i < 4; i++) {
		fds[i] = raw_open(&f);
		raw_send(&f, fds[i], RAW_POST "Content-Length: 2\r\n\r\n{}");
		got.len = 0;
		raw_until(&f, fds[i], &got, "200 OK");
	}
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}", .token = "bobs-token" }), 200);
	cr_expect(raw_read(fds[0], &got), "the one that has been idle longest");
	cr_expect_not(raw_read(fds[1], &got));
	for (int i = 0; i < 4; i++) {
		close(fds[i]);
	}
	fixture_end(&f);
}

Test(http_caps, one_principal_leaves_room_for_others)
{
	struct fixture f = { 0 };
	struct reply r;
	int fds[6];
	fixture_begin_with(&f, &(struct http_options){ .max_connections = 8 });
	for (int i = 0; i < 6; i++) {
		fds[i] = open_held(&f, "alices-token");
	}
	fetch(&f, &(struct ask){ .body = "{}" }, &r);
	cr_expect_eq(r.status, 429);
	cr_expect(has(&r.head, "Retry-After: 1\r\n") && has(&r.body, "close some"));
	ask_end(&f, &r);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}", .token = "bobs-token" }), 200);
	close(fds[0]);
	until(&f, f.closed == 2);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200);
	for (int i = 1; i < 6; i++) {
		close(fds[i]);
	}
	fixture_end(&f);
}

/* The client's own end; on this machine all others count as one. */
static int open_from(struct fixture *f, const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(f->port, NULL, 10)),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in from = { .sin_family = AF_INET };
	cr_assert_eq(inet_pton(AF_INET, address, &from.sin_addr), 1);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(fd, (void *)&from, sizeof(from)), 0);
	cr_assert_eq(connect(fd, (void *)&to, sizeof(to)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* A network of its own, where 192.0.2.1 and 192.0.2.2 are this machine's. */
static bool have_addresses(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		return false;
	}
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < 3; i++) {
		static const char *const own[] = { "127.0.0.1", "192.0.2.1", "192.0.2.2" };
		struct ifreq request = { 0 };
		struct sockaddr_in *address = (void *)&request.ifr_addr;
		snprintf(request.ifr_name, sizeof(request.ifr_name), i ? "lo:%d" : "lo", i);
		address->sin_family = AF_INET;
		inet_pton(AF_INET, own[i], &address->sin_addr);
		if (ioctl(fd, SIOCSIFADDR, &request) < 0) {
			return false;
		}
		request.ifr_flags = IFF_UP | IFF_RUNNING;
		if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) {
			return false;
		}
	}
	return true;
}

Test(http_caps, a_cap_for_each_address)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	if (!have_addresses()) {
		cr_skip_test("a network of its own cannot be had here");
	}
	fixture_begin_with(&f, &(struct http_options){ .max_connections_per_address = 2 });
	int fds[3];
	for (int i = 0; i < 2; i++) {
		fds[i] = open_from(&f, "192.0.2.1");
		raw_send(&f, fds[i], RAW_POST "Content-Length: 4\r\n\r\nhold");
		until(&f, f.n_held == i + 1);
	}
	fds[2] = open_from(&f, "192.0.2.1");
	raw_send(&f, fds[2], RAW_POST "Content-Length: 2\r\n\r\n{}");
	raw_until(&f, fds[2], &got, "HTTP/1.1 503 ");
	int other = open_from(&f, "192.0.2.2");
	got.len = 0;
	raw_send(&f, other, RAW_POST "Content-Length: 2\r\n\r\n{}");
	raw_until(&f, other, &got, "200 OK");
	close(other);
	int local[4];
	for (int i = 0; i < 4; i++) {
		local[i] = open_held(&f, "alices-token");
	}
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200,
		"on this machine one address is many clients");
	for (int i = 0; i < 4; i++) {
		close(local[i]);
	}
	for (int i = 0; i < 3; i++) {
		close(fds[i]);
	}
	fixture_end(&f);
}

/* Leaves the process no descriptor but those it has, and one for the client. */
Test(http_caps, without_descriptors_connections_wait)
{
	struct fixture f = { 0 };
	struct rlimit limit, was;
	auto_buf struct buf got = { 0 };
	fixture_begin(&f);
	fixture_turn(&f);
	int fd = raw_open(&f);
	getrlimit(RLIMIT_NOFILE, &was);
	limit = was;
	limit.rlim_cur = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	fixture_settle(&f);
	setrlimit(RLIMIT_NOFILE, &was); /* before Criterion needs one itself */
	cr_expect_eq(http_counts(f.http)->connections, 0);
	raw_send(&f, fd, RAW_POST "Content-Length: 2\r\n\r\n{}");
	raw_until(&f, fd, &got, "200 OK");
	close(fd);
	fixture_end(&f);
}
