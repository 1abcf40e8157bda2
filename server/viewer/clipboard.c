/*
 * The desktop's clipboard for a page that has control: read and set on request, never of itself.
 * Control is checked again when the answer arrives: the page may have lost it, and must not receive the answer then.
 */
#include "server/viewer/viewer_impl.h"

#include "base/cleanup.h"

#include <string.h>

#define WAITS_MAX 4 /* of one desktop: one page has control */

struct clipboard_wait {
	struct viewer_pages *pages;
	struct http_exchange *x; /* NULL: it is closed */
	struct watched_desktop *desktop;
	const struct stream *stream; /* of the page; may have ended */
	char viewer[ID_LEN + 1];
};

/* ---- who may ---- */

static bool may(
	struct viewer_pages *pages, struct http_exchange *x, const struct viewer_session *session)
{
	bool holds = session && viewer_session_holds(session);
	if (!holds) {
		viewer_refuse(pages, x, 403,
			"the clipboard is for the viewer that has control; take over first");
	}
	return holds;
}

/* NULL: x was answered. */
static struct page_session *find_page(
	struct viewer_pages *pages, struct http_exchange *x, const struct stream *stream)
{
	const char *id = http_query(x, "viewer");
	struct watched_desktop *desktop = desktop_of(pages->desktops, stream->vm);
	if (stream->mode != STREAM_CONTROL) {
		viewer_refuse(pages, x, 403, "this link is for looking only");
		return NULL;
	}
	if (stream->window) {
		viewer_refuse(pages, x, 403,
			"this link shows one window; the clipboard belongs to the whole desktop");
		return NULL;
	}
	struct page_session *page = desktop && id ? page_session_find(desktop, stream, id) : NULL;
	return may(pages, x, page ? &page->session : NULL) ? page : NULL;
}

/* ---- waiting for the desktop ---- */

static void on_closed(struct http_exchange *x, void *data)
{
	struct clipboard_wait *wait = data;
	(void)x;
	wait->x = NULL;
	wait->desktop->clipboard_waits--;
}

/* NULL: there are too many, and x was answered. */
static struct clipboard_wait *wait_for(
	struct viewer_pages *pages, struct http_exchange *x, struct page_session *page)
{
	struct watched_desktop *desktop = page->session.desktop;
	if (desktop->clipboard_waits == WAITS_MAX) {
		http_set_header(x, "Retry-After", "1");
		viewer_refuse(pages, x, 429,
			"the clipboard is being read or set %d times already; try again",
			WAITS_MAX);
		return NULL;
	}
	struct clipboard_wait *wait = must(calloc(1, sizeof(*wait)));
	*wait = (struct clipboard_wait){ pages, x, desktop, page->session.stream, "" };
	memcpy(wait->viewer, page->id, sizeof(wait->viewer));
	desktop->clipboard_waits++;
	desktop_ref(desktop);
	http_on_closed(x, on_closed, wait);
	vm_touch(desktop->vm); /* a user's input is a use of the sandbox */
	return wait;
}

/* What a page shows and takes. */
static const struct clipboard_wish any = { 2, { CLIPBOARD_TEXT, CLIPBOARD_PNG } };

/* Ends the wait; the exchange, if the page that has control still waits for it.  Else it is
 * answered, if it is there, and NULL. */
static struct http_exchange *still_for(struct clipboard_wait *wait)
{
	struct watched_desktop *desktop = wait->desktop;
	struct http_exchange *x = wait->x;
	if (!x) {
		return NULL;
	}
	http_on_closed(x, NULL, NULL);
	desktop->clipboard_waits--;
	struct page_session *page =
		desktop->over ? NULL : page_session_find(desktop, wait->stream, wait->viewer);
	return may(wait->pages, x, page ? &page->session : NULL) ? x : NULL;
}

static void wait_free(struct clipboard_wait *wait)
{
	desktop_unref(wait->desktop);
	free(wait);
}

static int status_of(const struct err *err)
{
	switch (err->kind) {
	case ERR_LIMIT:
		return 413;
	case ERR_TIMEOUT:
		return 504;
	case ERR_GONE:
		return 410;
	default:
		return 409;
	}
}

/* ---- reading ---- */

static void reply_absent(struct viewer_pages *pages, struct http_exchange *x, int absent)
{
	if (absent == CLIPBOARD_EMPTY) {
		viewer_reply(pages, x, 204, NULL, NULL, 0);
	} else {
		viewer_refuse(pages, x, 409, "%s",
			absent == CLIPBOARD_SECRET
				? "what was copied is marked as a password, so it is not shown"
				: "what was copied is neither text nor a PNG image");
	}
}

static void on_read(const struct guest_clipboard *res, const struct err *err, void *data)
{
	struct clipboard_wait *wait = data;
	struct viewer_pages *pages = wait->pages;
	struct http_exchange *x = still_for(wait);
	if (x && err) {
		viewer_refuse(pages, x, status_of(err), "%s", err->text);
	} else if (x && res->type < 0) {
		reply_absent(pages, x, res->absent);
	} else if (x) {
		bool text = res->type == CLIPBOARD_TEXT;
		http_set_header(x, "Cache-Control", "no-store");
		viewer_reply(pages, x, 200,
			text ? "text/plain; charset=utf-8" : clipboard_type_names[res->type],
			res->bytes, res->len);
	}
	wait_free(wait);
}

void viewer_run_clipboard_get(struct viewer_pages *pages, struct http_exchange *x,
	struct stream *stream, const char *rest)
{
	struct page_session *page = find_page(pages, x, stream);
	struct clipboard_wait *wait = page ? wait_for(pages, x, page) : NULL;
	(void)rest;
	if (wait) {
		guest_clipboard_get(vm_guest(stream->vm), GUEST_ASKER_VIEWER, &any, on_read, wait);
	}
}

/* ---- setting ---- */

static void on_set(const json_t *result, const struct err *err, void *data)
{
	struct clipboard_wait *wait = data;
	struct viewer_pages *pages = wait->pages;
	struct http_exchange *x = still_for(wait);
	(void)result;
	if (x && err) {
		viewer_refuse(pages, x, status_of(err), "%s", err->text);
	} else if (x) {
		viewer_reply(pages, x, 204, NULL, NULL, 0);
	}
	wait_free(wait);
}

/* -1: it is none. */
static int type_of(const struct http_exchange *x)
{
	const char *type = http_header(x, "Content-Type");
	size_t len = type ? strcspn(type, "; ") : 0;
	for (int i = 0; i < any.n; i++) {
		const char *name = clipboard_type_names[any.types[i]];
		if (len == strlen(name) && strncasecmp(type, name, len) == 0) {
			return any.types[i];
		}
	}
	return -1;
}

void viewer_run_clipboard_set(struct viewer_pages *pages, struct http_exchange *x,
	struct stream *stream, const char *rest)
{
	size_t len;
	struct err err;
	const char *body = http_body(x, &len);
	int type = type_of(x);
	struct page_session *page = find_page(pages, x, stream);
	(void)rest;
	if (!page) {
		return;
	}
	if (type < 0) {
		viewer_refuse(pages, x, 415, "the clipboard takes text/plain and image/png");
	} else if (!clipboard_check(type, body, len, &err)) {
		viewer_refuse(pages, x, err.kind == ERR_LIMIT ? 413 : 400, "%s", err.text);
	} else {
		struct clipboard_wait *wait = wait_for(pages, x, page);
		if (wait) {
			guest_clipboard_set(vm_guest(stream->vm), GUEST_ASKER_VIEWER,
				&(struct guest_copy){ type, body, len, NULL }, on_set, wait);
		}
	}
}
