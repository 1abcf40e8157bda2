// USES rfb PkgConfig::vncclient
/* The RFB server as libvncclient, which Remmina, KRDC and others use, sees it. */
#include "rfb_people.h"

#include <pthread.h>
#include <rfb/rfbclient.h>
#include <sys/socket.h>

static struct world w;
static struct rfb_viewer *viewer;
static sd_event_source *line;
static rfbClient *client;

/* ---- the server's end of the line ---- */

static size_t write_line(const void *bytes, size_t len, void *data)
{
	ssize_t n = send(sd_event_source_get_io_fd(line), bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)data;
	return n > 0 ? (size_t)n : 0;
}

static int on_line(sd_event_source *source, int fd, uint32_t events, void *data)
{
	uint8_t bytes[4096];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	(void)source;
	(void)events;
	(void)data;
	if (n > 0) {
		rfb_viewer_feed(viewer, bytes, (size_t)n);
	}
	return 0;
}

static void on_over(const struct err *why, void *data)
{
	(void)data;
	cr_assert_fail("%s", why->text);
}

static const struct rfb_viewer_fns fns = {
	.write = write_line, .is_full = is_full, .ended = on_over
};

/* ---- the client ---- */

static void *log_in(void *data)
{
	(void)data;
	return InitialiseRFBConnection(client) ? client : NULL;
}

/* As large as the server says, which it does again for DesktopSize. */
static rfbBool resize(rfbClient *c)
{
	free(c->frameBuffer);
	c->frameBuffer =
		must(calloc((size_t)c->width * (size_t)c->height, c->format.bitsPerPixel / 8));
	return SetFormatAndEncodings(c);
}

static void serve_until_idle(void)
{
	while (sd_event_run(w.event, w.server->frame ? UINT64_MAX : 0) > 0) {
	}
}

/* The handshake waits for answers; after it the server never leaves a message half sent, for the line takes the largest. */
static void connect_client(int bits, int bytes, const char *encodings)
{
	int fds[2], size = 1 << 20;
	pthread_t thread;
	void *logged_in = NULL;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	client = rfbGetClient(bits, 3, bytes);
	client->sock = fds[1];
	client->canHandleNewFBSize = TRUE;
	client->MallocFrameBuffer = resize;
	client->appData.encodingsString = encodings;
	client->appData.enableJPEG = FALSE;
	cr_assert_geq(sd_event_add_io(w.event, &line, fds[0], EPOLLIN, on_line, NULL), 0);
	viewer = rfb_viewer_new(w.server, &fns, NULL);
	cr_assert_eq(pthread_create(&thread, NULL, log_in, NULL), 0);
	while (pthread_tryjoin_np(thread, &logged_in) != 0) {
		sd_event_run(w.event, 1000);
	}
	cr_assert(logged_in, "libvncclient does not log in");
	client->width = client->si.framebufferWidth;
	client->height = client->si.framebufferHeight;
	cr_assert(resize(client));
	cr_assert(SendFramebufferUpdateRequest(client, 0, 0, client->width, client->height, FALSE));
}

static void come_together(void)
{
	serve_until_idle();
	while (WaitForMessage(client, 0) > 0) {
		cr_assert(HandleRFBServerMessage(client), "libvncclient rejects a message");
		serve_until_idle();
	}
}

/* ---- what it sees ---- */

static struct rfb_format format_of(const rfbPixelFormat *f)
{
	return (struct rfb_format){ f->bitsPerPixel, f->depth, f->bigEndian,
		{ f->redMax, f->greenMax, f->blueMax },
		{ f->redShift, f->greenShift, f->blueShift } };
}

static uint32_t pixel_of(int x, int y)
{
	size_t bytes = client->format.bitsPerPixel / 8;
	uint32_t value = 0;
	memcpy(&value,
		client->frameBuffer + ((size_t)y * (size_t)client->width + (size_t)x) * bytes,
		bytes);
	return value;
}

static void expect_same(void)
{
	struct rfb_format f = format_of(&client->format);
	struct size size = w.picture.size;
	cr_assert(client->width == size.width && client->height == size.height, "%dx%d, not %dx%d",
		client->width, client->height, size.width, size.height);
	for (int y = 0; y < size.height; y++) {
		for (int x = 0; x < size.width; x++) {
			cr_assert_eq(pixel_of(x, y) & mask_of(&f),
				in_format(&f, pixel_at(&w.picture, x, y)), "at %d,%d", x, y);
		}
	}
}

static void change_often(void)
{
	for (int i = 0; i < 60; i++) {
		for (unsigned n = 1 + below(3); n > 0; n--) {
			plan_change(&w);
		}
		if (one_in(12)) {
			plan_resize(&w);
		}
		w.server->next_us = 0;
		rfb_server_changed(w.server);
		come_together();
		expect_same();
	}
}

static void watch(int bits, int bytes, const char *encodings)
{
	connect_client(bits, bytes, encodings);
	come_together();
	expect_same();
	change_often();
}

static void start(void)
{
	rfbEnableClientLogging = FALSE;
	chance = seed;
	world_start(&w, (struct size){ PICTURE_WIDTH, PICTURE_HEIGHT });
}

static void stop(void)
{
	int fd = sd_event_source_get_io_fd(line);
	rfb_viewer_free(viewer);
	sd_event_source_disable_unref(line);
	close(fd);
	free(client->frameBuffer);
	rfbClientCleanup(client);
	world_stop(&w);
}

TestSuite(rfb_libvncclient, .init = start, .fini = stop, .timeout = 120);

Test(rfb_libvncclient, sees_the_picture_by_tight)
{
	watch(8, 4, "tight copyrect raw");
}

Test(rfb_libvncclient, sees_the_picture_by_raw)
{
	watch(8, 4, "copyrect raw");
}

Test(rfb_libvncclient, sees_the_picture_in_16_bits)
{
	watch(5, 2, "tight copyrect raw");
}

Test(rfb_libvncclient, sees_the_picture_in_8_bits)
{
	watch(2, 1, "tight raw");
}
