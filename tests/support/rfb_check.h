#ifndef TESTS_SUPPORT_RFB_CHECK_H
#define TESTS_SUPPORT_RFB_CHECK_H

/*
 * Reads again what rfb_filter let through, written apart from it: whole messages, of known kinds,
 * and with what they hold down, so that "in view nothing of a viewer's hands arrives" can be said
 * of bytes.  A helper of the unit tests and the fuzzer: it says what is wrong, or NULL.
 */
#include "base/buf.h"

#include <string.h>

#define RFB_CHECK_DOWN 64

struct rfb_check {
	size_t greeted; /* bytes of the handshake that came out */
	uint8_t down[RFB_CHECK_DOWN][12];
	size_t n_down;
	unsigned buttons;
	int inputs; /* messages of a viewer's hands in the last output, releases aside */
};

/*
 * One output of the filter, with the policy that holds after it.  releasing: it is that of a change
 * of policy, which may let go of things.
 */
const char *rfb_check_output(
	struct rfb_check *c, const uint8_t *m, size_t left, bool view, bool releasing);

#endif
