#ifndef SERVER_E2B_DESKTOP_DESKTOP_IMPL_H
#define SERVER_E2B_DESKTOP_DESKTOP_IMPL_H

/* Shared by the files of this folder. */

#include "base/listener.h"
#include "server/e2b/desktop/desktop.h"
#include "server/viewer/routes.h"
#include "tools/sandbox/streams.h"

#include <sys/queue.h>

struct shown;
LIST_HEAD(shown_list, shown);

struct e2b_desktops {
	struct streams *streams;
	struct viewer_pages *plain, *secure; /* for browsers with http and with https */
	struct listener ends;                /* of streams */
	struct shown_list shown;
};

/* ---- shown.c: a page of a stream, from its request to the end of the stream ---- */

/* Answers r with the page's address, or an error. */
void shown_begin(struct e2b_desktops *all, struct e2b_request *r);
void shown_free_all(struct e2b_desktops *all);
/* A stream has ended by itself. */
void shown_stream_ended(struct e2b_desktops *all, const struct stream *stream);

/* ---- stand_in.c: the program in the place of noVNC's proxy ---- */

struct stand_in;

struct stand_in_fns {
	/* What the stream is to be; NULL: no password; no window.  Once, and not after ended(). */
	void (*told)(const char *password, const char *window, void *data);
	/* It has ended, or there is none (ERR_NOT_FOUND); it is freed afterwards. */
	void (*ended)(const struct err *why, void *data);
};
struct stand_in *stand_in_open(struct guest *guest, const struct stand_in_fns *fns, void *data);
void stand_in_close(struct stand_in *s); /* no callback follows; NULL-safe */

#endif
