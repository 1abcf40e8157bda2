#ifndef SERVER_VIEWER_VIEWER_IMPL_H
#define SERVER_VIEWER_VIEWER_IMPL_H

/*
 * What the files of this folder share.  A desk is a sandbox as its watchers see it: who is there, what
 * the agent did last, a picture of it.  A visit is one page that somebody has open: its events, its
 * socket, and perhaps the control of the desk, which it keeps for a while when both are cut.
 */

#include "base/buf.h"
#include "base/field.h"
#include "base/id.h"
#include "server/viewer/parse.h"
#include "server/viewer/routes.h"
#include "transport/rfb/websocket_proxy.h"
#include "vm/core/control.h"
#include "vm/guest/guest.h"

#include <sys/queue.h>

#define VIEWER_BODY_MAX 8192 /* bytes of a body */
#define VISITS_MAX 64        /* of one stream, those that are away for a moment among them */

LIST_HEAD(desks, desk);
TAILQ_HEAD(visits, visit);
TAILQ_HEAD(viewer_sessions, viewer_session);
LIST_HEAD(thumbnail_waits, thumbnail_wait);

struct viewer_pages {
	struct http *http;
	sd_event *event;
	struct streams *streams;
	struct vm_pool *vms;
	char *prefix, *policy; /* of cookies; the content security policy */
	bool secure, framed;
	uint64_t grace_ms;
	const char *(*authorize)(const char *token, void *data);
	void *data;
	struct metrics *metrics;
	struct listener calls, stream_ends; /* what they follow */
	struct desks desks;
	struct viewer_sessions sessions; /* oldest first */
	sd_event_source *tick;           /* while there are visits */
};

/* ---- reply.c ---- */

/* All answers go through these: they carry what keeps a page to itself. */
void viewer_reply(struct viewer_pages *pages, struct http_exchange *x, int status, const char *type,
	const void *bytes, size_t len);
void viewer_reply_json(
	struct viewer_pages *pages, struct http_exchange *x, int status, json_t *taken);
void viewer_refuse(struct viewer_pages *pages, struct http_exchange *x, int status, const char *fmt,
	...) PRINTF(4, 5);
void viewer_reply_asset(struct viewer_pages *pages, struct http_exchange *x, const char *name);
/* Whether the page behind a request is one of ours; answers x when it is not. */
bool viewer_is_ours(struct viewer_pages *pages, struct http_exchange *x);
/* Begins events. */
void viewer_reply_stream(struct viewer_pages *pages, struct http_exchange *x);
/* The body without white space around it, free() it; NULL: x was answered. */
char *viewer_body(struct viewer_pages *pages, struct http_exchange *x);
/* The body as JSON of these fields, in ret_json (to be decref'd), which *out points into. */
bool viewer_body_json(struct viewer_pages *pages, struct http_exchange *x,
	const struct field *fields, void *out, json_t **ret_json);
/* Sets a cookie for what is below path; value NULL: takes it away. */
void viewer_set_cookie(struct viewer_pages *pages, struct http_exchange *x, const char *name,
	const char *value, const char *path, int64_t seconds);

/* ---- routes.c ---- */

void viewer_need_tick(struct viewer_pages *pages); /* there is a visit */

/* ---- stream_page.c: /s/ID/ ---- */

void viewer_stream_routes(struct viewer_pages *pages);

/* ---- desktop.c ---- */

/* What the agent did, newest last. */
#define DEEDS_MAX 20
#define DEED_TEXT_MAX 240

enum deed_picture { PICTURE_NONE, PICTURE_WANTED, PICTURE_BEING_MADE, PICTURE_MADE };

struct deed {
	uint64_t seq; /* 0: none yet */
	int64_t at;   /* CLOCK_REALTIME, ms */
	const struct tool *tool;
	char text[DEED_TEXT_MAX + 1];
	struct field_ints point; /* count 0: it has none */
	bool failed;
	int picture; /* enum deed_picture */
	struct buf jpeg;
};

struct desk {
	LIST_ENTRY(desk) link;
	struct viewer_pages *pages;
	struct vm *vm;
	struct visits visits;
	unsigned present; /* visits with events or a socket */
	unsigned refs;    /* pictures being made, and whoever is at work with it */
	bool over;        /* vm has ended: not used any more */

