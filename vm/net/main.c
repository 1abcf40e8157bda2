/*
 * vitrine-net, the network of one microVM: receives Ethernet frames from QEMU over a socket, and
 * forwards them as ordinary connections of this process, with libslirp.  It is a separate process
 * so that QEMU needs no network, and so that a filter outside the VM decides what may be reached
 * (filter.h).  Exits when QEMU does.
 */
#include "vm/net/filter.h"
#include "vm/net/local.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CARD_FD 3 /* QEMU's stream: each frame after its length, four bytes, big-endian */
#define POLLS_MAX 1024
#define IN_MAX (4 * NET_FRAME_MAX)

struct net {
	Slirp *slirp;
	struct net_local local;
	int watch;
	struct pollfd polls[POLLS_MAX]; /* the card, the watch, and those of libslirp */
	int n_polls;
	uint8_t in[IN_MAX];
	size_t len;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "vitrine-net: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* ---- to the VM ---- */

static void send_all(const uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(CARD_FD, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR) {
			_exit(0); /* QEMU has exited */
		}
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

static ssize_t send_packet(const void *frame, size_t len, void *data)
{
	uint8_t out[4 + NET_FRAME_MAX];
	uint32_t size = htonl((uint32_t)len);
	(void)data;
	if (len > NET_FRAME_MAX) {
		return -1;
	}
	memcpy(out, &size, 4);
	memcpy(out + 4, frame, len);
	send_all(out, 4 + len);
	return (ssize_t)len;
}

/* ---- from the VM ---- */

static void take_frame(struct net *net, const uint8_t *frame, size_t len)
{
	uint8_t answer[NET_REFUSAL_LEN];
	switch (net_judge(&net->local, frame, len)) {
	case NET_PASS:
		slirp_input(net->slirp, frame, (int)len);
		break;
	case NET_REFUSE:
		net_refusal(frame, answer);
		send_packet(answer, sizeof(answer), NULL);
		break;
	case NET_DROP:
		break;
	}
}

static void take_bytes(struct net *net)
{
	ssize_t n = recv(CARD_FD, net->in + net->len, IN_MAX - net->len, 0);
	if (n < 0 && errno == EINTR) {
		return;
	}
	if (n <= 0) {
		_exit(0);
	}
	size_t at = 0;
	net->len += (size_t)n;
	for (uint32_t size; net->len - at >= 4; at += 4 + size) {
		memcpy(&size, net->in + at, 4);
		size = ntohl(size);
		if (size > NET_FRAME_MAX) {
			errno = EPROTO;
			fail("QEMU sent too large a frame");
		}
		if (net->len - at - 4 < size) {
			break;
		}
		take_frame(net, net->in + at + 4, size);
	}
	net->len -= at;
	memmove(net->in, net->in + at, net->len);
}

/* ---- libslirp's callbacks ---- */

/* Reports a guest's errors, which are ignored. */
static void guest_error(const char *text, void *data)
{
	(void)text;
	(void)data;
}

static int64_t now_ns(void *data)
{
	struct timespec now;
	(void)data;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Its only timer announces IPv6 routers, and IPv6 is disabled. */
static void *timer_new(SlirpTimerCb fn, void *fn_data, void *data)
{
	static int none;
	(void)fn;
	(void)fn_data;
	(void)data;
	return &none;
}

static void timer_free(void *timer, void *data)
{
	(void)timer;
	(void)data;
}

static void timer_mod(void *timer, int64_t at_ms, void *data)
{
	(void)timer;
	(void)at_ms;
	(void)data;
}

/* Descriptors are collected before each poll, so nothing is registered. */
static void poll_fd(int fd, void *data)
{
	(void)fd;
	(void)data;
}

static void notify(void *data)
{
	(void)data;
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = now_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = poll_fd,
	.unregister_poll_fd = poll_fd,
	.notify = notify,
};

static void start_slirp(struct net *net)
{
	const SlirpConfig config = {
		.version = 1,
		.in_enabled = true,
		.vnetwork.s_addr = htonl(NET_NETWORK),
		.vnetmask.s_addr = htonl(NET_MASK),
		.vhost.s_addr = htonl(NET_GATEWAY),
		.vdhcp_start.s_addr = htonl(NET_GUEST),
		.vnameserver.s_addr = htonl(NET_RESOLVER),
		.disable_host_loopback = true,
	};
	net->slirp = slirp_new(&config, &callbacks, net);
	if (!net->slirp) {
		fail("libslirp did not start");
	}
}

/* ---- polling ---- */

static const struct {
	int slirp;
	short poll;
} events[] = {
	{ SLIRP_POLL_IN, POLLIN },
	{ SLIRP_POLL_OUT, POLLOUT },
	{ SLIRP_POLL_PRI, POLLPRI },
	{ SLIRP_POLL_ERR, POLLERR },
	{ SLIRP_POLL_HUP, POLLHUP },
};
#define EVENTS (sizeof(events) / sizeof(*events))

/* Those that do not fit wait for the next round. */
static int add_poll(int fd, int wanted, void *data)
{
	struct net *net = data;
	short poll = 0;
	if (net->n_polls == POLLS_MAX) {
		return -1;
	}
	for (size_t i = 0; i < EVENTS; i++) {
		poll |= wanted & events[i].slirp ? events[i].poll : 0;
	}
	net->polls[net->n_polls] = (struct pollfd){ .fd = fd, .events = poll };
	return net->n_polls++;
}

static int get_events(int index, void *data)
{
	const struct net *net = data;
	int got = 0;
	for (size_t i = 0; index >= 0 && i < EVENTS; i++) {
		got |= net->polls[index].revents & events[i].poll ? events[i].slirp : 0;
	}
	return got;
}

static void run_round(struct net *net)
{
	uint32_t timeout = UINT32_MAX;
	net->polls[0] = (struct pollfd){ .fd = CARD_FD, .events = POLLIN };
	net->polls[1] = (struct pollfd){ .fd = net->watch, .events = POLLIN };
	net->n_polls = 2;
	slirp_pollfds_fill(net->slirp, &timeout, add_poll, net);
	int n = poll(net->polls, (nfds_t)net->n_polls, timeout > INT32_MAX ? -1 : (int)timeout);
	slirp_pollfds_poll(net->slirp, n < 0, get_events, net);
	if (n > 0 && net->polls[1].revents) {
		local_drain(net->watch);
		if (!local_read(&net->local)) {
			fail("cannot read this host's addresses");
		}
	}
	if (n > 0 && net->polls[0].revents) {
		take_bytes(net);
	}
}

int main(void)
{
	static struct net net;
	net.watch = local_watch();
	if (net.watch < 0 || !local_read(&net.local)) {
		fail("cannot read this host's addresses");
	}
	start_slirp(&net);
	for (;;) {
		run_round(&net);
	}
}
