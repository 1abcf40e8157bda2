#ifndef SERVER_VIEWER_VIEWER_IMPL_H
#define SERVER_VIEWER_VIEWER_IMPL_H

/*
 * Shared by the files of this folder.  A watched desktop is a sandbox as its viewers see it.  It
 * notifies its observers: viewer sessions, the action log, the thumbnail.  A viewer session is one
 * viewer, a page in a browser or a VNC client, with a lease of the desktop's control, if any.
 */

#include "base/buf.h"
#include "base/field.h"
#include "base/id.h"
#include "base/listener.h"
#include "server/viewer/desktop.h"
#include "server/viewer/parse.h"
#include "server/viewer/routes.h"
#include "transport/rfb/websocket_proxy.h"
#include "vm/core/control.h"
#include "vm/guest/guest.h"

#include <sys/queue.h>

#define VIEWER_BODY_MAX 8192 /* bytes of a body */

LIST_HEAD(watched_desktop_list, watched_desktop);
TAILQ_HEAD(viewer_sessions, viewer_session);
TAILQ_HEAD(sign_ins, sign_in);
LIST_HEAD(thumbnail_waits, thumbnail_wait);

struct viewer_pages {
	struct http *http; /* with routes; NULL: none */
	struct watched_desktops *desktops;
	char *prefix, *policy; /* of cookies; the content security policy */
	bool secure, framed;
	uint64_t grace_ms;
	const char *(*authorize)(const char *token, void *data);
	void *data;
	struct sign_ins sign_ins; /* oldest first */
};

/* ---- reply.c ---- */

/* All responses use these, which add the security headers. */
void viewer_reply(struct viewer_pages *pages, struct http_exchange *x, int status, const char *type,
	const void *bytes, size_t len);
void viewer_reply_json(
	struct viewer_pages *pages, struct http_exchange *x, int status, json_t *taken);
void viewer_refuse(struct viewer_pages *pages, struct http_exchange *x, int status, const char *fmt,
	...) PRINTF(4, 5);
void viewer_reply_asset(struct viewer_pages *pages, struct http_exchange *x, const char *name);
/* Whether a request comes from one of our pages; otherwise answers x. */
bool viewer_is_ours(struct viewer_pages *pages, struct http_exchange *x);
/* Starts events. */
void viewer_reply_stream(struct viewer_pages *pages, struct http_exchange *x);
/* Returns the body without surrounding white space, to free(); NULL: x was answered. */
char *viewer_body(struct viewer_pages *pages, struct http_exchange *x);
/* Decodes the body as JSON of these fields.  *out points into ret_json, which the caller must
 * release. */
bool viewer_body_json(struct viewer_pages *pages, struct http_exchange *x,
	const struct field *fields, void *out, json_t **ret_json);
/* Sets a cookie for the paths below path; value NULL: deletes it. */
void viewer_set_cookie(struct viewer_pages *pages, struct http_exchange *x, const char *name,
	const char *value, const char *path, int64_t seconds);

/* ---- stream_page.c: /s/ID/ ---- */

void viewer_stream_routes(struct viewer_pages *pages);
void viewer_run_stream(struct http_exchange *x, void *pages);

/* ---- picture.c ---- */

struct viewer_picture {
	int width, height; /* maximum, in pixels */
	int64_t max_bytes;
	/* a part of the screen around it, unscaled; count 0: the whole screen */
	struct field_ints point;
};
/* frame: a JPEG, or NULL: none. */
typedef void viewer_picture_fn(const struct guest_frame *frame, void *data);
/* Takes a small picture of a ready sandbox.  fn is called once, from the loop. */
void viewer_take_picture(
	struct vm *vm, const struct viewer_picture *picture, viewer_picture_fn *fn, void *data);

/* ---- action_log.c ---- */

/* The agent's actions, newest last. */
#define ACTION_LOG_MAX 20
#define ACTION_LOG_TEXT_MAX 240

enum action_picture { PICTURE_NONE, PICTURE_WANTED, PICTURE_BEING_MADE, PICTURE_MADE };

struct logged_action {
	uint64_t seq; /* 0: none yet */
	int64_t at;   /* CLOCK_REALTIME, ms */
	const struct tool *tool;
	char text[ACTION_LOG_TEXT_MAX + 1];
	struct field_ints point; /* count 0: none */
	bool failed;
	int picture; /* enum action_picture */
	struct buf jpeg;
};

