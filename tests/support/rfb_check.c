#include "tests/support/rfb_check.h"

static uint32_t rfb_check_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static const char *rfb_check_encodings(const uint8_t *m, size_t n, bool view)
{
	for (size_t i = 0; i < n; i++) {
		int32_t e = (int32_t)rfb_check_u32(m + 4 + 4 * i);
		bool paints = e == -239 || e == -240 || e == -314 || e == -232 ||
			      (e >= 0x574d5664 && e <= 0x574d5666);
		if (view && paints) {
			return "a spectator is offered to draw the pointer";
		}
	}
	return NULL;
}

static const char *rfb_check_key(struct rfb_check *c, const uint8_t *m, size_t len, bool down)
{
	uint8_t key[12] = { m[0] };
	memcpy(key + 4, m + 4, len - 4);
	size_t i = 0;
	while (i < c->n_down && memcmp(c->down[i], key, 12) != 0) {
		i++;
	}
	if (down && i == c->n_down) {
		if (c->n_down == RFB_CHECK_DOWN) {
			return "too many keys are down";
		}
		memcpy(c->down[c->n_down++], key, 12);
	} else if (!down && i < c->n_down) {
		memmove(c->down[i], c->down[--c->n_down], 12);
	}
	c->inputs += down;
	return NULL;
}

/* Length of the message at m, 0 when it is none that may be there. */
static size_t rfb_check_length(const uint8_t *m, size_t left)
{
	static const uint8_t head[256] = {
		[0] = 20, [2] = 4, [3] = 10, [4] = 8, [5] = 6, [6] = 8, [150] = 10, [248] = 9
	};
	size_t len = head[m[0]];
	if (len == 0 || left < len) {
		return 0;
	}
	if (m[0] == 2) {
		len += 4 * ((size_t)m[2] << 8 | m[3]);
	} else if (m[0] == 6) {
		int32_t n = (int32_t)rfb_check_u32(m + 4);
		len += n < 0 ? (size_t) - (int64_t)n : (size_t)n;
	} else if (m[0] == 248) {
		len += m[8];
	}
	return len <= left ? len : 0;
}

static const char *rfb_check_message(struct rfb_check *c, const uint8_t *m, size_t len, bool view)
{
	switch (m[0]) {
	case 2:
		return rfb_check_encodings(m, (len - 4) / 4, view);
	case 4:
		return rfb_check_key(c, m, len, m[1]);
	case 5:
		c->buttons = m[1];
		c->inputs += m[1] != 0;
		return NULL;
	case 6:
		c->inputs++;
		return len > 8 + 262144 ? "a long clipboard" : NULL;
	default:
		return NULL;
	}
}

const char *rfb_check_output(
	struct rfb_check *c, const uint8_t *m, size_t left, bool view, bool releasing)
{
	static const char hello[] = "RFB 003.008\n\1\1";
	c->inputs = 0;
	for (; left > 0 && c->greeted < 14; m++, left--) {
		if (*m != (uint8_t)hello[c->greeted++]) {
			return "a wrong handshake";
		}
	}
	while (left > 0) {
		size_t len = rfb_check_length(m, left);
		if (len == 0) {
			return "not a whole message of a known kind";
		}
		if (view && !releasing && (m[0] == 4 || m[0] == 5)) {
			return "input in view";
		}
		const char *wrong = rfb_check_message(c, m, len, view);
		if (wrong) {
			return wrong;
		}
		m += len;
		left -= len;
	}
	if (view && (c->inputs || c->n_down || c->buttons)) {
		return "something is held down, or was typed, in view";
	}
	return NULL;
}
