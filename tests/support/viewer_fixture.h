#ifndef TESTS_VIEWER_FIXTURE_H
#define TESTS_VIEWER_FIXTURE_H

/* A sandbox of alice's, its streams, the pages on a listener, and a browser of few words. */

#include "server/viewer/routes.h"
#include "tests/support/rfb.h"
#include "tests/support/vm_host.h"
#include "tests/support/ws_peer.h"
#include "transport/rfb/websocket_proxy.h"
#include "vm/core/control.h"

struct viewer_site {
	struct fixture http;
	struct host host;
	struct vm *vm;
	struct streams *streams;
	struct watched_desktops *desktops;
	struct viewer_pages *pages;
	struct tool_set *tools;
	struct metrics *metrics;
	struct activity activity;
	const struct stream *stream;
	char id[ID_LEN + 1], ticket[SECRET_LEN + 1];
	char cookie[120]; /* "Cookie: vitrine_ID=..." */
};

void site_begin_with(struct viewer_site *t, struct vm_config vms, const struct viewer_options *how);

/* A page that is away for that long is over. */
void site_begin_away(struct viewer_site *t, int64_t grace_ms);

void site_end(struct viewer_site *t);

/* The one that suites begin and end: TestSuite(NAME, .init = site_open, .fini = site_close). */
extern struct viewer_site site;

void site_open(void);

void site_close(void);

/* The same with pages that are over sooner. */
void site_reopen(int64_t grace_ms);

/* A stream, whose ticket nobody has used. */
void open_stream(struct viewer_site *t, enum stream_mode mode, int64_t seconds);

/* What one request to "/s/ID/WHAT" says; end it with ask_end().  No token, the cookie if there is
 * one. */
void ask_stream(struct viewer_site *t, const struct ask *how, const char *what, struct reply *r);

long stream_status(struct viewer_site *t, const struct ask *how, const char *what);

/* The value of an answer's cookie, as a request's header. */
void keep_cookie(const struct reply *r, char *to, size_t size);

void let_in(struct viewer_site *t);

/* ---- a page ---- */

struct page {
	struct reply events;
	bool has_events;
	char viewer[ID_LEN + 1];
	struct peer peer;
	bool has_socket;
	struct rfb_seen seen;
	struct buf close; /* the frame it was closed with */
};

/* back: under the name it had, or NULL. */
void page_listen(struct viewer_site *t, struct page *p, const char *back);

void page_close_events(struct viewer_site *t, struct page *p);

bool page_heard(struct viewer_site *t, struct page *p, const char *text);

#define until_heard(t, p, text) until(&(t)->http, page_heard((t), (p), (text)))

/* Everything it has heard so far is forgotten. */
void page_forget(struct page *p);

void socket_hello(struct viewer_site *t, const struct page *p, struct buf *to);

void page_open_socket(struct viewer_site *t, struct page *p);

/* Takes what the server sent; true when it has closed the WebSocket. */
bool page_hear(struct page *p);

void page_watch(struct viewer_site *t, struct page *p);

unsigned page_code(const struct page *p);

void page_close_socket(struct page *p);

void page_open(struct viewer_site *t, struct page *p);

void page_close(struct viewer_site *t, struct page *p);

void page_key(struct viewer_site *t, struct page *p, unsigned keysym);

/* ---- control ---- */

/* The status of a POST of body, where %s stands for the page's name; what it said goes to ret. */
long page_control(struct viewer_site *t, const struct page *p, const char *rest, struct buf *ret);

bool typed_is(struct viewer_site *t, const char *text);

/* What comes over one connection may be overtaken by what comes over another. */
#define until_typed(t, text) until(&(t)->http, typed_is((t), (text)))

#endif
