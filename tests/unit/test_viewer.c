// USES tools server PkgConfig::curl PkgConfig::gnutls
/* The viewer's pages as a browser uses them: coming in, watching, taking control, being told. */
#include "viewer_fixture.h"

/* ---- coming in ---- */

Test(viewer, a_page_is_the_same_for_all_and_asks_nobody_else)
{
	struct desk_test t;
	struct reply r, ended;
	desk_begin(&t);
	open_stream(&t, STREAM_VIEW, 60);
	ask_stream(&t, &(struct ask){ 0 }, "", &r);
	cr_expect_eq(r.status, 200);
	cr_expect(has(&r.head, "content-type: text/html"));
	cr_expect(has(&r.head, "default-src 'none'; script-src 'self'"));
	cr_expect(has(&r.head, "frame-ancestors 'none'"));
	cr_expect(has(&r.head, "x-frame-options: DENY"));
	cr_expect(has(&r.head, "referrer-policy: no-referrer"));
	cr_expect(has(&r.head, "x-content-type-options: nosniff"));
	cr_expect(has(&r.head, "cross-origin-opener-policy: same-origin"));
	cr_expect_not(has(&r.head, "set-cookie"));
	cr_expect_not(has(&r.body, t.id), "it holds nothing of the stream");
	memset(t.id, 'z', ID_LEN);
	ask_stream(&t, &(struct ask){ 0 }, "", &ended);
	cr_expect_eq(ended.status, 200);
	cr_expect_str_eq(buf_text(&ended.body), buf_text(&r.body));
	ask_end(&t.http, &r);
	ask_end(&t.http, &ended);
	desk_end(&t);
}

Test(viewer, a_link_without_its_slash_leads_to_the_page)
{
	struct desk_test t;
	struct reply r;
	char path[40];
	desk_begin(&t);
	open_stream(&t, STREAM_VIEW, 60);
	snprintf(path, sizeof(path), "/s/%s", t.id);
	fetch(&t.http, &(struct ask){ .path = path, .token = "" }, &r);
	cr_expect_eq(r.status, 308);
	snprintf(path, sizeof(path), "Location: %s/\r\n", t.id);
	cr_expect(has(&r.head, path), "relative, for a proxy's prefix");
	ask_end(&t.http, &r);
	desk_end(&t);
}

