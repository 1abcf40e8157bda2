// USES rfb
/*
 * What a hostile viewer sends to the RFB server of a picture that changes, cut anywhere, over a line
 * that takes as much as its first two bytes say.  Another viewer looks on and is still served.
 */
#include "vm/rfb/server.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "base/work.h"
#include "vm/rfb/server_impl.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define WIDTH 128
#define HEIGHT 120
#define HELD_MAX (256 << 10)

static sd_event *event;
static uint32_t pixels[WIDTH * HEIGHT], cursor_pixels[4 * 3];
static struct image picture = { (uint8_t *)pixels, { WIDTH, HEIGHT }, WIDTH * 4 };
static struct cursor_image cursor = { cursor_pixels, { 4, 3 }, { 1, 2 }, 1 };
static unsigned now;

struct end {
	size_t room, got;
	int ended;
};

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

/* ---- the picture ---- */

static const char *name(void *data)
{
	(void)data;
	return "fuzz";
}

static void refresh(struct picture_change *ret, void *data)
{
	(void)data;
	now++;
	picture.size.height = HEIGHT - (now % 16 == 0 ? 20 : 0);
	if (now % 16 < 2) {
		*ret = (struct picture_change){ .areas = { { 0, 0, WIDTH, HEIGHT } },
			.n_areas = 1 };
		return;
	}
	struct rect to = { (int)(now % 40), (int)(now % 7), 30, 20 };
	*ret = (struct picture_change){ .moves = { { to, { 3, 5 } } }, .n_moves = 1 };
	for (int y = 0; y < to.height; y++) {
		memmove(pixels + (to.y + y) * WIDTH + to.x, pixels + (5 + y) * WIDTH + 3, 30 * 4);
	}
	ret->areas[ret->n_areas++] = to;
	cursor.serial = 1 + now / 4;
}

static struct rfb_scene scene(bool place, void *data)
{
	(void)data;
	return (struct rfb_scene){ &picture, now % 9 ? &cursor : NULL, place,
		{ (int)(now % WIDTH), (int)(now % HEIGHT) } };
}

static const struct rfb_source source = { name, refresh, scene };

/* ---- the viewers ---- */

static size_t on_write(const void *bytes, size_t len, void *data)
{
	struct end *end = data;
	size_t n = len < end->room ? len : end->room;
	(void)bytes;
	end->room -= n;
	end->got += n;
	return n;
}

static void on_key(uint32_t keysym, bool down, void *data)
{
	(void)keysym;
	(void)down;
	(void)data;
}

static void on_pointer(struct point at, unsigned buttons, void *data)
{
	(void)data;
	check(at.x >= 0 && at.x < WIDTH && at.y >= 0 && at.y < HEIGHT && buttons < 256);
}

static void on_ended(const struct err *why, void *data)
{
	struct end *end = data;
	check(why->kind == ERR_ARGUMENT && end->ended++ == 0);
}

static bool is_full(void *data)
{
	(void)data;
	return false;
}

static void on_refused(void *data)
{
	(void)data;
}

static void on_cut_text(const char *text, size_t len, void *data)
{
	(void)data;
	check(utf8_is_valid((const uint8_t *)text, len) && len <= 3 * (RFB_CUT_TEXT_MAX + 5));
}

static struct rfb_viewer *first; /* the one that is fed */

static void on_text_wanted(void *data)
{
	(void)data;
	rfb_viewer_give_text(first, "caf\xc3\xa9 \xe6\xbc\xa2\n", 10);
}

static const struct rfb_viewer_fns fns = { on_write, on_key, on_pointer, is_full, on_refused,
	on_ended, on_cut_text, on_text_wanted };

static void settle(void)
{
	while (sd_event_run(event, 0) > 0) {
	}
}

static void check_held(const struct rfb_viewer *v)
{
	check(v->in.cap + v->out.cap + v->later.cap + v->cursor_rect.cap <= HELD_MAX);
}

/* The next frame does not wait for its time. */
static void change(struct rfb_server *server)
{
	server->next_us = 0;
	rfb_server_changed(server);
	settle();
}

static void ask(struct rfb_viewer *onlooker, struct end *end)
{
	static const uint8_t request[10] = { 3, 0, 0, 0, 0, 0, 0, 1, 0, 1 };
	size_t got = end->got;
	rfb_viewer_feed(onlooker, request, sizeof(request));
	settle();
	check(end->got > got && end->ended == 0);
}

/* Cuts of 1 to 64 bytes, or all at once; the line takes up to 4 KiB for each. */
static void feed(struct rfb_server *server, struct rfb_viewer *v, struct end *end,
	const uint8_t *bytes, size_t len)
{
	size_t cut = bytes[0] % 65, room = (size_t)bytes[1] * bytes[1] / 16;
	for (size_t at = 2; at < len && !end->ended;) {
		size_t n = cut > 0 && cut < len - at ? cut : len - at;
		rfb_viewer_feed(v, bytes + at, n);
		check_held(v);
		end->room = room;
		rfb_viewer_writable(v);
		change(server);
		at += n;
	}
}

static void play(struct rfb_server *server, const uint8_t *bytes, size_t len)
{
	static const char hello[] = RFB_HELLO "\1\1";
	struct end end = { 0 }, beside = { .room = SIZE_MAX };
	struct rfb_viewer *onlooker = rfb_viewer_new(server, &fns, &beside);
	struct rfb_viewer *v = first = rfb_viewer_new(server, &fns, &end);
	rfb_viewer_set_control(v, true);
	rfb_viewer_set_clipboard(v, true);
	rfb_viewer_feed(onlooker, hello, sizeof(hello) - 1);
	feed(server, v, &end, bytes, len);
	ask(onlooker, &beside);
	rfb_viewer_free(v);
	ask(onlooker, &beside);
	rfb_viewer_free(onlooker);
}

/* A film in most of the picture, as if it had been going on for three seconds. */
static void begin_film(struct rfb_server *server)
{
	static const struct picture_change film = { .areas = { { 8, 8, 110, 100 } }, .n_areas = 1 };
	uint64_t end = loop_now_us();
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++) {
		pixels[i] = i * 2654435761u;
	}
	for (uint64_t at = end - 3000000; at < end; at += 40000) {
		motion_see(server->motion, &picture, &film, at);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct err err;
	if (!event) {
		event = loop_new(&err);
		check(event);
	}
	if (len > 2) {
		struct rfb_server *server = rfb_server_new(event, &source, NULL, &err);
		now = 0;
		if (bytes[len - 1] == 'f') {
			begin_film(server);
		}
		play(server, bytes, len);
		rfb_server_free(server);
		work_wait_all();
	}
	return 0;
}
