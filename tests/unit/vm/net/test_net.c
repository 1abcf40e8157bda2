// USES net base
/* What a machine with the network may reach: the filter by itself, and vitrine-net as QEMU sees it:
 * frames on a socket.  Nothing leaves this host. */
#include "base/cleanup.h"
#include "base/spawn.h"
#include "vm/net/filter.h"
#include "vm/net/local.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define ANSWER_MS 10000 /* nothing takes that long; a lost answer ends the test */
#define HEADERS (14 + 20)
#define FRAME (HEADERS + 20)

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static unsigned sum16(const uint8_t *at, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i += 2) {
		sum += (unsigned)at[i] << 8 | at[i + 1];
	}
	while (sum >> 16) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return ~sum & 0xffff;
}

/* The first packet of a connection. */
static void make(uint8_t frame[FRAME], const char *to, int protocol, unsigned port)
{
	static const uint8_t macs[12] = { 0x52, 0x55, 10, 0, 2, 2, 0x52, 0x54, 0, 1, 2, 3 };
	uint8_t *ip = frame + 14, *tcp = ip + 20;
	uint32_t from = htonl(NET_GUEST);
	memset(frame, 0, FRAME);
	memcpy(frame, macs, sizeof(macs));
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, FRAME - 14);
	ip[8] = 64;
	ip[9] = (uint8_t)protocol;
	memcpy(ip + 12, &from, 4);
	cr_assert_eq(inet_pton(AF_INET, to, ip + 16), 1);
	put16(ip + 10, sum16(ip, 20, 0));
	put16(tcp, 40000);
	put16(tcp + 2, port);
	tcp[12] = 5 << 4;
	tcp[13] = 2; /* SYN */
	put16(tcp + 14, 8192);
	put16(tcp + 16, sum16(ip + 12, 28, IPPROTO_TCP + 20));
}

static enum net_verdict judge(const char *to, int protocol, unsigned port)
{
	struct net_range here[] = { { 0x08080000, 0xffffff00 } }; /* 8.8.0.x */
	const struct net_local local = { here, 1 };
	uint8_t frame[FRAME];
	make(frame, to, protocol, port);
	return net_judge(&local, frame, sizeof(frame));
}

Test(net, where_packets_may_go)
{
	static const struct {
		const char *to;
		int protocol;
		unsigned port;
		enum net_verdict verdict;
	} cases[] = {
		{ "8.8.8.8", IPPROTO_TCP, 443, NET_PASS },
		{ "8.8.8.8", IPPROTO_UDP, 443, NET_PASS },
		{ "8.8.8.8", IPPROTO_ICMP, 0, NET_PASS },
		{ "8.8.8.8", IPPROTO_SCTP, 443, NET_DROP },
		{ "8.8.0.77", IPPROTO_TCP, 443, NET_REFUSE }, /* beside this host */
		{ "8.8.1.77", IPPROTO_TCP, 443, NET_PASS },
		{ "10.0.2.3", IPPROTO_UDP, 53, NET_PASS },
		{ "10.0.2.3", IPPROTO_TCP, 53, NET_PASS },
		{ "10.0.2.3", IPPROTO_TCP, 5432, NET_REFUSE }, /* of the resolver's host */
		{ "10.0.2.3", IPPROTO_ICMP, 53, NET_DROP },
		{ "10.0.2.2", IPPROTO_TCP, 80, NET_REFUSE },
		{ "10.0.2.2", IPPROTO_UDP, 69, NET_REFUSE },
		{ "127.0.0.1", IPPROTO_TCP, 80, NET_REFUSE },
		{ "0.0.0.0", IPPROTO_TCP, 80, NET_REFUSE },
		{ "10.255.255.255", IPPROTO_TCP, 80, NET_REFUSE },
		{ "11.0.0.0", IPPROTO_TCP, 80, NET_PASS },
		{ "100.64.0.1", IPPROTO_TCP, 80, NET_REFUSE },
		{ "100.128.0.1", IPPROTO_TCP, 80, NET_PASS },
		{ "169.254.169.254", IPPROTO_TCP, 80, NET_REFUSE },
		{ "172.16.0.1", IPPROTO_TCP, 80, NET_REFUSE },
		{ "172.31.255.255", IPPROTO_UDP, 80, NET_REFUSE },
		{ "172.32.0.1", IPPROTO_TCP, 80, NET_PASS },
		{ "192.168.1.1", IPPROTO_TCP, 80, NET_REFUSE },
		{ "192.168.1.1", IPPROTO_ICMP, 0, NET_DROP },
		{ "198.19.0.1", IPPROTO_TCP, 80, NET_REFUSE },
		{ "224.0.0.251", IPPROTO_UDP, 5353, NET_DROP },
		{ "255.255.255.255", IPPROTO_UDP, 67, NET_DROP },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_expect_eq(judge(cases[i].to, cases[i].protocol, cases[i].port), cases[i].verdict,
			"%s, protocol %d, port %u", cases[i].to, cases[i].protocol, cases[i].port);
	}
}

