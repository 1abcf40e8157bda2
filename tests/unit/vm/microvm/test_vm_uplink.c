// USES vm
/* vitrine-net between its walls, as a machine has it.  Nothing leaves this host. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/microvm/network.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PATIENCE_MS 30000 /* a bound for a broken program, not a measure */

static void say(int card, const uint8_t *frame, uint32_t len)
{
	uint32_t size = htonl(len);
	cr_assert_eq(send(card, &size, 4, MSG_NOSIGNAL), 4);
	cr_assert_eq(send(card, frame, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void hear(int card, uint8_t *bytes, size_t len)
{
	while (len > 0) {
		struct pollfd ready = { card, POLLIN, 0 };
		cr_assert_eq(poll(&ready, 1, PATIENCE_MS), 1, "no answer");
		ssize_t n = recv(card, bytes, len, 0);
		cr_assert_gt(n, 0, "vitrine-net has ended");
		bytes += n;
		len -= (size_t)n;
	}
}

/* Where is the gateway?  libslirp itself knows. */
Test(uplink, answers_and_ends_with_the_socket, .timeout = 60)
{
	static const uint8_t ask[42] = { 255, 255, 255, 255, 255, 255, 0x52, 0x54, 0, 1, 2, 3, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 1, 2, 3, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10,
		0, 2, 2 };
	uint8_t answer[4 + 64] = { 0 };
	struct err err;
	sd_event *event = loop_new(&err);
	cr_assert_not_null(event, "%s", err.text);
	struct spawn how = { .die_with_us = true };
	int card = uplink_start(event, "test", STDERR_FILENO, &how, &err);
	cr_assert_geq(card, 0, "%s", err.text);
	say(card, ask, sizeof(ask));
	hear(card, answer, 4 + 42);
	cr_expect_eq(answer[4 + 13], 6, "ARP");
	cr_expect_eq(answer[4 + 21], 2, "an answer");
	cr_assert_eq(shutdown(card, SHUT_RDWR), 0);
	siginfo_t end;
	cr_assert_eq(waitid(P_ALL, 0, &end, WEXITED | WNOWAIT), 0);
	cr_expect(end.si_code == CLD_EXITED && end.si_status == 0, "status %d", end.si_status);
	while (waitid(P_ALL, 0, &end, WEXITED | WNOWAIT | WNOHANG) == 0) { /* until it is reaped */
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	}
	close(card);
	sd_event_unref(event);
}
