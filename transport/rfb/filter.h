#ifndef TRANSPORT_RFB_FILTER_H
#define TRANSPORT_RFB_FILTER_H

#include "base/buf.h"

/*
 * What a viewer says to a desktop's VNC server (RFB 3.8: RFC 6143, and the extensions Xvnc has),
 * let through a whole message at a time.  Plain bytes in and out: no socket, no clock.  Anything
 * unknown or out of bounds is an error, and nothing passes any more.
 *
 * The server's half is not read: there is nothing in it that must be kept from a viewer who may
 * look, and whoever breaks it, a hostile sandbox, only reaches the viewer's own decoder.
 */

enum rfb_policy {
	/* Looks.  Keys, buttons, clipboard and sizes are dropped; the pointer is painted into the
	 * picture, so that the agent's is seen. */
	RFB_VIEW,
	/* Has the keyboard, the pointer and the clipboard, and draws its own pointer. */
	RFB_CONTROL,
};

struct rfb_counts {
	uint64_t passed;  /* messages that went on */
	uint64_t dropped; /* messages that the policy, or a bound, kept back */
	uint64_t presses; /* of a key or a button, among the dropped: it would like to have control
			   */
	/* Requests for an update and fences: about the frames the viewer has taken. */
	uint64_t frames;
};

struct rfb_filter;
struct rfb_filter *rfb_filter_new(enum rfb_policy policy);
void rfb_filter_free(struct rfb_filter *filter); /* NULL-safe */

/* Appends to out what goes on to the server: messages as they are complete.  False: the viewer is
 * to be cut off, for the reason in err; what was appended before is still good. */
bool rfb_filter_feed(struct rfb_filter *filter, const void *bytes, size_t len, struct buf *out,
	struct err *err) NODISCARD;
/* From now on.  Appends what the change asks for: releases of what a viewer who loses control holds
 * down, and its encodings again, with or without those that draw the pointer. */
void rfb_filter_set_policy(struct rfb_filter *filter, enum rfb_policy policy, struct buf *out);
enum rfb_policy rfb_filter_policy(const struct rfb_filter *filter);
/* Appends the release of every key and button held down; before a viewer goes. */
void rfb_filter_release(struct rfb_filter *filter, struct buf *out);
const struct rfb_counts *rfb_filter_counts(const struct rfb_filter *filter);

#define RFB_ENCODINGS_MAX 512    /* in one list */
#define RFB_KEYS_MAX 32          /* held down at once; one more is dropped */
#define RFB_FENCE_MAX 64         /* bytes of a fence */
#define RFB_CUT_TEXT_KEEP 262144 /* bytes of a clipboard; Xvnc takes no more.  Beyond: dropped */
#define RFB_CUT_TEXT_MAX (16u << 20) /* beyond: an error */

#endif