Test(net, what_is_no_whole_packet_is_dropped)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *what;
	} cases[] = {
		{ 12, 0x86, "another protocol" },
		{ 14, 0x65, "another version" },
		{ 14, 0x44, "too short a header" },
		{ 14, 0x4f, "a header that ends behind the frame" },
		{ 14 + 3, 20, "no payload" },
		{ 14 + 6, 0x20, "a first piece" },
		{ 14 + 7, 1, "a later piece" },
	};
	const struct net_local none = { 0 };
	uint8_t frame[FRAME];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		make(frame, "8.8.8.8", IPPROTO_TCP, 80);
		frame[cases[i].at] = cases[i].byte;
		cr_expect_eq(net_judge(&none, frame, FRAME), NET_DROP, "%s", cases[i].what);
	}
	make(frame, "8.8.8.8", IPPROTO_TCP, 80);
	for (size_t len = 0; len < HEADERS + 8; len++) {
		cr_expect_eq(net_judge(&none, frame, len), NET_DROP, "%zu bytes", len);
	}
}

/* Every machine has lo, so there is something to be found. */
Test(net, own_networks_are_known)
{
	struct net_local local = { 0 };
	uint8_t frame[FRAME];
	auto_close int watch = local_watch();
	cr_assert_geq(watch, 0);
	cr_assert(local_read(&local));
	cr_assert(local_read(&local), "again");
	cr_assert_gt(local.n, 0);
	for (size_t i = 0; i < local.n; i++) {
		struct in_addr address = { htonl(local.ranges[i].address) };
		make(frame, inet_ntoa(address), IPPROTO_TCP, 80);
		cr_expect_eq(net_judge(&local, frame, FRAME), NET_REFUSE, "%s", inet_ntoa(address));
	}
	free(local.ranges);
}

/* ---- the program ---- */

static pid_t start(int *ret_card)
{
	char path[4096];
	int ends[2];
	struct err err;
	snprintf(path, sizeof(path), "%s/vitrine-net", getenv("VITRINE_BUILD"));
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	auto_close int its = ends[1];
	const char *argv[] = { path, NULL };
	const struct spawn_fd fds[] = { { its, 3 }, { 2, 2 } };
	pid_t pid = spawn_start(
		&(struct spawn){ .argv = argv, .fds = fds, .n_fds = 2, .die_with_us = true }, &err);
	cr_assert_gt(pid, 0, "%s", err.text);
	*ret_card = ends[0];
	return pid;
}

