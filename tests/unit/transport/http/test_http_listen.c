// USES transport PkgConfig::curl
/* Where the server listens, and when it does no more. */
#include "tests/support/http_fixture.h"

#include <sys/stat.h>

static void expect_refused(const struct http_options *how, const char *because)
{
	struct err err = { 0 };
	struct http_options options = *how;
	sd_event *event = loop_new(&err);
	options.authorize = fixture_authorize;
	cr_expect_null(http_new(event, &options, &err));
	cr_expect(strstr(err.text, because), "%s", err.text);
	sd_event_unref(event);
}

Test(http_listen, others_need_tls_or_a_proxy)
{
	expect_refused(&(struct http_options){ .listen = "0.0.0.0:0" }, "certificate");
	expect_refused(&(struct http_options){ .listen = "[::]:0" }, "listen on 127.0.0.1");
	expect_refused(&(struct http_options){ .listen = "127.0.0.1" }, "HOST:PORT");
	expect_refused(&(struct http_options){ .listen = "127.0.0.1:0", .tls_cert = "/x" },
		"one of the two is missing");
	expect_refused(
		&(struct http_options){
			.listen = "127.0.0.1:0", .tls_cert = "/none", .tls_key = "/none" },
		"/none");
	expect_refused(&(struct http_options){ .listen = "127.0.0.1:0",
			       .tls_cert = "/etc/passwd",
			       .tls_key = "/etc/passwd" },
		"cannot start the HTTP server");
	expect_refused(&(struct http_options){ .listen = "systemd" }, "systemd");
	expect_refused(
		&(struct http_options){ .listen = "127.0.0.1:0", .allow_hosts = "a/b" }, "\"a/b\"");
	struct fixture f = { 0 };
	fixture_begin_with(
		&f, &(struct http_options){ .listen = "0.0.0.0:0", .behind_proxy = true });
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .body = "{}", .headers = { "Host: 0.0.0.0" } }), 403);
	fixture_end(&f);
}

/* localhost is of IPv4 and of IPv6, and a client takes the one it likes. */
Test(http_listen, a_name_with_two_addresses)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	auto_close int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fixture_begin_with(&f, &(struct http_options){ .listen = "localhost:0" });
	cr_expect_eq(strncmp(http_url(f.http), "http://127.0.0.1:", 17), 0);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 200);
	if (fd >= 0 && bind(fd, (void *)&to, sizeof(to)) == 0) {
		to.sin6_port = htons((uint16_t)strtoul(f.port, NULL, 10));
		cr_expect_eq(connect(fd, (void *)&to, sizeof(to)), 0);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		raw_send(&f, fd, RAW_POST "Content-Length: 2\r\n\r\n{}");
		raw_until(&f, fd, &got, "200 OK");
	}
	fixture_end(&f);
}

Test(http_listen, a_port_in_use_is_named)
{
	struct fixture f = { 0 };
	fixture_begin(&f);
	char at[40];
	snprintf(at, sizeof(at), "127.0.0.1:%s", f.port);
	expect_refused(&(struct http_options){ .listen = at }, f.port);
	cr_expect_eq(strncmp(http_url(f.http), "http://127.0.0.1:", 17), 0);
	fixture_end(&f);
}

static void set_idle(void *data)
{
	*(bool *)data = true;
}

Test(http_listen, no_new_connections_when_told)
{
	struct fixture f = { 0 };
	struct reply r;
	fixture_begin(&f);
	ask_begin(&f, &(struct ask){ .body = "hold" }, &r);
	curl_easy_setopt(r.easy, CURLOPT_PRIVATE, &r);
	until(&f, f.n_held == 1);
	http_stop_listening(f.http);
	bool idle = false;
	http_on_idle(f.http, set_idle, &idle);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}" }), 0);
	cr_expect_not(idle);
	f.held[0]->transport->finish(f.held[0], "{}", 2);
	until(&f, is_done(&f, &r));
	cr_expect_eq(r.status, 200);
	until(&f, idle);
	idle = false;
	http_on_idle(f.http, set_idle, &idle);
	cr_expect_not(idle, "not from inside the call");
	until(&f, idle);
	ask_end(&f, &r);
	fixture_end(&f);
}

Test(http_listen, unix_socket)
{
	struct fixture f = { 0 };
	struct stat st;
	char dir[] = "/tmp/vitrine-test-XXXXXX", listen[160], path[60];
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/http.sock", dir);
	snprintf(listen, sizeof(listen), "unix:%s", path);
	fixture_begin_with(
		&f, &(struct http_options){ .listen = listen, .max_connections_per_address = 1 });
	cr_expect_str_eq(http_url(f.http), listen);
	cr_expect_eq(lstat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	struct reply held;
	ask_begin(&f, &(struct ask){ .body = "hold", .unix_path = path }, &held);
	until(&f, f.n_held == 1);
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}",
					   .unix_path = path,
					   .headers = { "Host: any.name" } }),
		200);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .body = "{}", .unix_path = path, .token = "" }), 401);
	expect_refused(&(struct http_options){ .listen = listen }, "in use by another server");
	cr_expect_eq(lstat(path, &st), 0, "it is still there");
	ask_end(&f, &held);
	until(&f, f.closed == f.opened);
	fixture_end(&f);
	cr_expect_neq(lstat(path, &st), 0, "and is gone with the server");
	rmdir(dir);
}

Test(http_listen, an_old_unix_socket_is_replaced_but_no_other_file)
{
	char dir[] = "/tmp/vitrine-test-XXXXXX", listen[160];
	cr_assert(mkdtemp(dir));
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/http.sock", dir);
	snprintf(listen, sizeof(listen), "unix:%s", at.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(fd, (void *)&at, sizeof(at)), 0);
	close(fd); /* as after SIGKILL: the file stays */
	struct fixture f = { 0 };
	fixture_begin_with(&f, &(struct http_options){ .listen = listen });
	cr_expect_eq(status_of(&f, &(struct ask){ .body = "{}", .unix_path = at.sun_path }), 200);
	unlink(at.sun_path);
	fd = open(at.sun_path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	fixture_end(&f);
	cr_expect_eq(access(at.sun_path, F_OK), 0, "what another put there is left alone");
	expect_refused(&(struct http_options){ .listen = listen }, "is not a socket");
	cr_expect_eq(access(at.sun_path, F_OK), 0);
	close(fd);
	unlink(at.sun_path);
	rmdir(dir);
}

Test(http_listen, systemd_socket)
{
	struct fixture f = { 0 };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	char pid[20];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(bind(fd, (void *)&at, sizeof(at)) == 0 && listen(fd, 10) == 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_PID", pid, 1);
	int was = fcntl(3, F_DUPFD_CLOEXEC, 100); /* Criterion's: it must not notice */
	dup2(fd, 3);
	fixture_begin_with(&f, &(struct http_options){ .listen = "systemd" });
	long status = status_of(&f, &(struct ask){ .body = "{}" });
	fixture_end(&f);
	if (was >= 0) {
		dup2(was, 3);
		close(was);
	}
	close(fd);
	cr_expect_eq(status, 200);
	cr_expect_null(getenv("LISTEN_FDS"), "children must not believe it is theirs");
}