Test(viewer, files_are_kept_by_their_etag)
{
	struct desk_test t;
	struct reply r;
	char etag[200] = "If-None-Match: ";
	desk_begin(&t);
	struct ask ask = { .path = "/assets/viewer.js", .token = "" };
	fetch(&t.http, &ask, &r);
	cr_assert_eq(r.status, 200);
	cr_expect(has(&r.head, "content-type: text/javascript"));
	cr_expect(has(&r.head, "cache-control: no-cache"));
	cr_expect_not(has(&r.head, "no-store"));
	const char *at = strcasestr(buf_text(&r.head), "etag: ");
	cr_assert(at);
	snprintf(etag + strlen(etag), 100, "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
	ask_end(&t.http, &r);
	ask.headers[0] = etag;
	cr_expect_eq(status_of(&t.http, &ask), 304);
	cr_expect_eq(
		status_of(&t.http, &(struct ask){ .path = "/assets/../viewer.h", .token = "" }),
		404);
	cr_expect_eq(status_of(&t.http, &(struct ask){ .path = "/assets/", .token = "" }), 404);
	desk_end(&t);
}

Test(viewer, a_ticket_buys_a_cookie_of_its_stream)
{
	struct desk_test t;
	struct reply r;
	char path[60];
	desk_begin(&t);
	open_stream(&t, STREAM_VIEW, 60);
	cr_expect_eq(stream_status(&t, &(struct ask){ 0 }, "events"), 401);
	ask_stream(&t, &(struct ask){ .body = t.ticket }, "open", &r);
	cr_assert_eq(r.status, 204);
	snprintf(path, sizeof(path), "Path=/s/%s/; Max-Age=60\r\n", t.id);
	cr_expect(has(&r.head, "; HttpOnly; SameSite=Strict; "));
	cr_expect(has(&r.head, path), "%s", buf_text(&r.head));
	keep_cookie(&r, t.cookie, sizeof(t.cookie));
	ask_end(&t.http, &r);
	cr_expect_eq(stream_status(&t, &(struct ask){ .body = "" }, "open"), 204,
		"who is in already needs no ticket");
	cr_expect_eq(stream_status(&t, &(struct ask){ 0 }, "pictures/1"), 404, "but it may ask");
	desk_end(&t);
}

Test(viewer, behind_a_proxy_cookies_are_of_its_path_and_https)
{
	struct desk_test t;
	struct reply r;
	char path[80];
	desk_begin_with(&t, (struct vm_config){ .backend = "fake" },
		&(struct viewer_options){ .prefix = "/desk/",
			.secure = true,
			.frame_ancestors = "'self' https://app.example" });
	open_stream(&t, STREAM_VIEW, 60);
	ask_stream(&t, &(struct ask){ .body = t.ticket }, "open", &r);
	snprintf(path, sizeof(path), "Path=/desk/s/%s/; Max-Age=60; Secure; Partitioned\r\n", t.id);
	cr_expect(has(&r.head, path), "%s", buf_text(&r.head));
	cr_expect(has(&r.head, "SameSite=None"), "it is for a frame of another site");
	cr_expect(has(&r.head, "frame-ancestors 'self' https://app.example;"));
	cr_expect_not(has(&r.head, "x-frame-options"));
	ask_end(&t.http, &r);
	desk_end(&t);
}

Test(viewer, options_that_cannot_be_are_refused)
{
	struct desk_test t;
	struct err err;
	desk_begin(&t);
	static const struct viewer_options bad[] = {
		{ .prefix = "desk" },
		{ .prefix = "/a b" },
		{ .prefix = "/a;b" },
		{ .frame_ancestors = "" },
		{ .frame_ancestors = "https://a; script-src *" },
		{ .frame_ancestors = "https://a\r\nX: y" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_null(
			viewer_pages_new(t.http.http, t.streams, t.host.pool, &bad[i], &err));
		cr_expect_eq(err.kind, ERR_ARGUMENT);
	}
	desk_end(&t);
}

/* ---- watching ---- */

Test(viewer, a_page_is_told_who_it_is_and_how_things_are)
{
	struct desk_test t;
	struct page p;
	char hello[200];
	desk_begin(&t);
	open_stream(&t, STREAM_VIEW, 60);
	let_in(&t);
	page_open(&t, &p);
	snprintf(hello, sizeof(hello),
		"\"mode\":\"view\",\"sandbox\":\"%s\",\"window\":0,\"expires\":%lld,\"now\":",
		vm_id(t.vm), (long long)t.stream->expires);
	cr_expect(has(&p.events.body, hello), "%s", buf_text(&p.events.body));
	cr_expect(has(&p.events.body, "{\"sandbox\":\"ready\",\"screen\":[1280,800],\"control\":"
				      "{\"holder\":\"agent\",\"since\":0},\"mine\":false,"
				      "\"viewers\":1}"),
		"%s", buf_text(&p.events.body));
	cr_expect(has(&p.events.head, "default-src 'none'"));
	cr_expect_eq(t.stream->viewers, 1);
	cr_expect_eq(p.seen.width, 1280);
	page_close(&t, &p);
	until(&t.http, t.stream->viewers == 0);
	desk_end(&t);
}

Test(viewer, a_page_that_comes_back_is_the_same_one)
{
	struct desk_test t;
	struct page p;
	char before[ID_LEN + 1];
	desk_begin_graceful(&t, 3000);
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	page_open(&t, &p);
	cr_assert_eq(page_control(&t, &p, "\"take\":\"Ana\"", NULL), 200);
	uint64_t fence = vm_control(t.vm)->fence;
	memcpy(before, p.viewer, sizeof(before));
	page_close(&t, &p);
	until(&t.http, t.stream->viewers == 0);
	p = (struct page){ 0 };
	page_listen(&t, &p, before);
	cr_expect_str_eq(p.viewer, before);
	cr_expect(page_heard(&t, &p, "\"mine\":true"));
	page_watch(&t, &p);
	page_key(&t, &p, 'k');
	until_typed(&t, "k");
	host_for_ms(&t.host, 3200);
	cr_expect(vm_control_is(t.vm, fence), "nothing was handed back");
	cr_assert_eq(page_control(&t, &p, "\"give_back\":true", NULL), 200);
	cr_expect(typed_is(&t, "k"));
	page_close(&t, &p);
	desk_end(&t);
}

Test(viewer, a_page_whose_cut_nobody_noticed_is_let_in_again)
{
	struct desk_test t;
	struct page old, p;
	desk_begin(&t);
	open_stream(&t, STREAM_VIEW, 60);
	let_in(&t);
	page_open(&t, &old);
	p = (struct page){ 0 };
	page_listen(&t, &p, old.viewer);
	cr_expect_str_eq(p.viewer, old.viewer);
	page_watch(&t, &p);
	until(&t.http, page_read(&old));
	until(&t.http, is_done(&t.http, &old.events));
	cr_expect_eq(t.stream->viewers, 1);
	page_close(&t, &old);
	settle(&t.http);
	cr_expect_eq(t.stream->viewers, 1);
	cr_expect_not(page_read(&p));
	page_close(&t, &p);
	desk_end(&t);
}

/* ---- control ---- */

Test(viewer, who_takes_control_types_and_the_agent_does_not)
{
	struct desk_test t;
	struct page p, other;
	struct err err;
	desk_begin(&t);
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	page_open(&t, &p);
	page_open(&t, &other);
	page_key(&t, &p, 'n');
	auto_buf struct buf said = { 0 };
	cr_assert_eq(page_control(&t, &p, "\"take\":\"  Ana\\nof Ops \"", &said), 200);
	cr_expect(has(&said, "{\"fence\":1}"), "%s", buf_text(&said));
	cr_expect_str_eq(vm_control(t.vm)->who, "Ana of Ops");
	cr_expect_not(vm_control_agent_may(t.vm, &err));
	until_heard(&t, &p, "\"who\":\"Ana of Ops\"},\"mine\":true,\"viewers\":2");
	until_heard(&t, &other, "\"who\":\"Ana of Ops\"},\"mine\":false");
	page_key(&t, &other, 'o');
	settle(&t.http);
	page_key(&t, &p, 'y');
	until_typed(&t, "y");
	cr_assert_eq(page_control(&t, &p, "\"give_back\":true,\"says\":\"done\"", NULL), 200);
	cr_expect(vm_control_agent_may(t.vm, &err));
	page_key(&t, &p, 'l');
	settle(&t.http);
	cr_expect(typed_is(&t, "y"));
	auto_free char *note = vm_take_note(t.vm);
	cr_expect(note && strstr(note, "done"), "%s", note ? note : "");
	page_close(&t, &p);
	page_close(&t, &other);
	desk_end(&t);
}

Test(viewer, a_later_person_takes_over_from_an_earlier_one)
{
	struct desk_test t;
	struct page p, other;
	desk_begin(&t);
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	page_open(&t, &p);
	page_open(&t, &other);
	cr_assert_eq(page_control(&t, &p, "\"take\":\"Ana\"", NULL), 200);
	cr_assert_eq(page_control(&t, &other, "\"take\":\"Bo\"", NULL), 200);
	until_heard(&t, &p, "\"who\":\"Bo\"},\"mine\":false");
	page_key(&t, &p, 'p');
	settle(&t.http);
	page_key(&t, &other, 'o');
	until_typed(&t, "o");
	auto_buf struct buf said = { 0 };
	cr_expect_eq(page_control(&t, &p, "\"give_back\":true", &said), 409);
	cr_expect(has(&said, "you do not have control"), "%s", buf_text(&said));
	cr_expect_eq(page_control(&t, &other, "\"give_back\":true", NULL), 200);
	cr_expect(typed_is(&t, "o"));
	page_close(&t, &p);
	page_close(&t, &other);
	desk_end(&t);
}

Test(viewer, who_goes_away_hands_back_after_a_while)
{
	struct desk_test t;
	struct page p;
	desk_begin_graceful(&t, 300);
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	page_open(&t, &p);
	cr_assert_eq(page_control(&t, &p, "\"take\":\"Ana\"", NULL), 200);
	page_close(&t, &p);
	until(&t.http, t.stream->viewers == 0);
	cr_expect_eq(vm_control(t.vm)->holder, VM_HELD_BY_PERSON, "for a moment");
	until(&t.http, vm_control(t.vm)->holder == VM_HELD_BY_AGENT);
	desk_end(&t);
}

Test(viewer, the_agents_wish_for_a_person_is_shown)
{
	struct desk_test t;
	struct page p;
	desk_begin(&t);
	open_stream(&t, STREAM_VIEW, 60);
	let_in(&t);
	page_open(&t, &p);
	struct vm_person_wait *wait = vm_control_ask(t.vm, "solve \"this\"", NULL, NULL);
	until_heard(&t, &p, "\"wanted\":\"solve \\\"this\\\"\"");
	vm_control_ask_cancel(wait);
	page_close(&t, &p);
	desk_end(&t);
}

/* ---- the end ---- */

static void expect_end(struct desk_test *t, struct page *p, unsigned code, const char *reason)
{
	char text[100];
	snprintf(text, sizeof(text), "event: ended\ndata: {\"code\":%u,\"reason\":\"", code);
	until_heard(t, p, text);
	cr_expect(has(&p->events.body, reason), "%s", buf_text(&p->events.body));
	until(&t->http, is_done(&t->http, &p->events));
	until(&t->http, page_read(p));
	cr_expect_eq(page_code(p), code);
}

Test(viewer, a_stream_that_is_revoked_closes_its_viewers)
{
	struct desk_test t;
	struct page p, other;
	struct err err;
	struct desk_test second;
	desk_begin(&t);
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	page_open(&t, &p);
	cr_assert_eq(page_control(&t, &p, "\"take\":\"Ana\"", NULL), 200);
	second = t;
	open_stream(&second, STREAM_VIEW, 60);
	let_in(&second);
	page_open(&second, &other);
	cr_assert(streams_revoke(t.streams, "alice", t.id, &err));
	expect_end(&t, &p, STREAM_REVOKED, "revoked");
	cr_expect_eq(vm_control(t.vm)->holder, VM_HELD_BY_AGENT);
	cr_expect_eq(stream_status(&t, &(struct ask){ 0 }, "events"), 410);
	cr_expect_not(page_read(&other), "another stream goes on");
	until_heard(&t, &other, "\"viewers\":1}");
	page_close(&t, &p);
	page_close(&t, &other);
	desk_end(&t);
}

Test(viewer, a_stream_that_expires_closes_its_viewers)
{
	struct desk_test t;
	struct page p;
	desk_begin(&t);
	open_stream(&t, STREAM_VIEW, 4);
	let_in(&t);
	page_open(&t, &p);
	expect_end(&t, &p, STREAM_EXPIRED, "time is over");
	page_close(&t, &p);
	desk_end(&t);
}

Test(viewer, a_sandbox_that_ends_is_gone)
{
	struct desk_test t;
	struct page p;
	desk_begin(&t);
	open_stream(&t, STREAM_VIEW, 60);
	let_in(&t);
	page_open(&t, &p);
	vm_stop(t.vm, "somebody ended it");
	expect_end(&t, &p, STREAM_GONE, "The desktop is gone.");
	cr_expect_eq(stream_status(&t, &(struct ask){ 0 }, "events"), 410);
	page_close(&t, &p);
	desk_end(&t);
}

static void on_done(struct vm *vm, const struct err *err, void *data)
{
	(void)vm;
	cr_assert_null(err, "%s", err->text);
	*(bool *)data = true;
}

Test(viewer, a_paused_sandbox_says_so_and_is_watched_again_later)
{
	struct desk_test t;
	struct page p;
	bool paused = false;
	desk_begin(&t);
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	page_open(&t, &p);
	vm_pause(t.vm, on_done, &paused);
	until_heard(&t, &p, "{\"sandbox\":\"paused\"");
	until(&t.http, page_read(&p));
	cr_expect_eq(page_code(&p), STREAM_PAUSED);
	page_unplug(&p);
	page_plug(&t, &p);
	until(&t.http, page_read(&p));
	cr_expect_eq(page_code(&p), STREAM_PAUSED, "and is not resumed for a spectator");
	page_unplug(&p);
	until(&t.http, paused);
	cr_expect_eq(page_control(&t, &p, "\"take\":\"Ana\"", NULL), 409);
	page_forget(&p);
	struct waited waited = host_wait(&t.host, t.vm);
	cr_assert_eq(waited.err.kind, ERR_NONE);
	until_heard(&t, &p, "{\"sandbox\":\"ready\"");
	page_watch(&t, &p);
	page_close(&t, &p);
	desk_end(&t);
}

Test(viewer, the_server_ends_while_pages_are_open)
{
	struct desk_test t;
	struct page p;
	desk_begin(&t);
	open_stream(&t, STREAM_CONTROL, 60);
	let_in(&t);
	page_open(&t, &p);
	cr_assert_eq(page_control(&t, &p, "\"take\":\"Ana\"", NULL), 200);
	page_unplug(&p);
	page_plug(&t, &p);
	curl_multi_remove_handle(t.http.multi, p.events.easy);
	curl_easy_cleanup(p.events.easy);
	curl_slist_free_all(p.events.headers);
	buf_done(&p.events.head);
	buf_done(&p.events.body);
	desk_end(&t);
	page_unplug(&p);
}

/* ---- metrics ---- */

Test(viewer, viewers_and_their_bytes_are_counted)
{
	struct desk_test t;
	struct page p;
	struct metrics_now now = { 0 };
	auto_buf struct buf text = { 0 }, after = { 0 };
	desk_begin(&t);
	open_stream(&t, STREAM_VIEW, 60);
	let_in(&t);
	page_open(&t, &p);
	metrics_write(t.metrics, &now, &text);
	cr_expect(has(&text, "\nvitrine_viewers 1\n"));
	page_close(&t, &p);
	until(&t.http, t.stream->viewers == 0);
	metrics_write(t.metrics, &now, &after);
	cr_expect(has(&after, "\nvitrine_viewers 0\n"));
	cr_expect(has(&after, "\nvitrine_viewers_bytes_total{direction=\"in\"} 14\n"));
	cr_expect_not(has(&after, "\nvitrine_viewers_bytes_total{direction=\"out\"} 0\n"));
	desk_end(&t);
}
