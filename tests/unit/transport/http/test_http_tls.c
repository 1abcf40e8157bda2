// USES transport PkgConfig::curl PkgConfig::gnutls
/* The same over TLS, with a certificate made here. */
#include "tests/support/http_upload.h"
#include "tests/support/tls_certificate.h"

static void begin_tls(struct fixture *f, const char *listen)
{
	char dir[] = "/tmp/vitrine-test-XXXXXX", cert[60], key[60];
	cr_assert(mkdtemp(dir));
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	make_certificate(cert, key);
	fixture_begin_with(f, &(struct http_options){ .listen = listen,
				      .tls_cert = cert,
				      .tls_key = key,
				      .max_body = 1000000,
				      .max_connections = 4,
				      .header_timeout_ms = 500 });
	unlink(cert);
	unlink(key);
	rmdir(dir);
}

Test(http_tls, requests_streams_and_refusals)
{
	struct fixture f = { 0 };
	static char big[2000000];
	struct reply r;
	memset(big, 'x', sizeof(big));
	begin_tls(&f, "0.0.0.0:0"); /* with TLS, others may connect */
	cr_expect_eq(strncmp(http_url(f.http), "https://", 8), 0);
	struct ask ask = { .scheme = "https", .body = big, .body_len = 900000 };
	fetch(&f, &ask, &r);
	cr_expect_eq(r.status, 200);
	cr_expect_eq(r.body.len, 900000);
	ask_end(&f, &r);
	ask.body_len = sizeof(big);
	cr_expect_eq(status_of(&f, &ask), 413);
	cr_expect_eq(
		status_of(&f, &(struct ask){ .scheme = "https", .body = "{}", .token = "" }), 401);
	ask_begin(&f, &(struct ask){ .scheme = "https", .method = "GET" }, &r);
	until(&f, f.conn && has(&r.head, "text/event-stream"));
	f.conn->transport->send(f.conn, "{\"n\":1}", 7);
	until(&f, has(&r.body, "{\"n\":1}"));
	fixture_settle(&f);
	f.conn->transport->send(f.conn, "{\"n\":2}", 7);
	until(&f, has(&r.body, "{\"n\":2}"));
	int closed = f.closed;
	ask_end(&f, &r);
	until(&f, f.closed == closed + 1);
	fixture_end(&f);
}

static void run_download(struct http_exchange *x, void *data)
{
	const struct buf *body = data;
	bool known = http_query(x, "known");
	http_stream_begin(x, 200, NULL, known ? (int64_t)body->len : -1);
	http_stream_write(x, body->data, body->len);
	http_stream_end(x);
}

Test(http_tls, bodies_and_responses_in_parts)
{
	static char big[2000000];
	struct fixture f = { 0 };
	struct buf body = { (uint8_t *)big, sizeof(big), 0 };
	struct upload u = { .room = 100000 };
	struct echo echo = { .length = -1 };
	struct reply r;
	memset(big, 'x', sizeof(big));
	begin_tls(&f, "127.0.0.1:0");
	upload_route(&f, &u);
	http_add_route(f.http,
		&(struct http_route){ .path = "/down", .run = run_download, .data = &body });
	struct ask up = { .scheme = "https", .path = "/up", .body = big, .body_len = sizeof(big) };
	for (int i = 0; i < 2; i++) {
		fetch(&f, &(struct ask){ .scheme = "https", .path = i ? "/down?known" : "/down" },
			&r);
		cr_expect(r.result == CURLE_OK && r.body.len == sizeof(big));
		ask_end(&f, &r);
	}
	ask_begin(&f, &up, &r);
	curl_easy_setopt(r.easy, CURLOPT_PRIVATE, &r);
	until(&f, u.got.len == 100000);
	fixture_settle(&f);
	cr_expect_eq(sd_event_run(f.event, 0), 0, "nothing happens while it waits");
	upload_more(&u, SIZE_MAX / 2);
	until(&f, is_done(&f, &r));
	cr_expect_str_eq(buf_text(&r.body), "2000000 bytes");
	ask_end(&f, &r);
	up.path = "/echo";
	echo_route(&f, &echo);
	fetch(&f, &up, &r);
	cr_expect(
		r.result == CURLE_OK && r.body.len == sizeof(big), "%d %zu", r.result, r.body.len);
	ask_end(&f, &r);
	up.path = "/up";
	u.early_at = u.got.len + 1;
	fetch(&f, &up, &r);
	cr_expect_eq(r.status, 507, "%d", r.result);
	cr_expect_str_eq(buf_text(&r.body), "full");
	ask_end(&f, &r);
	until(&f, u.closed == u.began);
	fixture_end(&f);
	buf_done(&u.got);
}

Test(http_tls, a_client_that_leaves_while_it_waits)
{
	struct fixture f = { 0 };
	struct reply r;
	begin_tls(&f, "127.0.0.1:0");
	ask_begin(&f, &(struct ask){ .scheme = "https", .body = "hold" }, &r);
	until(&f, f.n_held == 1);
	ask_end(&f, &r);
	until(&f, f.closed == 1);
	until(&f, http_counts(f.http)->connections == 0);
	fixture_end(&f);
}

