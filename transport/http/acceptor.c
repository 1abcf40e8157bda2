#include "transport/http/acceptor.h"

#include "base/log.h"
#include "base/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define ACCEPTS_A_TURN 32
#define AGAIN_MS 100

static void enable(struct acceptor *acceptor, bool on)
{
	for (int i = 0; i < acceptor->sockets->n; i++) {
		loop_enable(acceptor->sources[i], on);
	}
}

static int on_later(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	enable(data, true);
	return 0;
}

/* A listening socket with a waiting connection stays readable and would keep the loop busy. */
static void wait_a_moment(struct acceptor *acceptor)
{
	log_warning("cannot accept %s connections for now: %s", acceptor->what, strerror(errno));
	enable(acceptor, false);
	sd_event_source_set_time(acceptor->later, loop_now_us() + AGAIN_MS * UINT64_C(1000));
	sd_event_source_set_enabled(acceptor->later, SD_EVENT_ONESHOT);
}

static int on_connect(sd_event_source *source, int listener, uint32_t events, void *data)
{
	struct acceptor *acceptor = data;
	(void)source, (void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		int fd = accept4(listener, (void *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			acceptor->accepted(fd, &from, len, acceptor->data);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != ECONNABORTED && errno != EINTR && errno != EPROTO) {
			wait_a_moment(acceptor);
			break;
		} /* otherwise the client has disconnected */
	}
	if (acceptor->turned) {
		acceptor->turned(acceptor->data);
	}
	return 0;
}

void acceptor_start(struct acceptor *acceptor)
{
	/* Created now, because the loop's first timer needs a descriptor. */
	acceptor->later = loop_after_ms(acceptor->event, UINT64_MAX, on_later, acceptor);
	for (int i = 0; i < acceptor->sockets->n; i++) {
		acceptor->sources[i] = loop_add_io(
			acceptor->event, acceptor->sockets->fds[i], EPOLLIN, on_connect, acceptor);
	}
}

void acceptor_stop(struct acceptor *acceptor)
{
	for (int i = 0; i < HTTP_SOCKETS_MAX; i++) {
		loop_drop(&acceptor->sources[i]);
	}
	loop_drop(&acceptor->later);
}