static void say(int card, const uint8_t *frame, size_t len)
{
	uint32_t size = htonl((uint32_t)len);
	cr_assert_eq(send(card, &size, 4, MSG_NOSIGNAL), 4);
	cr_assert_eq(send(card, frame, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void take(int card, void *bytes, size_t len)
{
	uint8_t *at = bytes;
	while (len > 0) {
		struct pollfd ready = { card, POLLIN, 0 };
		cr_assert_eq(poll(&ready, 1, ANSWER_MS), 1, "no answer");
		ssize_t n = recv(card, at, len, 0);
		cr_assert_gt(n, 0, "vitrine-net has ended");
		at += n;
		len -= (size_t)n;
	}
}

static size_t hear(int card, uint8_t *frame, size_t max)
{
	uint32_t size;
	take(card, &size, 4);
	size = ntohl(size);
	cr_assert_leq(size, max);
	take(card, frame, size);
	return size;
}

static void expect_end(pid_t pid, int status)
{
	int got = -1;
	cr_assert_eq(waitpid(pid, &got, 0), pid);
	cr_expect(WIFEXITED(got) && WEXITSTATUS(got) == status, "status %x", (unsigned)got);
}

static int listen_here(unsigned *ret_port)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(here);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&here, len), 0);
	cr_assert_eq(listen(fd, 8), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&here, &len), 0);
	*ret_port = ntohs(here.sin_port);
	return fd;
}

static void say_arp(int card)
{
	uint8_t ask[42] = { 255, 255, 255, 255, 255, 255, 0x52, 0x54, 0, 1, 2, 3, 8, 6, 0, 1, 8, 0,
		6, 4, 0, 1, 0x52, 0x54, 0, 1, 2, 3, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2 };
	uint8_t answer[100];
	say(card, ask, sizeof(ask));
	hear(card, answer, sizeof(answer));
	cr_expect_eq(answer[13], 6, "an answer to ARP");
	cr_expect_eq(answer[21], 2);
}

Test(net, this_host_cannot_be_reached)
{
	static const char *const ways[] = { "10.0.2.2", "127.0.0.1", "10.0.2.3", "0.0.0.0" };
	unsigned port;
	int card;
	pid_t pid = start(&card);
	auto_close int listener = listen_here(&port);
	uint8_t frame[FRAME], answer[200];
	say_arp(card);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		make(frame, ways[i], IPPROTO_TCP, port);
		say(card, frame, FRAME);
		cr_expect_eq(hear(card, answer, sizeof(answer)), NET_REFUSAL_LEN, "%s", ways[i]);
		cr_expect_eq(answer[14 + 9], IPPROTO_ICMP);
		cr_expect_eq(answer[HEADERS], 3);
		cr_expect_eq(answer[HEADERS + 1], 13);
		cr_expect_eq(sum16(answer + 14, 20, 0), 0, "the header's sum");
		cr_expect_eq(sum16(answer + HEADERS, NET_REFUSAL_LEN - HEADERS, 0), 0, "its sum");
		cr_expect_arr_eq(answer + HEADERS + 8, frame + 14, 28, "what was refused");
	}
	say_arp(card); /* whatever it had to do is done */
	cr_expect_lt(accept(listener, NULL, NULL), 0, "somebody got through");
	close(card);
	expect_end(pid, 0);
}

Test(net, too_large_a_frame_ends_it)
{
	int card;
	pid_t pid = start(&card);
	uint32_t size = htonl(NET_FRAME_MAX + 1);
	cr_assert_eq(send(card, &size, 4, MSG_NOSIGNAL), 4);
	expect_end(pid, 1);
	close(card);
}

Test(net, what_comes_in_pieces_is_put_together)
{
	uint8_t frame[4 + FRAME], answer[200];
	int card;
	pid_t pid = start(&card);
	make(frame + 4, "10.0.2.2", IPPROTO_TCP, 80);
	put16(frame, 0);
	put16(frame + 2, FRAME);
	for (size_t i = 0; i < sizeof(frame); i++) {
		cr_assert_eq(send(card, frame + i, 1, MSG_NOSIGNAL), 1);
	}
	cr_expect_eq(hear(card, answer, sizeof(answer)), NET_REFUSAL_LEN);
	close(card);
	expect_end(pid, 0);
}
