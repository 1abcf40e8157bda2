#ifndef VM_RFB_SERVER_H
#define VM_RFB_SERVER_H

#include "vm/picture/diff.h"
#include "vm/rfb/kind.h"

#include <systemd/sd-event.h>

/*
 * An RFB server for one picture (RFC 6143, with the extensions of rfbproto.rst that are named in
 * parse.c): RFB 3.8 without authentication.  A frame is taken when a viewer waits for one, at most
 * every RFB_FRAME_MS.  Each update is encoded once for all viewers of a kind.  A viewer that is slow
 * gets the newest picture when it has taken the last one, and does not delay other viewers.
 */

#define RFB_FRAME_MS 8
#define RFB_BURST_US 16000 /* after a pause, frames come up to so much ahead of that */
/* bytes of a clipboard, in either direction; larger ones are ignored */
#define RFB_CUT_TEXT_MAX (256u << 10)

struct rfb_server;
struct rfb_viewer;

/* The picture's owner. */
struct rfb_source {
	const char *(*name)(void *data);
	/* Takes what is new into the picture, which stays as it is until the next call. */
	void (*refresh)(struct picture_change *ret, void *data);
	/* After refresh(), and once before.  place: whether `pointed` and `at` are wanted.  What it
	 * points to is good until the next refresh(). */
	struct rfb_scene (*scene)(bool place, void *data);
};

/* NULL with err: out of resources.  The picture is complete: the first refresh changes it. */
struct rfb_server *rfb_server_new(
	sd_event *event, const struct rfb_source *source, void *data, struct err *err) NODISCARD;
/* Without viewers.  NULL-safe. */
void rfb_server_free(struct rfb_server *server);
/* The picture, the pointer's place or its image may have changed. */
void rfb_server_changed(struct rfb_server *server);
bool rfb_server_has_viewers(const struct rfb_server *server);
/* Tells every viewer's ended(), from the loop. */
void rfb_server_end(struct rfb_server *server, const struct err *why);

struct rfb_viewer_fns {
	/* Returns how many bytes were taken; after less than all, rfb_viewer_writable() follows. */
	size_t (*write)(const void *bytes, size_t len, void *data);
	/* A key or the pointer; keysym: X's.  at: in the picture.  buttons: bit n is X's button
	 * n + 1. */
	void (*key)(uint32_t keysym, bool down, void *data);
	void (*pointer)(struct point at, unsigned buttons, void *data);
	/* Whether no key can be taken now: what the viewer sends waits until rfb_viewer_resume(). */
	bool (*is_full)(void *data);
	/* A press of a key or button that does not count, for it has no control. */
	void (*refused)(void *data);
	/* The picture has ended, or the viewer broke the protocol (ERR_ARGUMENT).  Once, from the
	 * loop; rfb_viewer_free() is allowed inside. */
	void (*ended)(const struct err *why, void *data);
	/* The text of a viewer's clipboard, UTF-8 with LF, from one with control.  NULL: not wanted. */
	void (*cut_text)(const char *text, size_t len, void *data);
	/* The viewer wants what was copied last: rfb_viewer_give_text(), now or later, or not at all.
	 * NULL: there is never anything. */
	void (*text_wanted)(void *data);
};

/* Speaks first. */
struct rfb_viewer *rfb_viewer_new(
	struct rfb_server *server, const struct rfb_viewer_fns *fns, void *data);
void rfb_viewer_free(struct rfb_viewer *viewer); /* NULL-safe */
/*
 * Whether what it does with keys and pointer counts; not at first.  Without control it is shown the
 * agent's pointer, painted into the picture, whatever it can draw.  A button that was pressed without
 * control does not count until it is pressed again.
 */
void rfb_viewer_set_control(struct rfb_viewer *viewer, bool control);
/* Whether a viewer that has control is offered what is copied, and the Extended Clipboard for it; not
 * at first.  Without the offer nothing is ever sent about the clipboard, and ClientCutText alone is
 * understood. */
void rfb_viewer_set_clipboard(struct rfb_viewer *viewer, bool on);
/* A text was copied: a viewer to which that is offered is told, or wants it at once. */
void rfb_viewer_copied(struct rfb_viewer *viewer);
/* UTF-8 with LF.  Dropped if it is not offered to the viewer any more, if it is longer than
 * RFB_CUT_TEXT_MAX, and while the viewer has not taken the last one. */
void rfb_viewer_give_text(struct rfb_viewer *viewer, const char *text, size_t len);
/* What the viewer sent, cut anywhere. */
void rfb_viewer_feed(struct rfb_viewer *viewer, const void *bytes, size_t len);
void rfb_viewer_writable(struct rfb_viewer *viewer);
/* There is room for keys again. */
void rfb_viewer_resume(struct rfb_viewer *viewer);

#endif
