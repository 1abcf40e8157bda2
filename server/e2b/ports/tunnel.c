#include "server/e2b/ports/tunnel.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/guest/conversation.h"

#include <errno.h>
#include <sys/epoll.h>

#define TURN (64u << 10)

struct port_tunnel {
	struct http_exchange *x;
	struct conversation *c; /* NULL: it has ended */
	sd_event *event;
	sd_event_source *io, *soon;
	int fd;              /* -1: not taken over yet */
	struct buf down, up; /* to the client, to the program: not taken yet */
	size_t owed;         /* bytes of the program that are in `down` */
	bool client_ended, program_ended, over;
};

static void end(struct port_tunnel *t)
{
	if (!t->over) {
		t->over = true;
		loop_drop(&t->io);
		loop_drop(&t->soon);
		http_upgrade_end(t->x);
	}
}

static bool must_wait(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* ---- to the client ---- */

static void credit(struct port_tunnel *t)
{
	if (t->c && !t->down.len && t->owed) {
		conversation_consumed(t->c, t->owed);
		t->owed = 0;
	}
}

/* False: the connection is broken. */
static bool send_down(struct port_tunnel *t)
{
	while (t->down.len) {
		ssize_t n = http_upgraded_send(t->x, t->down.data, t->down.len, false);
		if (n < 0) {
			return must_wait();
		}
		buf_consume(&t->down, (size_t)n);
	}
	return http_upgraded_flush(t->x) || must_wait();
}

/* ---- to the program ---- */

static void send_up(struct port_tunnel *t)
{
	if (!t->c) {
		return;
	}
	buf_consume(&t->up, conversation_write(t->c, PORT_BYTES, t->up.data, t->up.len));
	if (t->client_ended && !t->up.len) {
		conversation_close_write(t->c);
	}
}

/* False: the connection is broken. */
static bool read_some(struct port_tunnel *t)
{
	uint8_t bytes[TURN];
	if (t->up.len || t->client_ended) {
		return true;
	}
	ssize_t n = http_upgraded_recv(t->x, bytes, sizeof(bytes));
	if (n < 0) {
		return must_wait();
	}
	t->client_ended = n == 0;
	buf_append(&t->up, bytes, (size_t)n);
	send_up(t);
	return true;
}

/* ---- both ---- */

static int on_soon(sd_event_source *source, void *data);

/* What TLS has read before does not make the descriptor readable. */
static void watch(struct port_tunnel *t)
{
	bool reads = !t->up.len && !t->client_ended;
	bool writes = t->down.len || !http_upgraded_flush(t->x);
	uint32_t events = (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0);
	if (events) {
		sd_event_source_set_io_events(t->io, events);
	}
	loop_enable(t->io, events != 0);
	if (reads && !t->soon && http_upgraded_has_more(t->x)) {
		t->soon = loop_defer(t->event, on_soon, t);
	}
}

static void proceed(struct port_tunnel *t)
{
	if (t->over || t->fd < 0) {
		return;
	}
	if (!send_down(t) || (t->program_ended && !t->down.len)) {
		end(t);
		return;
	}
	credit(t);
	watch(t);
}

static void exchange(struct port_tunnel *t)
{
	if (read_some(t)) {
		proceed(t);
	} else {
		end(t);
	}
}

static int on_soon(sd_event_source *source, void *data)
{
	struct port_tunnel *t = data;
	(void)source;
	loop_drop(&t->soon);
	exchange(t);
	return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct port_tunnel *t = data;
	(void)source, (void)fd;
	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN)) {
		end(t);
	} else {
		exchange(t);
	}
	return 0;
}

static void on_open(struct http_exchange *x, int fd, void *data)
{
	struct port_tunnel *t = data;
	(void)x;
	t->fd = fd;
	t->io = loop_add_io(t->event, fd, EPOLLIN, on_io, t);
	proceed(t);
}

struct port_tunnel *port_tunnel_new(
	sd_event *event, struct http_exchange *x, struct conversation *c, const struct buf *head)
{
	struct port_tunnel *t = must(calloc(1, sizeof(*t)));
	t->x = x;
	t->c = c;
	t->fd = -1;
	t->event = event;
	buf_append(&t->down, head->data, head->len);
	http_take_over(x, on_open, t);
	return t;
}

void port_tunnel_free(struct port_tunnel *t)
{
	if (t) {
		loop_drop(&t->io);
		loop_drop(&t->soon);
		buf_done(&t->down);
		buf_done(&t->up);
		free(t);
	}
}

void port_tunnel_data(struct port_tunnel *t, const void *bytes, size_t len)
{
	t->owed += len;
	buf_append(&t->down, bytes, len);
	proceed(t);
}

void port_tunnel_writable(struct port_tunnel *t)
{
	send_up(t);
	proceed(t);
}

void port_tunnel_closed(struct port_tunnel *t, bool gone)
{
	t->program_ended = true;
	t->c = gone ? NULL : t->c;
	proceed(t);
}