	/* action_log.c's */
	struct deed deeds[DEEDS_MAX]; /* seq at seq % DEEDS_MAX */
	uint64_t last_seq;
	sd_event_source *picture_timer;
	bool picturing;

	/* thumbnail.c's */
	struct buf thumbnail;
	int64_t thumbnail_frame;
	uint64_t thumbnail_us; /* when it was made; 0: never */
	bool looking;
	struct thumbnail_waits waits;
};

/* The one of this sandbox, made if need be; NULL: it has ended. */
struct desk *desk_find(struct viewer_pages *pages, const struct vm *vm); /* NULL: there is none */
struct desk *desk_of(struct viewer_pages *pages, struct vm *vm);
void desk_free(struct desk *desk); /* the pages go */
void desk_ref(struct desk *desk);
void desk_unref(struct desk *desk);
/* Each visit is told how things are, if that is news to it, and its socket may what it may. */
void desk_tell(struct desk *desk);
void desk_ended(struct desk *desk); /* the sandbox has */

/* ---- session.c ---- */

struct visit {
	TAILQ_ENTRY(visit) link;
	struct desk *desk;
	struct stream *stream; /* NULL: it has ended */
	char id[ID_LEN + 1];
	struct http_exchange *events; /* an SSE stream; NULL: none */
	struct wire *wire;            /* events by a WebSocket instead; NULL: none */
	uint64_t told;                /* the last deed's seq */
	char *said;                   /* the last state, as text */
	struct plug *plug;            /* its socket; NULL: none */
	struct stream_counts counted; /* by the metrics */
	uint64_t fence;               /* 0: it was never given control */
	bool present;
	sd_event_source *away; /* it has neither events nor a socket */
};

/* NULL: there are too many of this stream's. */
struct visit *visit_new(struct desk *desk, struct stream *stream);
struct visit *visit_find(struct desk *desk, const struct stream *stream, const char *id);
/* Its events or its socket came or went.  May free it. */
void visit_changed(struct visit *visit);
bool visit_holds(const struct visit *visit); /* the control of its desk */
/* Its stream has: it is told, and closed. */
void visit_stream_ended(struct visit *visit, enum stream_code code, const char *reason);
void visit_free(struct visit *visit);
/* Counts what went through its socket since the last time. */
void visit_count(struct visit *visit);

/* ---- events.c ---- */

void viewer_run_events(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest);
void visit_tell_state(struct visit *visit);
void visit_tell_deeds(struct visit *visit);
/* Who is shown one window learns nothing of what happens in others. */
bool viewer_sees_deeds(const struct stream *stream);
void visit_tell_end(struct visit *visit, enum stream_code code, const char *reason);
/* A page cannot see a WebSocket's pings: something to hear, now and then. */
void visit_tell_alive(struct visit *visit);
void visit_forget_wire(struct visit *visit); /* closes it; it says nothing any more */
/* {holder, who?, since, wanted?} */
json_t *viewer_control_json(const struct vm *vm);
const char *viewer_state_word(const struct vm *vm);

/* ---- rfb_socket.c ---- */

void viewer_run_socket(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest);
void visit_set_policy(struct visit *visit);
void visit_unplug(struct visit *visit, unsigned code, const char *reason);
struct stream_counts visit_counts(const struct visit *visit);

/* ---- control.c ---- */

void viewer_run_control(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest);

/* ---- action_log.c ---- */

void viewer_run_picture(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest);
const struct deed *desk_deed(const struct desk *desk, uint64_t seq); /* NULL: not (any more) */
void desk_forget_pictures(struct desk *desk);
extern const struct activity_fns viewer_follows_calls; /* data is the pages */

/* ---- dashboard.c: / ---- */

void viewer_list_routes(struct viewer_pages *pages);
void viewer_list_free(struct viewer_pages *pages);

/* ---- thumbnail.c ---- */

void viewer_run_thumbnail(struct viewer_pages *pages, struct http_exchange *x, struct vm *vm);
void desk_answer_thumbnails(struct desk *desk);
/* Whether these bytes begin as a JPEG does; they come from inside a sandbox. */
bool viewer_is_jpeg(const struct guest_frame *frame);

#endif
