// USES tools server PkgConfig::curl PkgConfig::gnutls
/* The viewer's pages and those who should not come in, or not so far. */
#include "viewer_fixture.h"

static struct desk_test t;

static void begin_desk(void)
{
	desk_begin(&t);
}

static void end_desk(void)
{
	desk_end(&t);
}

TestSuite(viewer_hostile, .init = begin_desk, .fini = end_desk);

/* ---- tickets ---- */

Test(viewer_hostile, a_ticket_is_good_once)
{
	char used[SECRET_LEN + 1];
	struct reply r;
	open_stream(&t, STREAM_VIEW, 60);
	memcpy(used, t.ticket, sizeof(used));
	let_in(&t);
	t.cookie[0] = '\0';
	ask_stream(&t, &(struct ask){ .body = used }, "open", &r);
	cr_expect_eq(r.status, 403);
	cr_expect(has(&r.body, "{\"error\":\"this link was used already"));
	cr_expect_not(has(&r.head, "set-cookie"));
	ask_end(&t.http, &r);
}

Test(viewer_hostile, wrong_tickets_buy_nothing_and_spoil_nothing)
{
	char other[SECRET_LEN + 1], shorter[SECRET_LEN];
	open_stream(&t, STREAM_VIEW, 60);
	memcpy(other, t.ticket, sizeof(other));
	open_stream(&t, STREAM_VIEW, 60);
	snprintf(shorter, sizeof(shorter), "%.42s", t.ticket);
	const char *const bodies[] = { other, shorter, "", "x", "\"\"", "{}" };
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		struct ask ask = { .method = "POST", .body = bodies[i] };
		cr_expect_eq(stream_status(&t, &ask, "open"), 403, "%s", bodies[i]);
	}
	struct ask nul = { .body = "a\0b", .body_len = 3 };
	cr_expect_eq(stream_status(&t, &nul, "open"), 400);
	let_in(&t);
}

Test(viewer_hostile, a_ticket_of_an_ended_stream_is_too_late)
{
	struct err err;
	struct reply r;
	open_stream(&t, STREAM_VIEW, 60);
	cr_assert(streams_revoke(t.streams, "alice", t.id, &err));
	ask_stream(&t, &(struct ask){ .body = t.ticket }, "open", &r);
	cr_expect_eq(r.status, 410);
	cr_expect(has(&r.body, "{\"error\":\"there is no such stream"));
	ask_end(&t.http, &r);
}

/* ---- cookies ---- */

static long with_cookie(const char *cookie)
{
	struct ask ask = { .headers = { cookie } };
	return stream_status(&t, &ask, "pictures/1");
}

Test(viewer_hostile, a_cookie_is_of_one_stream)
{
	char first[120], id[ID_LEN + 1], text[200];
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	memcpy(first, t.cookie, sizeof(first));
	memcpy(id, t.id, sizeof(id));
	open_stream(&t, STREAM_CONTROL, 60);
	cr_expect_eq(with_cookie(first), 401, "under its own name");
	snprintf(text, sizeof(text), "Cookie: vitrine_%s=%s", t.id, strchr(first, '=') + 1);
	cr_expect_eq(with_cookie(text), 401, "under the other's");
	memcpy(t.id, id, sizeof(id));
	cr_expect_eq(with_cookie(first), 404, "it is a good one");
	snprintf(text, sizeof(text), "Cookie: a=b; %s ;c", first + strlen("Cookie: "));
	cr_expect_eq(with_cookie(text), 404, "among others");
	snprintf(text, sizeof(text), "%sX", first);
	cr_expect_eq(with_cookie(text), 401);
	snprintf(text, sizeof(text), "Cookie: vitrine_%s=", id);
	cr_expect_eq(with_cookie(text), 401);
	snprintf(text, sizeof(text), "Cookie: x%s", first + strlen("Cookie: "));
	cr_expect_eq(with_cookie(text), 401);
}

