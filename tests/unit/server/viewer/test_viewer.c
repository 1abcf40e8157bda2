// USES tools server PkgConfig::curl PkgConfig::gnutls
/* The viewer's pages as a browser uses them: coming in, watching, taking control, being told. */
#include "tests/support/viewer_fixture.h"

TestSuite(viewer, .init = site_open, .fini = site_close);

/* ---- coming in ---- */

Test(viewer, a_page_is_the_same_for_all_and_asks_nobody_else)
{
	struct reply r, ended;
	open_stream(&site, STREAM_VIEW, 60);
	ask_stream(&site, &(struct ask){ 0 }, "", &r);
	cr_expect_eq(r.status, 200);
	cr_expect(has(&r.head, "content-type: text/html"));
	cr_expect(has(&r.head, "default-src 'none'; script-src 'self'"));
	cr_expect(has(&r.head, "frame-ancestors 'none'"));
	cr_expect(has(&r.head, "x-frame-options: DENY"));
	cr_expect(has(&r.head, "referrer-policy: no-referrer"));
	cr_expect(has(&r.head, "x-content-type-options: nosniff"));
	cr_expect(has(&r.head, "cross-origin-opener-policy: same-origin"));
	cr_expect_not(has(&r.head, "set-cookie"));
	cr_expect_not(has(&r.body, site.id), "it holds nothing of the stream");
	memset(site.id, 'z', ID_LEN);
	ask_stream(&site, &(struct ask){ 0 }, "", &ended);
	cr_expect_eq(ended.status, 200);
	cr_expect_str_eq(buf_text(&ended.body), buf_text(&r.body));
	ask_end(&site.http, &r);
	ask_end(&site.http, &ended);
}

Test(viewer, a_link_without_its_slash_leads_to_the_page)
{
	struct reply r;
	char path[40];
	open_stream(&site, STREAM_VIEW, 60);
	snprintf(path, sizeof(path), "/s/%s", site.id);
	fetch(&site.http, &(struct ask){ .path = path, .token = "" }, &r);
	cr_expect_eq(r.status, 308);
	snprintf(path, sizeof(path), "Location: %s/\r\n", site.id);
	cr_expect(has(&r.head, path), "relative, for a proxy's prefix");
	ask_end(&site.http, &r);
}

