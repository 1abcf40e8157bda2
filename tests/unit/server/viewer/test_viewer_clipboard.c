// USES tools server PkgConfig::curl PkgConfig::gnutls
/* The desktop's clipboard is for the page that has control, and for nobody else. */
#include "tests/support/viewer_fixture.h"

TestSuite(viewer_clipboard, .init = site_open, .fini = site_close);

#define PNG "\x89PNG\r\n\x1a\n"
#define PLAIN "Content-Type: text/plain"

static struct page page;

static void come_in(enum stream_mode mode)
{
	open_stream(&site, mode, 60);
	let_in(&site);
	page_open(&site, &page);
}

static void come_in_and_take(void)
{
	come_in(STREAM_CONTROL);
	cr_assert_eq(page_control(&site, &page, "\"take\":\"Ann\"", NULL), 200);
}

static void copy(const char *command)
{
	answer_free(host_exec(&site.host, site.vm, command, 10000));
}

/* body NULL: reads. */
static void ask_clipboard(const char *type, const char *body, size_t len, struct reply *r)
{
	char what[60];
	snprintf(what, sizeof(what), "clipboard?viewer=%s", page.viewer);
	struct ask ask = {
		.method = body ? "POST" : "GET", .body = body, .body_len = len, .headers = { type }
	};
	ask_stream(&site, &ask, what, r);
}

static void expect_read(long status, const char *text)
{
	struct reply r;
	ask_clipboard(NULL, NULL, 0, &r);
	cr_expect_eq(r.status, status, "%ld", r.status);
	cr_expect_not_null(strstr(buf_text(&r.body), text), "%s", buf_text(&r.body));
	ask_end(&site.http, &r);
}

static void expect_set(
	const char *type, const char *body, size_t len, long status, const char *says)
{
	struct reply r;
	ask_clipboard(type, body, len, &r);
	cr_expect_eq(r.status, status, "%ld", r.status);
	cr_expect_not_null(strstr(buf_text(&r.body), says), "%s", buf_text(&r.body));
	ask_end(&site.http, &r);
}

Test(viewer_clipboard, what_was_copied_before_is_read)
{
	struct reply r;
	copy("copy copied before");
	come_in_and_take();
	ask_clipboard(NULL, NULL, 0, &r);
	cr_expect_eq(r.status, 200);
	cr_expect_str_eq(buf_text(&r.body), "copied before");
	cr_expect(has(&r.head, "content-type: text/plain; charset=utf-8"));
	cr_expect(has(&r.head, "cache-control: no-store"));
	cr_expect(has(&r.head, "x-content-type-options: nosniff"));
	ask_end(&site.http, &r);
	page_close(&site, &page);
}

Test(viewer_clipboard, what_is_set_is_there)
{
	struct reply r;
	come_in_and_take();
	expect_read(204, "");
	expect_set(PLAIN, "k\xc3\xa4me\n", 0, 204, "");
	expect_read(200, "k\xc3\xa4me\n");
	expect_set("Content-Type: image/png", PNG "\0pixels", sizeof(PNG) + 6, 204, "");
	ask_clipboard(NULL, NULL, 0, &r);
	cr_expect_eq(r.status, 200);
	cr_expect(has(&r.head, "content-type: image/png"));
	cr_expect_eq(r.body.len, sizeof(PNG) + 6);
	cr_expect_arr_eq(r.body.data, PNG "\0pixels", sizeof(PNG) + 6);
	ask_end(&site.http, &r);
	page_close(&site, &page);
}

Test(viewer_clipboard, passwords_are_not_shown)
{
	come_in_and_take();
	copy("copy-secret hunter2");
	expect_read(409, "marked as a password");
	page_close(&site, &page);
}

Test(viewer_clipboard, limits_and_types_are_said)
{
	size_t len = clipboard_type_max(CLIPBOARD_TEXT) + 1;
	char *large = must(malloc(len + 1));
	memset(large, 'x', len);
	large[len] = '\0';
	come_in_and_take();
	expect_set(PLAIN, large, len, 413, "at most 1048576 bytes; got 1048577");
	expect_set(PLAIN, large, len - 1, 204, "");
	expect_set(PLAIN, "a\xff", 2, 400, "UTF-8");
	expect_set(PLAIN, "a\0b", 3, 400, "NUL");
	expect_set("Content-Type: image/png", "GIF89a", 6, 400, "must be PNG");
	expect_set("Content-Type: image/svg+xml", "<svg/>", 6, 415, "text/plain and image/png");
	free(large);
	page_close(&site, &page);
}

static void expect_no_clipboard(const char *says)
{
	expect_read(403, says);
	expect_set(PLAIN, "from outside", 0, 403, says);
}

Test(viewer_clipboard, who_only_looks_gets_and_sets_nothing)
{
	copy("copy hunter2");
	come_in(STREAM_VIEW);
	expect_no_clipboard("for looking only");
	page_close(&site, &page);
	come_in(STREAM_CONTROL);
	expect_no_clipboard("take over first");
	cr_assert_eq(page_control(&site, &page, "\"take\":\"Ann\"", NULL), 200);
	expect_read(200, "hunter2");
	cr_assert_eq(page_control(&site, &page, "\"give_back\":true", NULL), 200);
	expect_no_clipboard("take over first");
	memset(page.viewer, 'z', ID_LEN);
	expect_no_clipboard("take over first");
	page_close(&site, &page);
}

Test(viewer_clipboard, a_window_has_none)
{
	struct err err;
	copy("copy hunter2");
	site.stream = streams_open(site.streams, site.vm, STREAM_CONTROL, 5, 60, site.ticket, &err);
	cr_assert(site.stream, "%s", err.text);
	snprintf(site.id, sizeof(site.id), "%s", site.stream->id);
	let_in(&site);
	page = (struct page){ 0 };
	page_listen(&site, &page, NULL);
	cr_assert_eq(page_control(&site, &page, "\"take\":\"Ann\"", NULL), 200);
	expect_no_clipboard("belongs to the whole desktop");
	page_close_events(&site, &page);
}
