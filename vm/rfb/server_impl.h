#ifndef VM_RFB_SERVER_IMPL_H
#define VM_RFB_SERVER_IMPL_H

/* What the files of a server and of its viewers share. */

#include "vm/rfb/cursor.h"
#include "vm/rfb/flow.h"
#include "vm/rfb/rate.h"
#include "vm/rfb/server.h"

#define RFB_HELLO "RFB 003.008\n"

/* An empty buffer that was large leaves no large one behind. */
#define RFB_KEPT_MAX 4096 /* bytes */
static inline void rfb_release(struct buf *buf)
{
	if (buf->len == 0 && buf->cap > RFB_KEPT_MAX) {
		buf_done(buf);
	}
}

LIST_HEAD(rfb_kinds, rfb_kind);
LIST_HEAD(rfb_viewers, rfb_viewer);

struct rfb_server {
	sd_event *event;
	const struct rfb_source *source;
	void *data;
	struct rfb_encoder *encoder;
	struct rfb_viewers viewers;
	struct rfb_kinds kinds;
	struct rfb_scene scene; /* of the last frame */
	bool changed;           /* since the last frame, perhaps */
	bool running;
	uint64_t next_us; /* when the next frame is taken if they come all the time */
	sd_event_source *frame, *turn;
	struct motion *motion;
	uint32_t n_films;     /* counted, for their numbers */
	struct film_job *job; /* NULL: no frame of a film is being encoded */
	sd_event_source *film_due;
	unsigned slow;         /* such frames that took too long, one after the other */
	bool ticked;           /* what it is for is still to be done */
	sd_event_source *tick; /* while something moves, or is not exact */
};

struct rfb_viewer {
	LIST_ENTRY(rfb_viewer) link;
	struct rfb_server *server;
	const struct rfb_viewer_fns *fns;
	void *data;
	bool over;
	struct err why;
	sd_event_source *ending;

	int stage;     /* of the handshake */
	struct buf in; /* a message that is not whole */
	size_t skip;   /* bytes of one that is not read */

	struct rfb_kind_key key; /* as the viewer asked; size: as it knows the picture */
	bool resizes;            /* understands DesktopSize */
	enum rfb_cursor_encoding cursor;
	bool fences, offered; /* understands Fence; was told of ContinuousUpdates */
	bool continuous;      /* and has switched it on */

	bool lists_clipboard, offered_clipboard; /* the Extended Clipboard: by it, and to it */
	bool clipboard;                          /* it may be offered */
	bool control;
	unsigned buttons; /* held, as last heard */
	unsigned refused; /* of these, pressed without control */
	bool wanted;      /* an update was asked for */
	bool whole;       /* and the whole picture, while another update is on its way */
	struct flow flow;
	struct rfb_kind *kind;  /* NULL: not looked for since the key changed */
	struct rfb_place place; /* in the kind's history */
	struct rate rate;
	enum rfb_pace pace;
	uint64_t cursor_sent;

	struct buf out, later; /* later: behind the update */
	size_t text;           /* bytes of a text in them; 0: none */
	struct rfb_update *update;
	struct buf cursor_rect; /* that goes with it */
	bool headed;            /* its head was put into out */
	size_t sent;            /* of its body */
};

/* ---- server.c ---- */

/* Serves the viewers that wait, and takes the next frame if it is time. */
void rfb_server_run(struct rfb_server *server);

/* ---- server_kinds.c ---- */

/* One viewer more, or less. */
struct rfb_kind *rfb_server_kind(struct rfb_server *server, const struct rfb_kind_key *key);
void rfb_server_drop_kind(struct rfb_server *server, struct rfb_kind *kind);
bool rfb_server_paints_pointer(const struct rfb_server *s);
/* An update that is not completely encoded, and its kind; NULL: none. */
struct rfb_update *rfb_server_unfinished(const struct rfb_server *s, struct rfb_kind **ret_kind);

/* ---- films.c ---- */

/* The picture has changed: so have the kinds, and where it moves. */
void rfb_films_advance(struct rfb_server *s, const struct picture_change *change);
/* Encodes the next frame of a film, if a viewer waits for it.  Only while no update is being
 * encoded. */
void rfb_films_run(struct rfb_server *s);
/* Watches for what comes to rest. */
void rfb_films_await(struct rfb_server *s);

/* ---- outgoing.c ---- */

void rfb_viewer_end(struct rfb_viewer *v, const struct err *why);
/* Sends a message between updates; ends a viewer that does not take what it has asked for. */
void rfb_viewer_put(struct rfb_viewer *v, const void *bytes, size_t len);
/* The same for a text, which may be long; dropped while one is waiting. */
void rfb_viewer_put_text(struct rfb_viewer *v, const struct buf *message);
/* The key, or what the viewer knows, is another: it is sent the whole picture. */
void rfb_viewer_forget(struct rfb_viewer *v);
bool rfb_viewer_draws_pointer(const struct rfb_viewer *v);
/* It waits for the next update; whole: of the whole picture. */
void rfb_viewer_want(struct rfb_viewer *v, bool whole);
/* Whether it can be sent an update now. */
bool rfb_viewer_is_ready(const struct rfb_viewer *v);
/* Drops the update that was not begun to be sent, if none was asked for. */
void rfb_viewer_hold_back(struct rfb_viewer *v);
/* Begins one, if there is something new; returns whether there was. */
bool rfb_viewer_serve(struct rfb_viewer *v);
/* Sends what can be sent. */
void rfb_viewer_flush(struct rfb_viewer *v);

/* ---- cut_text.c ---- */

/* Offers the Extended Clipboard, once it may be. */
void rfb_viewer_offer_clipboard(struct rfb_viewer *v);
/* A whole ClientCutText; always true. */
bool rfb_viewer_take_cut_text(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err);

/* ---- parse.c ---- */

/* Takes whole messages off v->in; may end the viewer. */
void rfb_viewer_parse(struct rfb_viewer *v);

#endif
