#include "vm/rfb/vp9.h"

#include "base/cleanup.h"

#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#define FRAMES_S 30     /* nominal: what counts is the size of a frame */
#define SPEED 9         /* of 0 to 9 */
#define KEY_PERCENT 600 /* of a frame's bytes, for a key frame */

struct vp9 {
	vpx_codec_ctx_t codec;
	vpx_image_t *planes;
	vpx_codec_pts_t frames;
};

static bool fail(struct vp9 *v, const char *what, struct err *err)
{
	return err_set(
		err, ERR_UNSUPPORTED, "libvpx cannot %s: %s", what, vpx_codec_error(&v->codec));
}

/* ---- colors ---- */

static void put_luma(const uint8_t *in, uint8_t *to, int width)
{
	for (int x = 0; x < width; x++, in += 4) {
		to[x] = (uint8_t)((77 * in[2] + 150 * in[1] + 29 * in[0] + 128) >> 8);
	}
}

/* Of squares of four pixels. */
static void put_chroma(
	const uint8_t *in, const uint8_t *below, uint8_t *blue, uint8_t *red, int width)
{
	for (int x = 0; x < width; x++, in += 8, below += 8) {
		int b = in[0] + in[4] + below[0] + below[4];
		int g = in[1] + in[5] + below[1] + below[5];
		int r = in[2] + in[6] + below[2] + below[6];
		blue[x] = (uint8_t)((128 * b - 43 * r - 85 * g + (128 << 10) + 511) >> 10);
		red[x] = (uint8_t)((128 * r - 107 * g - 21 * b + (128 << 10) + 511) >> 10);
	}
}

static void put_planes(vpx_image_t *to, const struct image *picture)
{
	for (int y = 0; y < picture->size.height; y++) {
		put_luma(picture->pixels + (size_t)y * picture->stride,
			to->planes[VPX_PLANE_Y] + y * to->stride[VPX_PLANE_Y], picture->size.width);
	}
	for (int y = 0; y < picture->size.height / 2; y++) {
		const uint8_t *in = picture->pixels + (size_t)y * 2 * picture->stride;
		put_chroma(in, in + picture->stride,
			to->planes[VPX_PLANE_U] + y * to->stride[VPX_PLANE_U],
			to->planes[VPX_PLANE_V] + y * to->stride[VPX_PLANE_V],
			picture->size.width / 2);
	}
}

/* ---- frames ---- */

bool vp9_encode(
	struct vp9 *v, const struct image *picture, bool key, struct buf *out, struct err *err)
{
	vpx_enc_frame_flags_t flags = key ? VPX_EFLAG_FORCE_KF : 0;
	const vpx_codec_cx_pkt_t *packet;
	vpx_codec_iter_t at = NULL;
	size_t before = out->len;
	put_planes(v->planes, picture);
	if (vpx_codec_encode(&v->codec, v->planes, v->frames++, 1, flags, VPX_DL_REALTIME) !=
		VPX_CODEC_OK) {
		return fail(v, "encode a frame", err);
	}
	while ((packet = vpx_codec_get_cx_data(&v->codec, &at))) {
		if (packet->kind == VPX_CODEC_CX_FRAME_PKT) {
			buf_append(out, packet->data.frame.buf, packet->data.frame.sz);
		}
	}
	return out->len > before || fail(v, "encode a frame: it gave none", err);
}

/* ---- life ---- */

static vpx_codec_enc_cfg_t configuration(struct size size, unsigned frame_bytes)
{
	vpx_codec_enc_cfg_t c;
	vpx_codec_enc_config_default(vpx_codec_vp9_cx(), &c, 0);
	c.g_w = (unsigned)size.width;
	c.g_h = (unsigned)size.height;
	c.g_timebase = (struct vpx_rational){ 1, FRAMES_S };
	c.g_threads = 1;
	c.g_lag_in_frames = 0;
	c.kf_mode = VPX_KF_DISABLED;
	c.rc_end_usage = VPX_CBR;
	c.rc_target_bitrate = frame_bytes * 8 * FRAMES_S / 1000 + 1;
	c.rc_min_quantizer = 4;
	c.rc_max_quantizer = 56;
	c.rc_undershoot_pct = c.rc_overshoot_pct = 50;
	c.rc_buf_sz = 600; /* ms */
	c.rc_buf_initial_sz = 400;
	c.rc_buf_optimal_sz = 500;
	c.rc_dropframe_thresh = 0;
	return c;
}

static void control(struct vp9 *v)
{
	vpx_codec_control(&v->codec, VP8E_SET_CPUUSED, SPEED);
	vpx_codec_control(&v->codec, VP9E_SET_AQ_MODE, 3); /* what moves is refreshed in turn */
	vpx_codec_control(&v->codec, VP8E_SET_MAX_INTRA_BITRATE_PCT, KEY_PERCENT);
	vpx_codec_control(&v->codec, VP9E_SET_COLOR_SPACE, VPX_CS_BT_601);
	vpx_codec_control(&v->codec, VP9E_SET_COLOR_RANGE, VPX_CR_FULL_RANGE);
}

struct vp9 *vp9_new(struct size size, unsigned frame_bytes, struct err *err)
{
	vpx_codec_enc_cfg_t c = configuration(size, frame_bytes);
	struct vp9 *v = must(calloc(1, sizeof(*v)));
	if (vpx_codec_enc_init(&v->codec, vpx_codec_vp9_cx(), &c, 0) != VPX_CODEC_OK) {
		fail(v, "start an encoder", err);
		free(v);
		return NULL;
	}
	control(v);
	v->planes = must(vpx_img_alloc(NULL, VPX_IMG_FMT_I420, c.g_w, c.g_h, 32));
	v->planes->cs = VPX_CS_BT_601;
	v->planes->range = VPX_CR_FULL_RANGE;
	return v;
}

void vp9_free(struct vp9 *v)
{
	if (v) {
		vpx_codec_destroy(&v->codec);
		vpx_img_free(v->planes);
		free(v);
	}
}
