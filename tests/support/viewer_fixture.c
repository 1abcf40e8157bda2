#include "tests/support/viewer_fixture.h"

void site_begin_with(struct viewer_site *t, struct vm_config vms, const struct viewer_options *how)
{
	vms.commands_during_takeover = true; /* what was typed is read back with a command */
	struct viewer_options options = *how;
	struct err err;
	*t = (struct viewer_site){ 0 };
	fixture_begin_with(&t->http, &(struct http_options){ 0 });
	t->host = (struct host){ .event = t->http.event, .config = vms };
	t->host.pool = vm_pool_new(t->http.event, &t->host.config, vm_backends);
	t->tools = tool_set_new("all", &err);
	t->metrics = metrics_new(t->tools);
	t->streams = streams_new(t->http.event, t->host.pool);
	options.authorize = fixture_authorize;
	t->desktops = watched_desktops_new(
		t->http.event, t->host.pool, t->streams, t->metrics, &t->activity);
	t->pages = viewer_pages_new(t->http.http, t->desktops, &options, &err);
	cr_assert(t->pages, "%s", err.text);
	t->vm = host_vm(&t->host);
}

void site_begin_away(struct viewer_site *t, int64_t grace_ms)
{
	site_begin_with(t, (struct vm_config){ .backend = "fake" },
		&(struct viewer_options){ .grace_ms = grace_ms });
}

/* Longer than any test takes. */
static void site_begin(struct viewer_site *t)
{
	site_begin_away(t, 600000);
}

void site_end(struct viewer_site *t)
{
	struct fixture *f = &t->http;
	streamable_free(f->streamable);
	sse_free(f->sse);
	http_free(f->http);
	viewer_pages_free(t->pages);
	watched_desktops_free(t->desktops);
	streams_free(t->streams);
	vm_pool_free(t->host.pool);
	metrics_free(t->metrics);
	tool_set_free(t->tools);
	curl_multi_cleanup(f->multi);
	sd_event_unref(f->event);
	buf_done(&f->texts);
}

struct viewer_site site;

void site_open(void)
{
	site_begin(&site);
}

void site_close(void)
{
	site_end(&site);
}

void site_reopen(int64_t grace_ms)
{
	site_end(&site);
	site_begin_away(&site, grace_ms);
}

void open_stream(struct viewer_site *t, enum stream_mode mode, int64_t seconds)
{
	struct err err;
	t->stream = streams_open(t->streams, t->vm, mode, 0, seconds, t->ticket, &err);
	cr_assert(t->stream, "%s", err.text);
	snprintf(t->id, sizeof(t->id), "%s", t->stream->id);
	t->cookie[0] = '\0';
}

void ask_stream(struct viewer_site *t, const struct ask *how, const char *what, struct reply *r)
{
	struct ask ask = *how;
	char path[200];
	int n = 0;
	snprintf(path, sizeof(path), "/s/%s/%s", t->id, what);
	ask.path = path;
	ask.token = "";
	ask.plain = true;
	while (ask.headers[n]) {
		n++;
	}
	ask.headers[n] = t->cookie[0] ? t->cookie : NULL;
	fetch(&t->http, &ask, r);
}

long stream_status(struct viewer_site *t, const struct ask *how, const char *what)
{
	struct reply r;
	ask_stream(t, how, what, &r);
	long status = r.status;
	ask_end(&t->http, &r);
	return status;
}

void keep_cookie(const struct reply *r, char *to, size_t size)
{
	const char *at = strcasestr(buf_text(&r->head), "\nSet-Cookie: ");
	cr_assert(at, "%s", buf_text(&r->head));
	at += strlen("\nSet-Cookie: ");
	snprintf(to, size, "Cookie: %.*s", (int)strcspn(at, ";"), at);
}

void let_in(struct viewer_site *t)
{
	struct reply r;
	ask_stream(t, &(struct ask){ .body = t->ticket }, "open", &r);
	cr_assert_eq(r.status, 204, "%s", buf_text(&r.body));
	keep_cookie(&r, t->cookie, sizeof(t->cookie));
	ask_end(&t->http, &r);
}

/* ---- a page ---- */