Test(viewer, files_are_kept_by_their_etag)
{
	struct reply r;
	char etag[200] = "If-None-Match: ";
	struct ask ask = { .path = "/assets/viewer.js", .token = "" };
	fetch(&site.http, &ask, &r);
	cr_assert_eq(r.status, 200);
	cr_expect(has(&r.head, "content-type: text/javascript"));
	cr_expect(has(&r.head, "cache-control: no-cache"));
	cr_expect_not(has(&r.head, "no-store"));
	const char *at = strcasestr(buf_text(&r.head), "etag: ");
	cr_assert(at);
	snprintf(etag + strlen(etag), 100, "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
	ask_end(&site.http, &r);
	ask.headers[0] = etag;
	cr_expect_eq(status_of(&site.http, &ask), 304);
	cr_expect_eq(
		status_of(&site.http, &(struct ask){ .path = "/assets/../viewer.h", .token = "" }),
		404);
	cr_expect_eq(status_of(&site.http, &(struct ask){ .path = "/assets/", .token = "" }), 404);
}

Test(viewer, a_ticket_buys_a_cookie_of_its_stream)
{
	struct reply r;
	char path[60];
	open_stream(&site, STREAM_VIEW, 60);
	cr_expect_eq(stream_status(&site, &(struct ask){ 0 }, "events"), 401);
	ask_stream(&site, &(struct ask){ .body = site.ticket }, "open", &r);
	cr_assert_eq(r.status, 204);
	snprintf(path, sizeof(path), "Path=/s/%s/; Max-Age=60\r\n", site.id);
	cr_expect(has(&r.head, "; HttpOnly; SameSite=Strict; "));
	cr_expect(has(&r.head, path), "%s", buf_text(&r.head));
	keep_cookie(&r, site.cookie, sizeof(site.cookie));
	ask_end(&site.http, &r);
	cr_expect_eq(stream_status(&site, &(struct ask){ .body = "" }, "open"), 204,
		"who is in already needs no ticket");
	cr_expect_eq(stream_status(&site, &(struct ask){ 0 }, "pictures/1"), 404, "but it may ask");
}

Test(viewer, behind_a_proxy_cookies_are_of_its_path_and_https)
{
	struct reply r;
	char path[80];
	site_end(&site);
	site_begin_with(&site, (struct vm_config){ .backend = "fake" },
		&(struct viewer_options){ .prefix = "/desk/",
			.secure = true,
			.frame_ancestors = "'self' https://app.example" });
	open_stream(&site, STREAM_VIEW, 60);
	ask_stream(&site, &(struct ask){ .body = site.ticket }, "open", &r);
	snprintf(path, sizeof(path), "Path=/desk/s/%s/; Max-Age=60; Secure; Partitioned\r\n",
		site.id);
	cr_expect(has(&r.head, path), "%s", buf_text(&r.head));
	cr_expect(has(&r.head, "SameSite=None"), "it is for a frame of another site");
	cr_expect(has(&r.head, "frame-ancestors 'self' https://app.example;"));
	cr_expect_not(has(&r.head, "x-frame-options"));
	ask_end(&site.http, &r);
}

Test(viewer, options_that_cannot_be_are_refused)
{
	struct err err;
	static const struct viewer_options bad[] = {
		{ .prefix = "desk" },
		{ .prefix = "/a b" },
		{ .prefix = "/a;b" },
		{ .frame_ancestors = "" },
		{ .frame_ancestors = "https://a; script-src *" },
		{ .frame_ancestors = "https://a\r\nX: y" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_null(viewer_pages_new(site.http.http, site.desktops, &bad[i], &err));
		cr_expect_eq(err.kind, ERR_ARGUMENT);
	}
}

/* ---- watching ---- */

Test(viewer, a_page_is_told_who_it_is_and_how_things_are)
{
	struct page p;
	char hello[200];
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	page_open(&site, &p);
	snprintf(hello, sizeof(hello),
		"\"mode\":\"view\",\"sandbox\":\"%s\",\"window\":0,\"expires\":%lld,\"now\":",
		vm_id(site.vm), (long long)site.stream->expires);
	cr_expect(has(&p.events.body, hello), "%s", buf_text(&p.events.body));
	cr_expect(has(&p.events.body, "{\"sandbox\":\"ready\",\"screen\":[1280,800],\"control\":"
				      "{\"holder\":\"agent\",\"since\":0},\"mine\":false,"
				      "\"viewers\":1,\"picture\":"),
		"%s", buf_text(&p.events.body));
	cr_expect(has(&p.events.head, "default-src 'none'"));
	cr_expect_eq(site.stream->viewers, 1);
	cr_expect_eq(p.seen.width, 1280);
	page_close(&site, &p);
	until(&site.http, site.stream->viewers == 0);
}

Test(viewer, a_page_that_comes_back_is_the_same_one)
{
	struct page p;
	char before[ID_LEN + 1];
	site_reopen(3000);
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	page_open(&site, &p);
	cr_assert_eq(page_control(&site, &p, "\"take\":\"Ana\"", NULL), 200);
	uint64_t fence = vm_control(site.vm)->fence;
	memcpy(before, p.viewer, sizeof(before));
	page_close(&site, &p);
	until(&site.http, site.stream->viewers == 0);
	p = (struct page){ 0 };
	page_listen(&site, &p, before);
	cr_expect_str_eq(p.viewer, before);
	cr_expect(page_heard(&site, &p, "\"mine\":true"));
	page_watch(&site, &p);
	page_key(&site, &p, 'k');
	until_typed(&site, "k");
	host_for_ms(&site.host, 3200);
	cr_expect(vm_control_is(site.vm, fence), "nothing was handed back");
	cr_assert_eq(page_control(&site, &p, "\"give_back\":true", NULL), 200);
	cr_expect(typed_is(&site, "k"));
	page_close(&site, &p);
}

Test(viewer, a_page_whose_cut_nobody_noticed_is_let_in_again)
{
	struct page old, p;
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	page_open(&site, &old);
	p = (struct page){ 0 };
	page_listen(&site, &p, old.viewer);
	cr_expect_str_eq(p.viewer, old.viewer);
	page_watch(&site, &p);
	until(&site.http, page_hear(&old));
	until(&site.http, is_done(&site.http, &old.events));
	cr_expect_eq(site.stream->viewers, 1);
	page_close(&site, &old);
	fixture_settle(&site.http);
	cr_expect_eq(site.stream->viewers, 1);
	cr_expect_not(page_hear(&p));
	page_close(&site, &p);
}

/* ---- control ---- */

static void open_two(struct page *p, struct page *other)
{
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	page_open(&site, p);
	page_open(&site, other);
}

Test(viewer, who_takes_control_types_and_the_agent_does_not)
{
	struct page p, other;
	struct err err;
	open_two(&p, &other);
	page_key(&site, &p, 'n');
	auto_buf struct buf said = { 0 };
	cr_assert_eq(page_control(&site, &p, "\"take\":\"  Ana\\nof Ops \"", &said), 200);
	cr_expect(has(&said, "{\"fence\":1}"), "%s", buf_text(&said));
	cr_expect_str_eq(vm_control(site.vm)->who, "Ana of Ops");
	cr_expect_not(vm_control_agent_may(site.vm, &err));
	until_heard(&site, &p, "\"who\":\"Ana of Ops\"},\"mine\":true,\"viewers\":2");
	until_heard(&site, &other, "\"who\":\"Ana of Ops\"},\"mine\":false");
	page_key(&site, &other, 'o');
	fixture_settle(&site.http);
	page_key(&site, &p, 'y');
	until_typed(&site, "y");
	cr_assert_eq(page_control(&site, &p, "\"give_back\":true,\"message\":\"done\"", NULL), 200);
	cr_expect(vm_control_agent_may(site.vm, &err));
	page_key(&site, &p, 'l');
	fixture_settle(&site.http);
	cr_expect(typed_is(&site, "y"));
	auto_free char *note = vm_take_note(site.vm);
	cr_expect(note && strstr(note, "done"), "%s", note ? note : "");
	page_close(&site, &p);
	page_close(&site, &other);
}

Test(viewer, a_later_person_takes_over_from_an_earlier_one)
{
	struct page p, other;
	open_two(&p, &other);
	cr_assert_eq(page_control(&site, &p, "\"take\":\"Ana\"", NULL), 200);
	cr_assert_eq(page_control(&site, &other, "\"take\":\"Bo\"", NULL), 200);
	until_heard(&site, &p, "\"who\":\"Bo\"},\"mine\":false");
	page_key(&site, &p, 'p');
	fixture_settle(&site.http);
	page_key(&site, &other, 'o');
	until_typed(&site, "o");
	auto_buf struct buf said = { 0 };
	cr_expect_eq(page_control(&site, &p, "\"give_back\":true", &said), 409);
	cr_expect(has(&said, "no longer have control"), "%s", buf_text(&said));
	cr_expect_eq(page_control(&site, &other, "\"give_back\":true", NULL), 200);
	cr_expect(typed_is(&site, "o"));
	page_close(&site, &p);
	page_close(&site, &other);
}

Test(viewer, keys_held_by_an_earlier_user_are_released)
{
	struct page p, other;
	open_two(&p, &other);
	cr_assert_eq(page_control(&site, &p, "\"take\":\"Ana\"", NULL), 200);
	auto_buf struct buf out = { 0 };
	rfb_say_key(&out, true, 'p');
	peer_say(&site.http, &p.peer, 0x82, out.data, out.len);
	until_typed(&site, "p");
	cr_assert_eq(page_control(&site, &other, "\"take\":\"Bo\"", NULL), 200);
	struct answer *answer = host_exec(&site.host, site.vm, "cat events", 10000);
	cr_expect_str_eq(answer->out, "rfb key 112 down\nrfb key 112 up\n");
	answer_free(answer);
	page_close(&site, &p);
	page_close(&site, &other);
}

Test(viewer, an_agent_that_does_not_take_control_away_loses_the_viewer)
{
	struct page p, other;
	open_two(&p, &other);
	cr_assert_eq(page_control(&site, &p, "\"take\":\"Ana\"", NULL), 200);
	answer_free(host_exec(&site.host, site.vm, "set unruly", 10000));
	cr_assert_eq(page_control(&site, &other, "\"take\":\"Bo\"", NULL), 200);
	until(&site.http, page_hear(&p));
	cr_expect_eq(page_code(&p), STREAM_ENDED);
	cr_expect_not(page_hear(&other), "it has control, as far as anybody knows");
	page_close(&site, &p);
	page_close(&site, &other);
}

Test(viewer, what_a_user_does_is_a_use_of_the_sandbox_and_what_is_refused_is_none)
{
	struct page p, other;
	site_end(&site);
	site_begin_with(&site,
		(struct vm_config){ .backend = "fake", .default_spec.idle_ms = 60000 },
		&(struct viewer_options){ 0 });
	open_two(&p, &other);
	cr_assert_eq(page_control(&site, &p, "\"take\":\"Ana\"", NULL), 200);
	int64_t idle = vm_times(site.vm).idle;
	host_for_ms(&site.host, 20);
	page_key(&site, &other, 'o');
	fixture_settle(&site.http);
	cr_expect_eq(vm_times(site.vm).idle, idle);
	page_key(&site, &p, 'p');
	until(&site.http, vm_times(site.vm).idle > idle);
	page_close(&site, &p);
	page_close(&site, &other);
}

Test(viewer, who_goes_away_hands_back_after_a_while)
{
	struct page p;
	site_reopen(300);
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	page_open(&site, &p);
	cr_assert_eq(page_control(&site, &p, "\"take\":\"Ana\"", NULL), 200);
	page_close(&site, &p);
	until(&site.http, site.stream->viewers == 0);
	cr_expect_eq(vm_control(site.vm)->holder, VM_HELD_BY_USER, "for a moment");
	until(&site.http, vm_control(site.vm)->holder == VM_HELD_BY_AGENT);
}

Test(viewer, the_agents_wish_for_a_person_is_shown)
{
	struct page p;
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	page_open(&site, &p);
	struct vm_user_wait *wait = vm_control_ask(site.vm, "solve \"this\"", NULL, NULL);
	until_heard(&site, &p, "\"wanted\":\"solve \\\"this\\\"\"");
	vm_control_ask_cancel(wait);
	page_close(&site, &p);
}

/* ---- the end ---- */

static void expect_end(struct viewer_site *t, struct page *p, unsigned code, const char *reason)
{
	char text[100];
	snprintf(text, sizeof(text), "event: ended\ndata: {\"code\":%u,\"reason\":\"", code);
	until_heard(t, p, text);
	cr_expect(has(&p->events.body, reason), "%s", buf_text(&p->events.body));
	until(&t->http, is_done(&t->http, &p->events));
	until(&t->http, page_hear(p));
	cr_expect_eq(page_code(p), code);
}

Test(viewer, a_stream_that_is_revoked_closes_its_viewers)
{
	struct page p, other;
	struct err err;
	struct viewer_site second;
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	page_open(&site, &p);
	cr_assert_eq(page_control(&site, &p, "\"take\":\"Ana\"", NULL), 200);
	second = site;
	open_stream(&second, STREAM_VIEW, 60);
	let_in(&second);
	page_open(&second, &other);
	cr_assert(streams_revoke(site.streams, "alice", site.id, &err));
	expect_end(&site, &p, STREAM_REVOKED, "revoked");
	cr_expect_eq(vm_control(site.vm)->holder, VM_HELD_BY_AGENT);
	cr_expect_eq(stream_status(&site, &(struct ask){ 0 }, "events"), 410);
	cr_expect_not(page_hear(&other), "another stream goes on");
	until_heard(&site, &other, "\"viewers\":1,\"picture\":");
	page_close(&site, &p);
	page_close(&site, &other);
}

Test(viewer, a_stream_that_expires_closes_its_viewers)
{
	struct page p;
	open_stream(&site, STREAM_VIEW, 4);
	let_in(&site);
	page_open(&site, &p);
	expect_end(&site, &p, STREAM_EXPIRED, "expired");
	page_close(&site, &p);
}

Test(viewer, a_sandbox_that_ends_is_gone)
{
	struct page p;
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	page_open(&site, &p);
	vm_stop(site.vm, "somebody ended it");
	expect_end(&site, &p, STREAM_GONE, "The desktop has ended.");
	cr_expect_eq(stream_status(&site, &(struct ask){ 0 }, "events"), 410);
	page_close(&site, &p);
}

static void on_done(struct vm *vm, const struct err *err, void *data)
{
	(void)vm;
	cr_assert_null(err, "%s", err->text);
	*(bool *)data = true;
}

Test(viewer, a_paused_sandbox_says_so_and_is_watched_again_later)
{
	struct page p;
	bool paused = false;
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	page_open(&site, &p);
	vm_pause(site.vm, on_done, &paused);
	until_heard(&site, &p, "{\"sandbox\":\"paused\"");
	until(&site.http, page_hear(&p));
	cr_expect_eq(page_code(&p), STREAM_PAUSED);
	page_close_socket(&p);
	page_open_socket(&site, &p);
	until(&site.http, page_hear(&p));
	cr_expect_eq(page_code(&p), STREAM_PAUSED, "and is not resumed for a spectator");
	page_close_socket(&p);
	until(&site.http, paused);
	cr_expect_eq(page_control(&site, &p, "\"take\":\"Ana\"", NULL), 409);
	page_forget(&p);
	struct waited waited = host_wait(&site.host, site.vm);
	cr_assert_eq(waited.err.kind, ERR_NONE);
	until_heard(&site, &p, "{\"sandbox\":\"ready\"");
	page_watch(&site, &p);
	page_close(&site, &p);
}

Test(viewer, the_server_ends_while_pages_are_open)
{
	struct page p;
	open_stream(&site, STREAM_CONTROL, 60);
	let_in(&site);
	page_open(&site, &p);
	cr_assert_eq(page_control(&site, &p, "\"take\":\"Ana\"", NULL), 200);
	page_close_socket(&p);
	page_open_socket(&site, &p);
	curl_multi_remove_handle(site.http.multi, p.events.easy);
	curl_easy_cleanup(p.events.easy);
	curl_slist_free_all(p.events.headers);
	buf_done(&p.events.head);
	buf_done(&p.events.body);
	page_close_socket(&p);
}

/* ---- metrics ---- */

Test(viewer, viewers_and_their_bytes_are_counted)
{
	struct page p;
	struct metrics_now now = { 0 };
	auto_buf struct buf text = { 0 }, after = { 0 };
	open_stream(&site, STREAM_VIEW, 60);
	let_in(&site);
	page_open(&site, &p);
	metrics_write(site.metrics, &now, &text);
	cr_expect(has(&text, "\nvitrine_viewers 1\n"));
	page_close(&site, &p);
	until(&site.http, site.stream->viewers == 0);
	metrics_write(site.metrics, &now, &after);
	cr_expect(has(&after, "\nvitrine_viewers 0\n"));
	cr_expect(has(&after, "\nvitrine_viewers_bytes_total{direction=\"in\"} 14\n"));
	cr_expect_not(has(&after, "\nvitrine_viewers_bytes_total{direction=\"out\"} 0\n"));
}
