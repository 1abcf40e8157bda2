// USES tools server PkgConfig::curl PkgConfig::gnutls
/* The viewer's pages and those who should not come in, or not so far. */
#include "tests/support/viewer_fixture.h"

TestSuite(viewer_hostile, .init = site_open, .fini = site_close);

/* ---- tickets ---- */

Test(viewer_hostile, a_ticket_is_good_once)
{
	char used[SECRET_LEN + 1];
	struct reply r;
	open_stream(&site, STREAM_VIEW, 60);
	memcpy(used, site.ticket, sizeof(used));
	let_in(&site);
	site.cookie[0] = '\0';
	ask_stream(&site, &(struct ask){ .body = used }, "open", &r);
	cr_expect_eq(r.status, 403);
	cr_expect(has(&r.body, "{\"error\":\"this link "));
	cr_expect_not(has(&r.head, "set-cookie"));
	ask_end(&site.http, &r);
}

Test(viewer_hostile, wrong_tickets_buy_nothing_and_spoil_nothing)
{
	char other[SECRET_LEN + 1], shorter[SECRET_LEN];
	open_stream(&site, STREAM_VIEW, 60);
	memcpy(other, site.ticket, sizeof(other));
	open_stream(&site, STREAM_VIEW, 60);
	snprintf(shorter, sizeof(shorter), "%.42s", site.ticket);
	const char *const bodies[] = { other, shorter, "", "x", "\"\"", "{}" };
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		struct ask ask = { .method = "POST", .body = bodies[i] };
		cr_expect_eq(stream_status(&site, &ask, "open"), 403, "%s", bodies[i]);
	}
	struct ask nul = { .body = "a\0b", .body_len = 3 };
	cr_expect_eq(stream_status(&site, &nul, "open"), 400);
	let_in(&site);
}

Test(viewer_hostile, a_ticket_of_an_ended_stream_is_too_late)
{
	struct err err;
	struct reply r;
	open_stream(&site, STREAM_VIEW, 60);
	cr_assert(streams_revoke(site.streams, "alice", site.id, &err));
	ask_stream(&site, &(struct ask){ .body = site.ticket }, "open", &r);
	cr_expect_eq(r.status, 410);
	cr_expect(has(&r.body, "{\"error\":\"no such stream"));
	ask_end(&site.http, &r);
}

/* ---- cookies ---- */

static long with_cookie(const char *cookie)
{
	struct ask ask = { .headers = { cookie } };
	return stream_status(&site, &ask, "pictures/1");
}

Test(viewer_hostile, a_cookie_is_of_one_stream)
{
	char first[120], id[ID_LEN + 1], text[200];
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	memcpy(first, site.cookie, sizeof(first));
	memcpy(id, site.id, sizeof(id));
	open_stream(&site, STREAM_CONTROL, 60);
	cr_expect_eq(with_cookie(first), 401, "under its own name");
	snprintf(text, sizeof(text), "Cookie: vitrine_%s=%s", site.id, strchr(first, '=') + 1);
	cr_expect_eq(with_cookie(text), 401, "under the other's");
	memcpy(site.id, id, sizeof(id));
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
	open_stream(&site, STREAM_CONTROL, 60);
	cr_expect_eq(stream_status(&site, &(struct ask){ 0 }, "events"), 401);
	cr_expect_eq(stream_status(&site, &(struct ask){ 0 }, "socket?viewer=x"), 401);
	cr_expect_eq(stream_status(&site, &(struct ask){ 0 }, "pictures/1"), 401);
	cr_expect_eq(stream_status(&site, &(struct ask){ .body = "{}" }, "control"), 401);
}

Test(viewer_hostile, a_token_is_no_cookie)
{
	char path[60];
	open_stream(&site, STREAM_CONTROL, 60);
	snprintf(path, sizeof(path), "/s/%s/events", site.id);
	cr_expect_eq(status_of(&site.http, &(struct ask){ .path = path }), 401);
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
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	page_listen(&site, &p, NULL);
	snprintf(body, sizeof(body), "{\"viewer\":\"%s\",\"take\":\"Eve\"}", p.viewer);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		struct ask get = { .headers = { strangers[i] } };
		struct ask post = { .body = body, .headers = { strangers[i] } };
		cr_expect_eq(stream_status(&site, &get, "events"), 403, "%s", strangers[i]);
		cr_expect_eq(stream_status(&site, &get, "pictures/1"), 403, "%s", strangers[i]);
		cr_expect_eq(stream_status(&site, &post, "control"), 403, "%s", strangers[i]);
		cr_expect_eq(stream_status(&site, &post, "open"), 403, "%s", strangers[i]);
	}
	cr_expect_eq(vm_control(site.vm)->holder, VM_HELD_BY_AGENT);
	page_close(&site, &p);
}