struct action_log {
	struct listener observes;
	struct logged_action actions[ACTION_LOG_MAX]; /* seq at seq % ACTION_LOG_MAX */
	uint64_t last_seq;
	sd_event_source *picture_timer;
	bool picturing;
};

void action_log_init(struct action_log *log, struct watched_desktop *desktop);
void action_log_add(struct watched_desktop *desktop, const struct activity_record *record);
/* NULL: not kept */
const struct logged_action *action_log_at(const struct action_log *log, uint64_t seq);
void viewer_run_picture(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest);

/* ---- thumbnail.c ---- */

struct thumbnail {
	struct listener observes;
	struct buf jpeg;
	int64_t frame_id;
	uint64_t made_us; /* 0: never */
	bool being_made;
	struct thumbnail_waits waits;
};

void thumbnail_init(struct thumbnail *thumbnail, struct watched_desktop *desktop);
void viewer_run_thumbnail(struct viewer_pages *pages, struct http_exchange *x, struct vm *vm);

/* ---- desktop.c ---- */

struct watched_desktops {
	sd_event *event;
	struct vm_pool *vms;
	struct streams *streams;
	struct metrics *metrics; /* NULL: not counted */
	struct watched_desktop_list all;
	struct listener calls, stream_ends, changes;
	sd_event_source *tick; /* while there are sessions */
};

struct watched_desktop {
	LIST_ENTRY(watched_desktop) link;
	struct watched_desktops *desktops; /* NULL: freed */
	struct vm *vm;
	struct listeners observers; /* of desktop_fns */
	struct viewer_sessions sessions;
	unsigned present;         /* sessions of connected viewers */
	unsigned refs;            /* pictures in progress and current users */
	unsigned clipboard_waits; /* requests that wait for its clipboard */
	bool over;                /* vm has ended: must not be used */
	struct action_log log;
	struct thumbnail thumbnail;
	struct sound *sound; /* NULL: no one listens */
};

/* Functions of an observer; each may be NULL. */
struct desktop_fns {
	/* The state, the holder of control, the viewers or the log may have changed. */
	void (*changed)(struct watched_desktop *desktop, void *data);
	void (*unwatched)(struct watched_desktop *desktop, void *data); /* the last session ended */
	/* its sandbox has ended; once */
	void (*ended)(struct watched_desktop *desktop, void *data);
	void (*freed)(struct watched_desktop *desktop, void *data); /* it is being freed */
};

/* NULL: no viewer and no action. */
struct watched_desktop *desktop_find(struct watched_desktops *desktops, const struct vm *vm);
/* The same, created if necessary; NULL: the sandbox has ended. */
struct watched_desktop *desktop_of(struct watched_desktops *desktops, struct vm *vm);
void desktop_ref(struct watched_desktop *desktop);
void desktop_unref(struct watched_desktop *desktop);
void desktop_changed(struct watched_desktop *desktop);      /* notifies its observers */
void desktops_need_tick(struct watched_desktops *desktops); /* a session exists */
const char *viewer_state_word(const struct vm *vm);

/* ---- session.c: all kinds of viewers ---- */

struct viewer_session;

struct viewer_session_type {
	bool shows_actions; /* including pictures */
	bool has_clipboard; /* with control, by RFB; else the clipboard is read on request */
	/* The desktop has changed, or its control; NULL: not needed. */
	void (*update)(struct viewer_session *session);
	/* Its stream has ended: notifies and closes the viewer; must call
	 * viewer_session_end_stream(). */
	void (*stream_ended)(
		struct viewer_session *session, enum stream_code code, const char *reason);
	void (*tick)(struct viewer_session *session); /* every few seconds; NULL: none */
	/* Closes its connection; its pipe must be closed afterwards. */
	void (*disconnect)(struct viewer_session *session);
	/* A key or a button was pressed without control; NULL: not needed.  Its stream has not ended. */
	void (*refused)(struct viewer_session *session);
};

/* The first member of a viewer's struct. */
struct viewer_session {
	TAILQ_ENTRY(viewer_session) link;
	const struct viewer_session_type *type;
	struct listener observes;
	struct watched_desktop *desktop;
	struct stream *stream; /* NULL: it has ended */
	struct rfb_pipe *pipe; /* to the agent; NULL: none */
	uint64_t fence;        /* 0: it never had control */
	bool present;
};

