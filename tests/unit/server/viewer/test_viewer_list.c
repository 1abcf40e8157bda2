// USES tools server PkgConfig::curl PkgConfig::gnutls
/* The list of one's sandboxes: who sees it, what is in it, thumbnails, and the way to a stream. */
#include "tests/support/viewer_fixture.h"
#include "vm/backends.h"

TestSuite(viewer_list, .init = site_open, .fini = site_close);

static struct ask of(const char *method, const char *path, const char *header)
{
	return (struct ask){
		.method = method, .path = path, .token = "", .plain = true, .headers = { header }
	};
}

static void sign_in(struct viewer_site *t, const char *token, char *cookie, size_t size)
{
	struct reply r;
	struct ask ask = of("POST", "/session", NULL);
	ask.body = token;
	fetch(&t->http, &ask, &r);
	cr_assert_eq(r.status, 204, "%s", buf_text(&r.body));
	cr_expect(has(&r.head, "; HttpOnly; SameSite=Strict; Path=/; Max-Age="));
	keep_cookie(&r, cookie, size);
	ask_end(&t->http, &r);
}

Test(viewer_list, the_page_is_for_everyone_and_the_list_for_those_with_a_token)
{
	struct reply r;
	char cookie[120];
	cr_expect_eq(status_of(&site.http, &(struct ask){ .path = "/", .token = "" }), 200);
	struct ask ask = of(NULL, "/sandboxes", NULL);
	cr_expect_eq(status_of(&site.http, &ask), 401);
	sign_in(&site, "alices-token", cookie, sizeof(cookie));
	ask.headers[0] = cookie;
	fetch(&site.http, &ask, &r);
	cr_expect_eq(r.status, 200);
	cr_expect(has(&r.body, vm_id(site.vm)));
	cr_expect(
		has(&r.body, "\"state\":\"ready\",\"backend\":\"fake\""), "%s", buf_text(&r.body));
	cr_expect(
		has(&r.body, "\"screen\":[1280,800],\"control\":{\"holder\":\"agent\",\"since\":0},"
			     "\"viewers\":0}"),
		"%s", buf_text(&r.body));
	ask_end(&site.http, &r);
	fetch(&site.http, &(struct ask){ .path = "/sandboxes" }, &r);
	cr_expect(has(&r.body, vm_id(site.vm)), "a bearer token does it, too");
	ask_end(&site.http, &r);
}

Test(viewer_list, others_see_nothing_of_it)
{
	struct reply r;
	char cookie[120], path[80];
	sign_in(&site, "bobs-token", cookie, sizeof(cookie));
	struct ask ask = of(NULL, "/sandboxes", cookie);
	fetch(&site.http, &ask, &r);
	cr_expect_str_eq(buf_text(&r.body), "{\"sandboxes\":[]}");
	ask_end(&site.http, &r);
	snprintf(path, sizeof(path), "/sandboxes/%s/thumbnail", vm_id(site.vm));
	ask.path = path;
	cr_expect_eq(status_of(&site.http, &ask), 404);
	snprintf(path, sizeof(path), "/sandboxes/%s/stream", vm_id(site.vm));
	ask.body = "{}";
	cr_expect_eq(status_of(&site.http, &ask), 404);
}

Test(viewer_list, wrong_tokens_and_cookies_are_refused)
{
	char cookie[120];
	static char large[10000];
	memset(large, 'x', sizeof(large) - 1);
	struct ask ask = of("POST", "/session", NULL);
	ask.body = "no-token";
	cr_expect_eq(status_of(&site.http, &ask), 401);
	ask.body = "";
	cr_expect_eq(status_of(&site.http, &ask), 401);
	ask.body = large;
	cr_expect_eq(status_of(&site.http, &ask), 413);
	sign_in(&site, "alices-token", cookie, sizeof(cookie));
	cookie[strlen(cookie) - 1] ^= 1;
	ask = of(NULL, "/sandboxes", cookie);
	cr_expect_eq(status_of(&site.http, &ask), 401);
}

Test(viewer_list, pages_of_others_do_not_get_it)
{
	char cookie[120];
	sign_in(&site, "alices-token", cookie, sizeof(cookie));
	struct ask ask = of(NULL, "/sandboxes", cookie);
	ask.headers[1] = "Origin: http://localhost:1";
	cr_expect_eq(status_of(&site.http, &ask), 403);
	ask.headers[1] = "Sec-Fetch-Site: same-site";
	cr_expect_eq(status_of(&site.http, &ask), 403);
	ask.headers[1] = "Sec-Fetch-Site: same-origin";
	cr_expect_eq(status_of(&site.http, &ask), 200);
	ask = of("POST", "/session", "Origin: http://localhost:1");
	ask.body = "alices-token";
	cr_expect_eq(status_of(&site.http, &ask), 403);
}

Test(viewer_list, the_oldest_session_makes_room)
{
	char alices[120], first[120], last[120];
	sign_in(&site, "alices-token", alices, sizeof(alices));
	sign_in(&site, "bobs-token", first, sizeof(first));
	for (int i = 0; i < 300; i++) {
		sign_in(&site, "bobs-token", last, sizeof(last));
	}
	struct ask ask = of(NULL, "/sandboxes", first);
	cr_expect_eq(status_of(&site.http, &ask), 401);
	ask.headers[0] = alices;
	cr_expect_eq(status_of(&site.http, &ask), 200, "others are not signed out by that");
	ask.headers[0] = last;
	cr_expect_eq(status_of(&site.http, &ask), 200);
}