Test(viewer_hostile, its_own_page_is_let_in)
{
	char origin[60];
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	snprintf(origin, sizeof(origin), "Origin: http://127.0.0.1:%s", site.http.port);
	cr_expect_eq(
		stream_status(&site, &(struct ask){ .headers = { origin } }, "pictures/1"), 404);
	struct ask fetch_site = { .headers = { "Sec-Fetch-Site: same-origin" } };
	cr_expect_eq(stream_status(&site, &fetch_site, "pictures/1"), 404);
}

Test(viewer_hostile, a_socket_for_a_page_of_another_origin_is_refused)
{
	struct page p = { 0 };
	struct peer peer;
	auto_buf struct buf hello = { 0 }, foreign = { 0 };
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	page_listen(&site, &p, NULL);
	socket_hello(&site, &p, &hello);
	buf_printf(&foreign, "%.*sOrigin: http://localhost:1\r\n\r\n", (int)hello.len - 2,
		buf_text(&hello));
	peer_open(&site.http, &peer, false);
	peer_write(&site.http, &peer, foreign.data, foreign.len);
	until(&site.http, (peer_read(&peer), has(&peer.in, "\r\n\r\n")));
	cr_expect(has(&peer.in, "HTTP/1.1 403"), "%s", buf_text(&peer.in));
	peer_close(&peer);
	page_close(&site, &p);
}

/* ---- what a page says ---- */