Test(viewer_hostile, nothing_is_for_those_without_a_cookie)
{
	open_stream(&t, STREAM_CONTROL, 60);
	cr_expect_eq(stream_status(&t, &(struct ask){ 0 }, "events"), 401);
	cr_expect_eq(stream_status(&t, &(struct ask){ 0 }, "socket?viewer=x"), 401);
	cr_expect_eq(stream_status(&t, &(struct ask){ 0 }, "pictures/1"), 401);
	cr_expect_eq(stream_status(&t, &(struct ask){ .body = "{}" }, "control"), 401);
}

Test(viewer_hostile, a_token_is_no_cookie)
{
	char path[60];
	open_stream(&t, STREAM_CONTROL, 60);
	snprintf(path, sizeof(path), "/s/%s/events", t.id);
	cr_expect_eq(status_of(&t.http, &(struct ask){ .path = path }), 401);
}

/* ---- other pages ---- */

static const char *const strangers[] = {
	"Origin: http://localhost:1",
	"Origin: null",
	"Sec-Fetch-Site: cross-site",
	"Sec-Fetch-Site: same-site",
};

Test(viewer_hostile, pages_of_others_are_refused_whatever_cookie_their_browser_sends)
{
	struct page p = { 0 };
	char body[100];
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	page_listen(&t, &p, NULL);
	snprintf(body, sizeof(body), "{\"viewer\":\"%s\",\"take\":\"Eve\"}", p.viewer);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		struct ask get = { .headers = { strangers[i] } };
		struct ask post = { .body = body, .headers = { strangers[i] } };
		cr_expect_eq(stream_status(&t, &get, "events"), 403, "%s", strangers[i]);
		cr_expect_eq(stream_status(&t, &get, "pictures/1"), 403, "%s", strangers[i]);
		cr_expect_eq(stream_status(&t, &post, "control"), 403, "%s", strangers[i]);
		cr_expect_eq(stream_status(&t, &post, "open"), 403, "%s", strangers[i]);
	}
	cr_expect_eq(vm_control(t.vm)->holder, VM_HELD_BY_AGENT);
	page_close(&t, &p);
}

Test(viewer_hostile, its_own_page_is_let_in)
{
	char origin[60];
	open_stream(&t, STREAM_VIEW, 60);
	let_in(&t);
	snprintf(origin, sizeof(origin), "Origin: http://127.0.0.1:%s", t.http.port);
	cr_expect_eq(stream_status(&t, &(struct ask){ .headers = { origin } }, "pictures/1"), 404);
	struct ask fetch_site = { .headers = { "Sec-Fetch-Site: same-origin" } };
	cr_expect_eq(stream_status(&t, &fetch_site, "pictures/1"), 404);
}

Test(viewer_hostile, a_socket_for_a_page_of_another_origin_is_refused)
{
	struct page p = { 0 };
	struct peer peer;
	auto_buf struct buf hello = { 0 }, foreign = { 0 };
	open_stream(&t, STREAM_VIEW, 60);
	let_in(&t);
	page_listen(&t, &p, NULL);
	socket_hello(&t, &p, &hello);
	buf_printf(&foreign, "%.*sOrigin: http://localhost:1\r\n\r\n", (int)hello.len - 2,
		buf_text(&hello));
	peer_open(&t.http, &peer, false);
	peer_write(&t.http, &peer, foreign.data, foreign.len);
	until(&t.http, (peer_read(&peer), has(&peer.in, "\r\n\r\n")));
	cr_expect(has(&peer.in, "HTTP/1.1 403"), "%s", buf_text(&peer.in));
	peer_close(&peer);
	page_close(&t, &p);
}

/* ---- what a page says ---- */