void page_listen(struct viewer_site *t, struct page *p, const char *back)
{
	char path[100];
	struct fixture *f = &t->http;
	snprintf(path, sizeof(path), "/s/%s/events%s%s", t->id, back ? "?viewer=" : "",
		back ? back : "");
	ask_begin(f,
		&(struct ask){ .path = path, .token = "", .plain = true, .headers = { t->cookie } },
		&p->events);
	curl_easy_setopt(p->events.easy, CURLOPT_PRIVATE, &p->events);
	p->has_events = true;
	until(f, has(&p->events.body, "event: state"));
	const char *at = strstr(buf_text(&p->events.body), "\"viewer\":\"");
	cr_assert(at);
	snprintf(p->viewer, sizeof(p->viewer), "%s", at + strlen("\"viewer\":\""));
}

void page_close_events(struct viewer_site *t, struct page *p)
{
	ask_end(&t->http, &p->events);
	p->has_events = false;
}

bool page_heard(struct viewer_site *t, struct page *p, const char *text)
{
	is_done(&t->http, &p->events);
	return has(&p->events.body, text);
}

void page_forget(struct page *p)
{
	buf_done(&p->events.body);
}

void socket_hello(struct viewer_site *t, const struct page *p, struct buf *to)
{
	buf_printf(to,
		"GET /s/%s/socket?viewer=%s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " PEER_KEY
		"\r\nSec-WebSocket-Protocol: binary\r\n%s\r\n\r\n",
		t->id, p->viewer, t->cookie[0] ? t->cookie : "X-No: cookie");
}

void page_open_socket(struct viewer_site *t, struct page *p)
{
	auto_buf struct buf hello = { 0 }, rfb = { 0 };
	socket_hello(t, p, &hello);
	p->seen = (struct rfb_seen){ 0 };
	peer_open(&t->http, &p->peer, false);
	peer_shake(&t->http, &p->peer, buf_text(&hello));
	p->has_socket = true;
	rfb_say_hello(&rfb);
	peer_say(&t->http, &p->peer, 0x82, rfb.data, rfb.len);
}

bool page_hear(struct page *p)
{
	struct peer_said said = { 0 };
	peer_read(&p->peer);
	while (peer_take_frame(&p->peer, &said)) {
		if (said.first == 0x82) {
			rfb_take(&p->seen, said.text.data, said.text.len);
		} else if (said.first == 0x88) {
			buf_append(&p->close, said.text.data, said.text.len);
		}
	}
	buf_done(&said.text);
	return p->close.len >= 2 || p->peer.over;
}

void page_watch(struct viewer_site *t, struct page *p)
{
	page_open_socket(t, p);
	until(&t->http, (page_hear(p), p->seen.stage == 4));
}

unsigned page_code(const struct page *p)
{
	return p->close.len >= 2 ? (unsigned)p->close.data[0] << 8 | p->close.data[1] : 0;
}

void page_close_socket(struct page *p)
{
	peer_close(&p->peer);
	buf_done(&p->seen.in);
	buf_done(&p->close);
	p->has_socket = false;
}

void page_open(struct viewer_site *t, struct page *p)
{
	*p = (struct page){ 0 };
	page_listen(t, p, NULL);
	page_watch(t, p);
}

void page_close(struct viewer_site *t, struct page *p)
{
	if (p->has_events) {
		page_close_events(t, p);
	}
	if (p->has_socket) {
		page_close_socket(p);
	}
}

void page_key(struct viewer_site *t, struct page *p, unsigned keysym)
{
	auto_buf struct buf out = { 0 };
	rfb_say_key(&out, true, keysym);
	rfb_say_key(&out, false, keysym);
	peer_say(&t->http, &p->peer, 0x82, out.data, out.len);
}

/* ---- control ---- */

long page_control(struct viewer_site *t, const struct page *p, const char *rest, struct buf *ret)
{
	char body[9000];
	struct reply r;
	snprintf(body, sizeof(body), "{\"viewer\":\"%s\",%s}", p->viewer, rest);
	ask_stream(t, &(struct ask){ .body = body }, "control", &r);
	long status = r.status;
	if (ret) {
		buf_done(ret);
		buf_append(ret, r.body.data, r.body.len);
	}
	ask_end(&t->http, &r);
	return status;
}

bool typed_is(struct viewer_site *t, const char *text)
{
	struct answer *answer = host_exec(&t->host, t->vm, "cat typed", 10000);
	cr_assert_eq(answer->err.kind, ERR_NONE, "%s", answer->err.text);
	bool same = strcmp(answer->out, text) == 0;
	answer_free(answer);
	return same;
}