Test(viewer_hostile, control_is_asked_for_in_one_way_only)
{
	struct page p = { 0 };
	auto_buf struct buf said = { 0 };
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	page_listen(&site, &p, NULL);
	static const struct {
		const char *rest, *says;
		long status;
	} cases[] = {
		{ "\"take\":\"a\",\"give_back\":true", "either 'take' or 'give_back'", 400 },
		{ "\"message\":\"a\"", "either 'take' or 'give_back'", 400 },
		{ "\"take\":7", "'take'", 400 },
		{ "\"fence\":1,\"take\":\"a\"", "'fence'", 400 },
		{ "\"take\":\"a\",\"take\":\"b\"", "JSON object", 400 },
		{ "\"take\":\"\\u0000\"", "JSON object", 400 },
		{ "\"give_back\":true", "no longer have control", 409 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_expect_eq(page_control(&site, &p, cases[i].rest, &said), cases[i].status, "%s",
			buf_text(&said));
		cr_expect(has(&said, cases[i].says), "%s", buf_text(&said));
	}
	cr_expect_eq(stream_status(&site, &(struct ask){ .body = "[]" }, "control"), 400);
	cr_expect_eq(stream_status(&site, &(struct ask){ .method = "POST" }, "control"), 400);
	cr_expect_eq(vm_control(site.vm)->holder, VM_HELD_BY_AGENT);
	page_close(&site, &p);
}

Test(viewer_hostile, long_bodies_are_refused_and_long_names_are_cut)
{
	struct page p = { 0 };
	static char body[20000], name[2000];
	open_stream(&site, STREAM_CONTROL, 60);
	memset(body, 'x', sizeof(body) - 1);
	cr_expect_eq(stream_status(&site, &(struct ask){ .body = body }, "open"), 413);
	let_in(&site);
	page_listen(&site, &p, NULL);
	cr_expect_eq(stream_status(&site, &(struct ask){ .body = body }, "control"), 413);
	snprintf(name, sizeof(name), "\"take\":\"%.1000s\"", body);
	cr_expect_eq(page_control(&site, &p, name, NULL), 200);
	cr_expect_eq(strlen(vm_control(site.vm)->who), VM_CONTROL_WHO_MAX);
	memset(name, 0, sizeof(name));
	snprintf(name, sizeof(name), "\"take\":\"%.1001s\"", body);
	cr_expect_eq(page_control(&site, &p, name, NULL), 400);
	page_close(&site, &p);
}

Test(viewer_hostile, a_view_link_takes_no_control_and_types_nothing)
{
	struct page p;
	auto_buf struct buf said = { 0 }, out = { 0 };
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	page_open(&site, &p);
	cr_expect_eq(page_control(&site, &p, "\"take\":\"Eve\"", &said), 403);
	cr_expect(has(&said, "watching only"), "%s", buf_text(&said));
	page_key(&site, &p, 'x');
	rfb_say_pointer(&out, 1, 5, 5);
	rfb_say_cut_text(&out, "evil", 4);
	rfb_say_size(&out, 640, 480);
	rfb_say_update(&out, false, 0, 0, 16, 16);
	peer_say(&site.http, &p.peer, 0x82, out.data, out.len);
	until(&site.http, (page_hear(&p), p.seen.updates > 0));
	struct answer *answer = host_exec(&site.host, site.vm, "cat events", 10000);
	cr_expect_str_eq(answer->out, "", "nothing of it arrived");
	answer_free(answer);
	page_close(&site, &p);
}

Test(viewer_hostile, another_pages_name_is_no_use_in_another_stream)
{
	struct page p = { 0 }, other = { 0 };
	struct viewer_site second;
	char name[ID_LEN + 1];
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	page_listen(&site, &p, NULL);
	cr_assert_eq(page_control(&site, &p, "\"take\":\"Ana\"", NULL), 200);
	second = site;
	open_stream(&second, STREAM_CONTROL, 60);
	let_in(&second);
	page_listen(&second, &other, p.viewer);
	cr_expect_str_neq(other.viewer, p.viewer);
	cr_expect(page_heard(&second, &other, "\"mine\":false"));
	memcpy(name, p.viewer, sizeof(name));
	memcpy(p.viewer, other.viewer, sizeof(name));
	cr_expect_eq(page_control(&site, &p, "\"give_back\":true", NULL), 409);
	memcpy(other.viewer, name, sizeof(name));
	cr_expect_eq(page_control(&second, &other, "\"give_back\":true", NULL), 409);
	cr_expect_eq(vm_control(site.vm)->holder, VM_HELD_BY_USER);
	page_close(&site, &p);
	page_close(&site, &other);
}

Test(viewer_hostile, a_socket_needs_a_page_that_listens)
{
	struct ask ask = { .headers = { "Connection: Upgrade" } };
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	cr_expect_eq(stream_status(&site, &ask, "socket"), 404);
	cr_expect_eq(stream_status(&site, &ask, "socket?viewer="), 404);
	cr_expect_eq(stream_status(&site, &ask, "socket?viewer=aaaaaaaaaaaaaaaaaaaa"), 404);
}

Test(viewer_hostile, what_is_no_rfb_closes_the_socket_alone)
{
	struct page p;
	static const uint8_t bad[16] = { 99 };
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	page_open(&site, &p);
	peer_say(&site.http, &p.peer, 0x82, bad, sizeof(bad));
	until(&site.http, page_hear(&p));
	cr_expect_eq(page_code(&p), 1008);
	page_close_socket(&p);
	page_watch(&site, &p);
	page_close(&site, &p);
}

/* ---- places ---- */

Test(viewer_hostile, places_that_are_none)
{
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	static const char *const paths[] = { "/s/", "/s/short/", "/s/ABCDEFGHIJKLMNOPQRST/",
		"/s/aaaaaaaaaaaaaaaaaaaaa/", "/s//", "/s/aaaaaaaaaaaaaaaaaaaa/../../mcp" };
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct ask ask = { .path = paths[i], .token = "" };
		cr_expect_eq(status_of(&site.http, &ask), 404, "%s", paths[i]);
	}
	static const char *const rests[] = { "eventsx", "events/", "pictures", "pictures/",
		"pictures/0", "pictures/-1", "pictures/01", "pictures/99999999999999999999999",
		"pictures/1/", "open", "%00" };
	for (size_t i = 0; i < sizeof(rests) / sizeof(*rests); i++) {
		cr_expect_eq(
			stream_status(&site, &(struct ask){ 0 }, rests[i]), 404, "%s", rests[i]);
	}
	cr_expect_eq(stream_status(&site, &(struct ask){ .method = "PUT" }, "open"), 405);
}

/* ---- many ---- */

Test(viewer_hostile, there_may_be_so_many_pages_and_no_more)
{
	static struct page pages[65];
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	for (size_t i = 0; i < 64; i++) {
		page_listen(&site, &pages[i], NULL);
	}
	cr_expect_eq(site.stream->viewers, 64);
	cr_expect_eq(stream_status(&site, &(struct ask){ 0 }, "events"), 429);
	page_close_events(&site, &pages[7]);
	until(&site.http, site.stream->viewers == 63);
	page_listen(&site, &pages[64], NULL);
	for (size_t i = 0; i < 65; i++) {
		page_close(&site, &pages[i]);
	}
	until(&site.http, site.stream->viewers == 0);
}

Test(viewer_hostile, many_pages_watch_at_once)
{
	static struct page pages[16];
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	for (size_t i = 0; i < 16; i++) {
		page_open(&site, &pages[i]);
	}
	cr_assert_eq(page_control(&site, &pages[3], "\"take\":\"Ana\"", NULL), 200);
	for (size_t i = 0; i < 16; i++) {
		until_heard(&site, &pages[i], i == 3 ? "\"mine\":true" : "\"who\":\"Ana\"");
		page_key(&site, &pages[i], 'a' + (unsigned)i);
	}
	until_typed(&site, "d");
	for (size_t i = 0; i < 16; i++) {
		page_close(&site, &pages[i]);
	}
}