Test(http_tls, no_handshake_and_a_slow_one)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 };
	begin_tls(&f, "127.0.0.1:0");
	int plain = raw_open(&f);
	raw_send(&f, plain, RAW_POST "Content-Length: 2\r\n\r\n{}");
	raw_until_closed(&f, plain, &got);
	cr_expect_not(has(&got, "200 OK"));
	int silent = raw_open(&f);
	raw_send_len(&f, silent, "\x16\x03", 2);
	fixture_settle(&f);
	int busy = 0;
	for (int i = 0; i < 100; i++) {
		busy += sd_event_run(f.event, 1000) > 0;
	}
	cr_expect_lt(busy, 50, "the loop sleeps while it waits");
	raw_until_closed(&f, silent, &got);
	close(plain);
	close(silent);
	cr_expect_eq(f.opened, 0);
	fixture_end(&f);
}

Test(http_tls, a_connection_too_many_is_told)
{
	struct fixture f = { 0 };
	int fds[4];
	begin_tls(&f, "127.0.0.1:0");
	for (int i = 0; i < 4; i++) {
		fds[i] = raw_open(&f);
	}
	until(&f, http_counts(f.http)->connections == 4);
	cr_expect_eq(status_of(&f, &(struct ask){ .scheme = "https", .body = "{}" }), 200,
		"those that never began to speak make room");
	struct reply held[3];
	for (int i = 0; i < 3; i++) {
		ask_begin(&f, &(struct ask){ .scheme = "https", .body = "hold" }, &held[i]);
		until(&f, f.n_held == i + 1);
	}
	struct reply bobs;
	ask_begin(&f, &(struct ask){ .scheme = "https", .body = "hold", .token = "bobs-token" },
		&bobs);
	until(&f, f.n_held == 4);
	cr_expect_eq(status_of(&f, &(struct ask){ .scheme = "https", .body = "{}" }), 503);
	for (int i = 0; i < 3; i++) {
		ask_end(&f, &held[i]);
	}
	ask_end(&f, &bobs);
	for (int i = 0; i < 4; i++) {
		close(fds[i]);
	}
	fixture_end(&f);
}

static gnutls_session_t tls;
static gnutls_certificate_credentials_t none;
static int tls_fd;

/* The result of a handshake in this version alone. */
static int shake_hands(struct fixture *f, const char *version)
{
	char priority[80];
	int r;
	tls_fd = raw_open(f);
	snprintf(priority, sizeof(priority), "NORMAL:-VERS-ALL:+VERS-%s", version);
	gnutls_certificate_allocate_credentials(&none);
	gnutls_init(&tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	cr_assert_eq(gnutls_priority_set_direct(tls, priority, NULL), GNUTLS_E_SUCCESS);
	gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, none);
	gnutls_transport_set_int(tls, tls_fd);
	while ((r = gnutls_handshake(tls)) == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED) {
		fixture_turn(f);
	}
	return r;
}

static void hang_up(void)
{
	gnutls_deinit(tls);
	gnutls_certificate_free_credentials(none);
	close(tls_fd);
}

static int try_version(struct fixture *f, const char *version)
{
	int r = shake_hands(f, version);
	hang_up();
	return r;
}

static void tls_until(struct fixture *f, struct buf *got, const char *text)
{
	char bytes[4096];
	ssize_t n = 0;
	until(f, has(got, text))
	{
		n = gnutls_record_recv(tls, bytes, sizeof(bytes));
		if (n > 0) {
			buf_append(got, bytes, (size_t)n);
		}
		cr_assert(n > 0 || n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED, "%s: %s", text,
			buf_text(got));
	}
}

#define TLS_SAY(text) gnutls_record_send(tls, text, strlen(text))

Test(http_tls, malformed_heads_and_clients_that_only_stop_writing)
{
	struct fixture f = { 0 };
	auto_buf struct buf got = { 0 }, late = { 0 };
	begin_tls(&f, "127.0.0.1:0");
	cr_assert_eq(shake_hands(&f, "TLS1.3"), GNUTLS_E_SUCCESS);
	TLS_SAY(RAW_POST "Content-Length : 2\r\n\r\n{}");
	tls_until(&f, &got, "HTTP/1.1 400 ");
	hang_up();
	cr_expect_eq(f.opened, 0);
	cr_assert_eq(shake_hands(&f, "TLS1.3"), GNUTLS_E_SUCCESS);
	TLS_SAY(RAW_POST "Content-Length: 4\r\n\r\nhold");
	until(&f, f.n_held == 1);
	gnutls_bye(tls, GNUTLS_SHUT_WR);
	shutdown(tls_fd, SHUT_WR);
	tls_until(&f, &late, "100 Continue");
	f.held[0]->transport->finish(f.held[0], "{\"late\":1}", 10);
	tls_until(&f, &late, "{\"late\":1}");
	hang_up();
	fixture_end(&f);
}

Test(http_tls, only_versions_that_are_not_obsolete)
{
	struct fixture f = { 0 };
	begin_tls(&f, "127.0.0.1:0");
	cr_expect_eq(try_version(&f, "TLS1.3"), GNUTLS_E_SUCCESS);
	cr_expect_eq(try_version(&f, "TLS1.2"), GNUTLS_E_SUCCESS);
	cr_expect_neq(try_version(&f, "TLS1.1"), GNUTLS_E_SUCCESS);
	cr_expect_neq(try_version(&f, "TLS1.0"), GNUTLS_E_SUCCESS);
	fixture_end(&f);
}
