#include "tests/support/http_fixture.h"

/* ---- the server's side: "hold" leaves a message open, "note" closes, all else is echoed ---- */

static void on_opened(struct transport_conn *conn, void *data)
{
	struct fixture *f = data;
	const struct transport_http *http = conn->transport->http;
	f->opened++;
	f->conn = conn;
	snprintf(f->owner, sizeof(f->owner), "%s", conn->owner);
	f->kind = http ? http->kind(conn) : TRANSPORT_DUPLEX;
	if ((f->kind == TRANSPORT_STREAM && f->get_status) || f->kind == TRANSPORT_DELETE) {
		http->set_status(conn, f->kind == TRANSPORT_DELETE ? 204 : f->get_status);
		http->set_header(conn, "Mcp-Session-Id", "abc");
		conn->transport->close(conn);
	}
}

static void on_message(struct transport_conn *conn, const char *text, size_t len, void *data)
{
	struct fixture *f = data;
	const struct transport *transport = conn->transport;
	cr_assert_eq(text[len], '\0');
	f->messages++;
	if (len < 1000) {
		buf_printf(&f->texts, "%s|", text);
	}
	if (f->pause) {
		f->pause = false;
		transport->pause(conn, true);
	}
	if (strncmp(text, "hold", 4) == 0) {
		cr_assert_lt(f->n_held, HELD_MAX);
		f->held[f->n_held++] = conn;
	} else if (strncmp(text, "note", 4) == 0) {
		transport->close(conn);
	} else if (transport->finish) {
		transport->finish(conn, text, len);
	} else {
		transport->send(conn, text, len);
	}
}

static void on_refused(struct transport_conn *conn, const struct err *why, void *data)
{
	(void)conn;
	(void)why;
	((struct fixture *)data)->refused++;
}

static void on_ended(struct transport_conn *conn, void *data)
{
	(void)conn;
	(void)data;
	cr_assert_fail("HTTP connections close, they do not end");
}

static void on_drained(struct transport_conn *conn, void *data)
{
	((struct fixture *)data)->drained++;
	cr_assert_eq(conn->transport->pending(conn), 0);
}

static void on_closed(struct transport_conn *conn, void *data)
{
	struct fixture *f = data;
	f->closed++;
	f->conn = f->conn == conn ? NULL : f->conn;
	for (int i = 0; i < f->n_held; i++) {
		f->held[i] = f->held[i] == conn ? NULL : f->held[i];
	}
}

const struct transport_handlers fixture_handlers = {
	.opened = on_opened,
	.message = on_message,
	.refused = on_refused,
	.ended = on_ended,
	.drained = on_drained,
	.closed = on_closed,
};

const char *fixture_authorize(const char *token, void *data)
{
	(void)data;
	if (token && strcmp(token, "alices-token") == 0) {
		return "alice";
	}
	return token && strcmp(token, "bobs-token") == 0 ? "bob" : NULL;
}

void fixture_begin_with(struct fixture *f, const struct http_options *how)
{
	struct http_options options = *how;
	struct err err = { 0 };
	f->event = f->event ? sd_event_ref(f->event) : loop_new(&err);
	options.listen = options.listen ? options.listen : "127.0.0.1:0";
	options.authorize = options.authorize ? options.authorize : fixture_authorize;
	options.data = f;
	f->http = http_new(f->event, &options, &err);
	cr_assert(f->http, "%s", err.text);
	f->streamable = streamable_new(f->http, &fixture_handlers, f);
	f->sse = sse_new(f->http, &fixture_handlers, f);
	f->multi = curl_multi_init();
	const char *colon = strrchr(http_url(f->http), ':');
	snprintf(f->port, sizeof(f->port), "%s", colon + 1);
}

void fixture_begin(struct fixture *f)
{
	fixture_begin_with(f, &(struct http_options){ 0 });
}

void fixture_turn(struct fixture *f)
{
	int running;
	curl_multi_perform(f->multi, &running);
	sd_event_run(f->event, 1000);
	curl_multi_perform(f->multi, &running);
}

bool fixture_turn_before(struct fixture *f, uint64_t limit, const char *what)
{
	cr_assert(loop_now_us() < limit, "this never happened: %s", what);
	fixture_turn(f);
	return true;
}

void fixture_settle(struct fixture *f)
{
	for (int i = 0; i < 20; i++) {
		fixture_turn(f);
	}
}

