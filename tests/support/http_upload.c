#include "tests/support/http_upload.h"

static void answer(struct upload *u, struct http_exchange *x)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%zu bytes", u->got.len);
	u->ended++;
	http_reply(x, 200, "text/plain", text, (size_t)len);
}

static size_t on_part(struct http_exchange *x, const void *bytes, size_t len, void *data)
{
	struct upload *u = data;
	if (len == 0) {
		answer(u, x);
		return 0;
	}
	size_t n = len < u->room ? len : u->room;
	buf_append(&u->got, bytes, n);
	u->room -= n;
	if (u->early_at && u->got.len >= u->early_at) {
		http_reply(x, 507, "text/plain", "full", 4);
	}
	return n;
}

static void on_whole(struct http_exchange *x, void *data)
{
	struct upload *u = data;
	size_t len;
	const char *body = http_body(x, &len);
	buf_append(&u->got, body, len);
	answer(u, x);
}

static void on_upload_closed(struct http_exchange *x, void *data)
{
	struct upload *u = data;
	u->closed++;
	u->x = u->x == x ? NULL : u->x;
}

void upload_receive(struct upload *u)
{
	if (u->takes_all) {
		http_receive_all(u->x, u->room, on_whole, u);
	} else {
		http_receive(u->x, on_part, u);
	}
}

void upload_more(struct upload *u, size_t room)
{
	u->room += room;
	http_receive_more(u->x);
}

static void run(struct http_exchange *x, void *data)
{
	struct upload *u = data;
	u->x = x;
	u->began++;
	http_on_closed(x, on_upload_closed, u);
	if (!u->waits) {
		upload_receive(u);
	}
}

void upload_route(struct fixture *f, struct upload *u)
{
	http_add_route(f->http, &(struct http_route){ .method = "POST",
					.path = "/up",
					.run = run,
					.data = u,
					.streams_body = true });
}

/* ---- echo ---- */

static size_t echo_part(struct http_exchange *x, const void *bytes, size_t len, void *data)
{
	struct echo *e = data;
	if (len == 0) {
		http_stream_end(x);
		return 0;
	}
	if (e->written == 0) {
		http_stream_begin(x, 200, "application/x-test", e->length);
	}
	size_t n = http_stream_pending(x) > 100000 ? 0 : len;
	e->written += n;
	http_stream_write(x, bytes, n);
	return n;
}

static void on_echo_drained(struct http_exchange *x, void *data)
{
	((struct echo *)data)->drained++;
	http_receive_more(x);
}

static void on_echo_closed(struct http_exchange *x, void *data)
{
	(void)x;
	((struct echo *)data)->closed++;
}

static void run_echo(struct http_exchange *x, void *data)
{
	struct echo *e = data;
	e->x = x;
	http_on_closed(x, on_echo_closed, e);
	http_stream_on_drained(x, on_echo_drained, e);
	http_receive(x, echo_part, e);
}

void echo_route(struct fixture *f, struct echo *e)
{
	http_add_route(f->http,
		&(struct http_route){
			.path = "/echo", .run = run_echo, .data = e, .streams_body = true });
}