void viewer_session_begin(struct viewer_session *session, const struct viewer_session_type *type,
	struct watched_desktop *desktop, struct stream *stream);
/* Releases its control.  Its type frees the memory, before or after. */
void viewer_session_end(struct viewer_session *session);
/* Its stream has ended: the same, and the stream must not be used afterwards. */
void viewer_session_end_stream(struct viewer_session *session);
/* Sets whether its viewer is connected, and counts it. */
void viewer_session_set_present(struct viewer_session *session, bool present);
bool viewer_session_holds(const struct viewer_session *session); /* control of its desktop */
/* The agent reports its keyboard, pointer or clipboard; refused: a press without control. */
void viewer_session_used(struct viewer_session *session, bool refused);
/* Takes control, if it does not have it, which counts as use of the sandbox. */
void viewer_session_take(struct viewer_session *session, const char *who);
/* message: to the agent, or NULL. */
bool viewer_session_give_back(
	struct viewer_session *session, const char *message, struct err *err) NODISCARD;
/* Releases its control without a message. */
void viewer_session_drop_control(struct viewer_session *session);

/* ---- page_session.c: a page in a browser ---- */

#define PAGES_MAX 64 /* per stream, including those disconnected for a moment */

struct page_session {
	struct viewer_session session; /* first */
	struct viewer_pages *pages;
	char id[ID_LEN + 1];
	struct http_exchange *events;  /* an SSE stream; NULL: none */
	struct event_channel *channel; /* events over a WebSocket; NULL: none */
	uint64_t sent;                 /* the last action's seq */
	char *sent_state;              /* as text; NULL: none yet */
	struct rfb_connection *rfb;    /* NULL: none */
	struct sound_listener *sound;  /* NULL: it does not listen */
	struct stream_counts counted;  /* by the metrics */
	sd_event_source *away;         /* set while it has neither events nor an RFB connection */
};

/* NULL: the stream has too many. */
struct page_session *page_session_new(
	struct viewer_pages *pages, struct watched_desktop *desktop, struct stream *stream);
struct page_session *page_session_find(
	struct watched_desktop *desktop, const struct stream *stream, const char *id);
/* Its events or its RFB connection started or ended.  May free it. */
void page_session_changed(struct page_session *page);
/* Counts the traffic of its RFB connection since the last call. */
void page_session_count(struct page_session *page);
void page_sessions_free(struct viewer_pages *pages); /* all of them */

/* ---- events.c ---- */

void viewer_run_events(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest);
void events_send_state(struct page_session *page);
void events_send_actions(struct page_session *page);
/* Viewers of a single window learn nothing about others. */
bool viewer_sees_actions(const struct stream *stream);
void events_send_end(struct page_session *page, enum stream_code code, const char *reason);
/* Sends a message now and then, because a page cannot see a WebSocket's pings. */
void events_send_alive(struct page_session *page);
void events_drop_channel(struct page_session *page); /* closes it without a callback */
/* {holder, who?, since, wanted?} */
json_t *viewer_control_json(const struct vm *vm);

/* ---- rfb_socket.c ---- */

void viewer_run_socket(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest);
void rfb_socket_close(struct page_session *page, unsigned code, const char *reason);
struct stream_counts rfb_socket_counts(const struct page_session *page);

/* Why a conversation with the sandbox's agent ended, for its viewer: the close code. */
unsigned viewer_code_of(const struct vm *vm, const struct err *why);

/* ---- sound.c ---- */

/* A WebSocket of Opus packets: 48 kHz, stereo, 20 ms each; none during silence. */
void viewer_run_sound(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest);
/* The page listens no more. */
void sound_close(struct page_session *page, unsigned code, const char *reason);

/* ---- control.c ---- */

void viewer_run_control(struct viewer_pages *pages, struct http_exchange *x, struct stream *stream,
	const char *rest);

/* ---- clipboard.c ---- */

void viewer_run_clipboard_get(struct viewer_pages *pages, struct http_exchange *x,
	struct stream *stream, const char *rest);
void viewer_run_clipboard_set(struct viewer_pages *pages, struct http_exchange *x,
	struct stream *stream, const char *rest);

/* ---- dashboard.c: / ---- */

void viewer_list_routes(struct viewer_pages *pages);
void viewer_list_free(struct viewer_pages *pages);

#endif