void fixture_end(struct fixture *f)
{
	streamable_free(f->streamable);
	sse_free(f->sse);
	http_free(f->http);
	curl_multi_cleanup(f->multi);
	sd_event_unref(f->event);
	buf_done(&f->texts);
}

int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;
	while (readdir(dir)) {
		n++;
	}
	closedir(dir);
	return n;
}

/* ---- libcurl's side ---- */

static size_t take_bytes(char *bytes, size_t size, size_t n, void *data)
{
	buf_append(data, bytes, size * n);
	return size * n;
}

void ask_begin(struct fixture *f, const struct ask *ask, struct reply *r)
{
	char url[200], token[100];
	const char *path = ask->path ? ask->path : "/mcp";
	*r = (struct reply){ .easy = curl_easy_init() };
	if (strncmp(path, "http", 4) == 0) {
		snprintf(url, sizeof(url), "%s", path);
	} else {
		snprintf(url, sizeof(url), "%s://127.0.0.1:%s%s",
			ask->scheme ? ask->scheme : "http", ask->unix_path ? "80" : f->port, path);
	}
	snprintf(token, sizeof(token), "Authorization: Bearer %s",
		ask->token ? ask->token : "alices-token");
	if (!ask->token || ask->token[0]) {
		r->headers = curl_slist_append(r->headers, token);
	}
	if (!ask->plain) {
		r->headers = curl_slist_append(r->headers, "Content-Type: application/json");
		r->headers = curl_slist_append(
			r->headers, "Accept: application/json, text/event-stream");
	}
	for (int i = 0; i < 8 && ask->headers[i]; i++) {
		r->headers = curl_slist_append(r->headers, ask->headers[i]);
	}
	curl_easy_setopt(r->easy, CURLOPT_URL, url);
	curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(r->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
	curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, &r->body);
	curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, take_bytes);
	curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, &r->head);
	curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	if (ask->unix_path) {
		curl_easy_setopt(r->easy, CURLOPT_UNIX_SOCKET_PATH, ask->unix_path);
	}
	if (ask->body) {
		curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE,
			(long)(ask->body_len ? ask->body_len : strlen(ask->body)));
		curl_easy_setopt(r->easy, CURLOPT_COPYPOSTFIELDS, ask->body);
	}
	if (ask->method && strcmp(ask->method, "HEAD") == 0) {
		curl_easy_setopt(r->easy, CURLOPT_NOBODY, 1L);
	} else if (ask->method) {
		curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, ask->method);
	}
	curl_multi_add_handle(f->multi, r->easy);
}

bool is_done(struct fixture *f, struct reply *r)
{
	CURLMsg *msg;
	int left;
	while ((msg = curl_multi_info_read(f->multi, &left))) {
		struct reply *done = NULL;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &done);
		if (done) {
			done->done = true;
			done->result = msg->data.result;
		}
	}
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status);
	return r->done;
}

void ask_end(struct fixture *f, struct reply *r)
{
	curl_multi_remove_handle(f->multi, r->easy);
	curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	buf_done(&r->head);
	buf_done(&r->body);
}

void fetch(struct fixture *f, const struct ask *ask, struct reply *r)
{
	ask_begin(f, ask, r);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
	until(f, is_done(f, r));
}

long status_of(struct fixture *f, const struct ask *ask)
{
	struct reply r;
	fetch(f, ask, &r);
	long status = r.status;
	ask_end(f, &r);
	return status;
}

bool has(const struct buf *buf, const char *text)
{
	return strcasestr(buf_text(buf), text);
}

/* ---- raw sockets ---- */

int raw_open(struct fixture *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(f->port, NULL, 10)),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_geq(fd, 0);
	cr_assert_eq(connect(fd, (void *)&to, sizeof(to)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

void raw_send_len(struct fixture *f, int fd, const char *bytes, size_t len)
{
	uint64_t limit = loop_now_us() + PATIENCE_US;
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN) {
			return;
		}
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
		cr_assert(loop_now_us() < limit, "the server does not read");
		fixture_turn(f);
	}
}

void raw_send(struct fixture *f, int fd, const char *text)
{
	raw_send_len(f, fd, text, strlen(text));
}

bool raw_read(int fd, struct buf *into)
{
	char block[16384];
	ssize_t n;
	while ((n = recv(fd, block, sizeof(block), 0)) > 0) {
		buf_append(into, block, (size_t)n);
	}
	return n == 0 || errno != EAGAIN;
}