Test(viewer_list, a_thumbnail_is_small_and_made_once_for_all_who_ask)
{
	struct reply r[4];
	char path[80], etag[100];
	snprintf(path, sizeof(path), "/sandboxes/%s/thumbnail", vm_id(site.vm));
	for (int i = 0; i < 4; i++) {
		ask_begin(&site.http, &(struct ask){ .path = path }, &r[i]);
		curl_easy_setopt(r[i].easy, CURLOPT_PRIVATE, &r[i]);
	}
	for (int i = 0; i < 4; i++) {
		until(&site.http, is_done(&site.http, &r[i]));
		cr_expect_eq(r[i].status, 200, "%s", buf_text(&r[i].body));
		cr_expect(r[i].body.len > 100 && memcmp(r[i].body.data, "\xff\xd8\xff", 3) == 0);
		cr_expect_eq(r[i].body.len, r[0].body.len);
	}
	const char *at = strcasestr(buf_text(&r[0].head), "etag: ");
	cr_assert(at);
	snprintf(etag, sizeof(etag), "If-None-Match: %.*s", (int)strcspn(at + 6, "\r"), at + 6);
	for (int i = 0; i < 4; i++) {
		ask_end(&site.http, &r[i]);
	}
	cr_expect_eq(
		status_of(&site.http, &(struct ask){ .path = path, .headers = { etag } }), 304);
	cr_expect_eq(vm_times(site.vm).idle, 0);
}

Test(viewer_list, looking_is_no_use_of_the_sandbox)
{
	char path[80];
	site_end(&site);
	site_begin_with(&site,
		(struct vm_config){ .backend = "fake", .default_spec.idle_ms = 60000 },
		&(struct viewer_options){ 0 });
	int64_t idle = vm_times(site.vm).idle;
	cr_assert_gt(idle, 0);
	host_for_ms(&site.host, 20);
	snprintf(path, sizeof(path), "/sandboxes/%s/thumbnail", vm_id(site.vm));
	cr_expect_eq(status_of(&site.http, &(struct ask){ .path = path }), 200);
	cr_expect_eq(vm_times(site.vm).idle, idle);
}

static void on_done(struct vm *vm, const struct err *err, void *data)
{
	(void)vm;
	cr_assert_null(err, "%s", err->text);
	*(bool *)data = true;
}

Test(viewer_list, a_paused_sandbox_keeps_its_last_picture)
{
	char path[80];
	bool paused = false;
	snprintf(path, sizeof(path), "/sandboxes/%s/thumbnail", vm_id(site.vm));
	struct ask ask = { .path = path };
	cr_expect_eq(status_of(&site.http, &ask), 200);
	vm_pause(site.vm, on_done, &paused);
	until(&site.http, paused);
	cr_expect_eq(status_of(&site.http, &ask), 200);
	cr_expect_eq(vm_state(site.vm), VM_PAUSED);
	vm_stop(site.vm, "enough");
	cr_expect_eq(status_of(&site.http, &ask), 410);
}

Test(viewer_list, it_leads_to_a_stream)
{
	struct reply r;
	char path[80];
	snprintf(path, sizeof(path), "/sandboxes/%s/stream", vm_id(site.vm));
	fetch(&site.http, &(struct ask){ .path = path, .body = "{\"mode\":\"control\"}" }, &r);
	cr_assert_eq(r.status, 200, "%s", buf_text(&r.body));
	cr_assert_eq(sscanf(buf_text(&r.body), "{\"url\":\"s/%20[a-z0-9]/#%43[A-Za-z0-9_-]\"}",
			     site.id, site.ticket),
		2, "%s", buf_text(&r.body));
	ask_end(&site.http, &r);
	let_in(&site);
	struct page p;
	page_open(&site, &p);
	cr_expect(has(&p.events.body, "\"mode\":\"control\""));
	page_close(&site, &p);
	cr_expect_eq(
		status_of(&site.http, &(struct ask){ .path = path, .body = "{\"mode\":\"all\"}" }),
		400);
	for (int i = 1; i < 100; i++) {
		cr_assert_eq(
			status_of(&site.http, &(struct ask){ .path = path, .body = "{}" }), 200);
	}
	cr_expect_eq(status_of(&site.http, &(struct ask){ .path = path, .body = "{}" }), 429);
}

Test(viewer_list, without_tokens_there_is_no_list)
{
	struct fixture f = { 0 };
	struct vm_config config = { .backend = "fake" };
	struct err err;
	fixture_begin(&f);
	struct vm_pool *vms = vm_pool_new(f.event, &config, vm_backends);
	struct streams *streams = streams_new(f.event, vms);
	struct watched_desktops *desktops = watched_desktops_new(f.event, vms, streams, NULL, NULL);
	struct viewer_pages *pages =
		viewer_pages_new(f.http, desktops, &(struct viewer_options){ 0 }, &err);
	cr_assert(pages);
	cr_expect_eq(status_of(&f, &(struct ask){ .path = "/" }), 404);
	cr_expect_eq(status_of(&f, &(struct ask){ .path = "/sandboxes" }), 404);
	streamable_free(f.streamable);
	sse_free(f.sse);
	http_free(f.http);
	viewer_pages_free(pages);
	watched_desktops_free(desktops);
	streams_free(streams);
	vm_pool_free(vms);
	curl_multi_cleanup(f.multi);
	sd_event_unref(f.event);
}
