#ifndef TRANSPORT_RFB_FILTER_H
#define TRANSPORT_RFB_FILTER_H

#include "base/buf.h"

/*
 * Filters what a viewer sends to a desktop's RFB server (RFB 3.8: RFC 6143, Fence and ContinuousUpdates),
 * one complete message at a time.  It processes bytes only: no sockets, no clock.  After an unknown
 * message or a value out of bounds, which is an error, nothing is passed.
 *
 * The server's half is not parsed.  It contains nothing that a viewer may not see, and a hostile
 * sandbox that corrupts it reaches only the viewer's decoder.
 */

enum rfb_policy {
	/* Watches.  Keys, buttons, clipboard and sizes are dropped.  The server draws the pointer
	 * into the picture, so that the agent's pointer is visible. */
	RFB_VIEW,
	/* Has keyboard, pointer and clipboard, and draws its own pointer. */
	RFB_CONTROL,
};

struct rfb_counts {
	uint64_t passed;  /* messages passed */
	uint64_t dropped; /* messages dropped because of the policy or a bound */
	uint64_t presses; /* of a key or a button, among the dropped: the user wants control */
	/* Update requests and fences, which relate to the frames that the viewer has received. */
	uint64_t frames;
};

struct rfb_filter;
struct rfb_filter *rfb_filter_new(enum rfb_policy policy);
void rfb_filter_free(struct rfb_filter *filter); /* NULL-safe */

/* Appends to out the complete messages for the server.  False: disconnect the viewer, for the
 * reason in err; what was appended before is valid. */
bool rfb_filter_feed(struct rfb_filter *filter, const void *bytes, size_t len, struct buf *out,
	struct err *err) NODISCARD;
/* Takes effect immediately.  Appends what the change requires: releases of what a viewer that loses
 * control holds down, and its encodings, with or without those that draw the pointer. */
void rfb_filter_set_policy(struct rfb_filter *filter, enum rfb_policy policy, struct buf *out);
enum rfb_policy rfb_filter_policy(const struct rfb_filter *filter);
/* Appends the releases of all pressed keys and buttons, before a viewer is closed. */
void rfb_filter_release(struct rfb_filter *filter, struct buf *out);
const struct rfb_counts *rfb_filter_counts(const struct rfb_filter *filter);

#define RFB_ENCODINGS_MAX 512 /* in one list */
#define RFB_KEYS_MAX 32       /* pressed at once; more are dropped */
#define RFB_FENCE_MAX 64      /* bytes of a fence */
/* bytes of a clipboard; the agent accepts no more.  Longer ones are dropped */
#define RFB_CUT_TEXT_KEEP 262144
#define RFB_CUT_TEXT_MAX (16u << 20) /* longer ones are errors */

#endif