Test(viewer_hostile, control_is_asked_for_in_one_way_only)
{
	struct page p = { 0 };
	auto_buf struct buf said = { 0 };
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	page_listen(&t, &p, NULL);
	static const struct {
		const char *rest, *says;
		long status;
	} cases[] = {
		{ "\"take\":\"a\",\"give_back\":true", "either 'take' or 'give_back'", 400 },
		{ "\"says\":\"a\"", "either 'take' or 'give_back'", 400 },
		{ "\"take\":7", "'take'", 400 },
		{ "\"fence\":1,\"take\":\"a\"", "'fence'", 400 },
		{ "\"take\":\"a\",\"take\":\"b\"", "JSON object", 400 },
		{ "\"take\":\"\\u0000\"", "JSON object", 400 },
		{ "\"give_back\":true", "you do not have control", 409 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_expect_eq(page_control(&t, &p, cases[i].rest, &said), cases[i].status, "%s",
			buf_text(&said));
		cr_expect(has(&said, cases[i].says), "%s", buf_text(&said));
	}
	cr_expect_eq(stream_status(&t, &(struct ask){ .body = "[]" }, "control"), 400);
	cr_expect_eq(stream_status(&t, &(struct ask){ .method = "POST" }, "control"), 400);
	cr_expect_eq(vm_control(t.vm)->holder, VM_HELD_BY_AGENT);
	page_close(&t, &p);
}

Test(viewer_hostile, long_bodies_are_refused_and_long_names_are_cut)
{
	struct page p = { 0 };
	static char body[20000], name[2000];
	open_stream(&t, STREAM_CONTROL, 60);
	memset(body, 'x', sizeof(body) - 1);
	cr_expect_eq(stream_status(&t, &(struct ask){ .body = body }, "open"), 413);
	let_in(&t);
	page_listen(&t, &p, NULL);
	cr_expect_eq(stream_status(&t, &(struct ask){ .body = body }, "control"), 413);
	snprintf(name, sizeof(name), "\"take\":\"%.1000s\"", body);
	cr_expect_eq(page_control(&t, &p, name, NULL), 200);
	cr_expect_eq(strlen(vm_control(t.vm)->who), VM_CONTROL_WHO_MAX);
	memset(name, 0, sizeof(name));
	snprintf(name, sizeof(name), "\"take\":\"%.1001s\"", body);
	cr_expect_eq(page_control(&t, &p, name, NULL), 400);
	page_close(&t, &p);
}

Test(viewer_hostile, a_view_link_takes_no_control_and_types_nothing)
{
	struct page p;
	auto_buf struct buf said = { 0 }, out = { 0 };
	open_stream(&t, STREAM_VIEW, 60);
	let_in(&t);
	page_open(&t, &p);
	cr_expect_eq(page_control(&t, &p, "\"take\":\"Eve\"", &said), 403);
	cr_expect(has(&said, "for looking only"), "%s", buf_text(&said));
	page_key(&t, &p, 'x');
	rfb_say_pointer(&out, 1, 5, 5);
	rfb_say_cut_text(&out, "evil", 4);
	rfb_say_size(&out, 640, 480);
	rfb_say_update(&out, false, 0, 0, 16, 16);
	peer_say(&t.http, &p.peer, 0x82, out.data, out.len);
	until(&t.http, (page_read(&p), p.seen.updates > 0));
	struct answer *answer = host_exec(&t.host, t.vm, "cat events", 10000);
	cr_expect_str_eq(answer->out, "", "nothing of it arrived");
	answer_free(answer);
	page_close(&t, &p);
}

Test(viewer_hostile, another_pages_name_is_no_use_in_another_stream)
{
	struct page p = { 0 }, other = { 0 };
	struct desk_test second;
	char name[ID_LEN + 1];
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	page_listen(&t, &p, NULL);
	cr_assert_eq(page_control(&t, &p, "\"take\":\"Ana\"", NULL), 200);
	second = t;
	open_stream(&second, STREAM_CONTROL, 60);
	let_in(&second);
	page_listen(&second, &other, p.viewer);
	cr_expect_str_neq(other.viewer, p.viewer);
	cr_expect(page_heard(&second, &other, "\"mine\":false"));
	memcpy(name, p.viewer, sizeof(name));
	memcpy(p.viewer, other.viewer, sizeof(name));
	cr_expect_eq(page_control(&t, &p, "\"give_back\":true", NULL), 409);
	memcpy(other.viewer, name, sizeof(name));
	cr_expect_eq(page_control(&second, &other, "\"give_back\":true", NULL), 409);
	cr_expect_eq(vm_control(t.vm)->holder, VM_HELD_BY_PERSON);
	page_close(&t, &p);
	page_close(&t, &other);
}

Test(viewer_hostile, a_socket_needs_a_page_that_listens)
{
	struct ask ask = { .headers = { "Connection: Upgrade" } };
	open_stream(&t, STREAM_VIEW, 60);
	let_in(&t);
	cr_expect_eq(stream_status(&t, &ask, "socket"), 404);
	cr_expect_eq(stream_status(&t, &ask, "socket?viewer="), 404);
	cr_expect_eq(stream_status(&t, &ask, "socket?viewer=aaaaaaaaaaaaaaaaaaaa"), 404);
}

Test(viewer_hostile, what_is_no_rfb_closes_the_socket_alone)
{
	struct page p;
	static const uint8_t bad[16] = { 99 };
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	page_open(&t, &p);
	peer_say(&t.http, &p.peer, 0x82, bad, sizeof(bad));
	until(&t.http, page_read(&p));
	cr_expect_eq(page_code(&p), 1008);
	page_unplug(&p);
	page_watch(&t, &p);
	page_close(&t, &p);
}

/* ---- places ---- */

Test(viewer_hostile, places_that_are_none)
{
	open_stream(&t, STREAM_VIEW, 60);
	let_in(&t);
	static const char *const paths[] = { "/s/", "/s/short/", "/s/ABCDEFGHIJKLMNOPQRST/",
		"/s/aaaaaaaaaaaaaaaaaaaaa/", "/s//", "/s/aaaaaaaaaaaaaaaaaaaa/../../mcp" };
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct ask ask = { .path = paths[i], .token = "" };
		cr_expect_eq(status_of(&t.http, &ask), 404, "%s", paths[i]);
	}
	static const char *const rests[] = { "eventsx", "events/", "pictures", "pictures/",
		"pictures/0", "pictures/-1", "pictures/01", "pictures/99999999999999999999999",
		"pictures/1/", "open", "%00" };
	for (size_t i = 0; i < sizeof(rests) / sizeof(*rests); i++) {
		cr_expect_eq(stream_status(&t, &(struct ask){ 0 }, rests[i]), 404, "%s", rests[i]);
	}
	cr_expect_eq(stream_status(&t, &(struct ask){ .method = "PUT" }, "open"), 405);
}

/* ---- many ---- */

Test(viewer_hostile, there_may_be_so_many_pages_and_no_more)
{
	static struct page pages[65];
	open_stream(&t, STREAM_VIEW, 60);
	let_in(&t);
	for (size_t i = 0; i < 64; i++) {
		page_listen(&t, &pages[i], NULL);
	}
	cr_expect_eq(t.stream->viewers, 64);
	cr_expect_eq(stream_status(&t, &(struct ask){ 0 }, "events"), 429);
	page_deaf(&t, &pages[7]);
	until(&t.http, t.stream->viewers == 63);
	page_listen(&t, &pages[64], NULL);
	for (size_t i = 0; i < 65; i++) {
		page_close(&t, &pages[i]);
	}
	until(&t.http, t.stream->viewers == 0);
}

Test(viewer_hostile, many_pages_watch_at_once)
{
	static struct page pages[16];
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	for (size_t i = 0; i < 16; i++) {
		page_open(&t, &pages[i]);
	}
	cr_assert_eq(page_control(&t, &pages[3], "\"take\":\"Ana\"", NULL), 200);
	for (size_t i = 0; i < 16; i++) {
		until_heard(&t, &pages[i], i == 3 ? "\"mine\":true" : "\"who\":\"Ana\"");
		page_key(&t, &pages[i], 'a' + (unsigned)i);
	}
	until_typed(&t, "d");
	for (size_t i = 0; i < 16; i++) {
		page_close(&t, &pages[i]);
	}
}
