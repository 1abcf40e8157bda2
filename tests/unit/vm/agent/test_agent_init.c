// USES agent
/* What the first process of a microVM reads and hears: the kernel's command line, requests. */
#include "vm/agent/init/cmdline.h"
#include "vm/agent/init/privileged_request.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the command line ---- */

/* The arguments, joined by '|'. */
static const char *args_of(const char *line)
{
	static struct cmdline cmdline;
	static char text[3 * CMDLINE_MAX];
	struct err err;
	size_t len = 0;
	if (!cmdline_read(line, &cmdline, &err)) {
		snprintf(text, sizeof(text), "!%s", err.text);
		return text;
	}
	text[0] = '\0';
	for (int i = 0; i < cmdline.n; i++) {
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s%s", i ? "|" : "", cmdline.args[i]);
	}
	cr_expect_null(cmdline.args[cmdline.n]);
	return text;
}

Test(cmdline, takes_words_of_ours)
{
	cr_expect_str_eq(args_of(""), "");
	cr_expect_str_eq(args_of("quiet console=ttyS0 panic=-1\n"), "");
	cr_expect_str_eq(args_of("quiet vitrine.screen=800x600 panic=-1 vitrine.grace=-1\n"),
		"--screen|800x600|--grace|-1");
	cr_expect_str_eq(args_of("  vitrine.max-files=10  "), "--max-files|10");
	cr_expect_str_eq(args_of("vitrine.log=debug"), "--log-level|debug");
	cr_expect_str_eq(args_of("vitrine.disk=100 vitrine.screen=1x1"), "--screen|1x1");
	cr_expect_str_eq(args_of("x.vitrine.screen=1x1 vitrine=2"), "");
	cr_expect_str_eq(args_of("vitrine.screen="), "--screen|");
	cr_expect_str_eq(args_of("vitrine.a=b=c"), "--a|b=c");
}

Test(cmdline, takes_quotes_off)
{
	cr_expect_str_eq(args_of("vitrine.screen=\"8 6\" quiet"), "--screen|8 6");
	cr_expect_str_eq(args_of("vitrine.screen=\""), "--screen|\"");
	cr_expect_str_eq(args_of("a=\"vitrine.screen=1 \" b"), "");
}

Test(cmdline, refuses)
{
	cr_expect(strstr(args_of("vitrine.help"), "vitrine.NAME=VALUE"));
	cr_expect(strstr(args_of("vitrine.=1"), "vitrine.NAME=VALUE"));
	char many[CMDLINE_MAX] = "", *at = many;
	for (int i = 0; i <= CMDLINE_ARGS / 2; i++) {
		at += snprintf(at, 16, "vitrine.a=1 ");
	}
	cr_expect(strstr(args_of(many), "more than 32 options"), "%s", args_of(many));
	char large[CMDLINE_MAX + 1];
	memset(large, 'x', CMDLINE_MAX);
	large[CMDLINE_MAX] = '\0';
	cr_expect(strstr(args_of(large), "more than 4095 bytes"));
}

/* ---- requests ---- */

static const struct privileged_request good = {
	.number = 7,
	.time_us = PRIVILEGED_TIME_MIN,
	.hostname = "a-1",
	.machine_id = "0123456789abcdef0123456789abcdef",
	.mac = "52:54:00:12:34:56",
};

struct pair {
	int agent, init;
};

static struct pair begin(void)
{
	int ends[2];
	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	return (struct pair){ ends[0], ends[1] };
}

static void end(struct pair pair)
{
	close(pair.agent);
	close(pair.init);
}

Test(privileged_request, goes_and_comes_back)
{
	struct pair pair = begin();
	struct privileged_request got;
	struct err err, why;
	uint32_t number;
	cr_assert(privileged_request_send(pair.agent, &good, &err));
	cr_assert(privileged_request_receive(pair.init, &got, &err), "%s", err.text);
	cr_expect_eq(memcmp(&got, &good, sizeof(good)), 0);
	cr_assert(privileged_request_reply(pair.init, got.number, NULL, &err));
	cr_expect(privileged_request_answer(pair.agent, &number, &err));
	cr_expect_eq(number, 7);
	err_set(&why, ERR_HOST, "no luck");
	cr_assert(privileged_request_reply(pair.init, 8, &why, &err));
	cr_expect_not(privileged_request_answer(pair.agent, &number, &err));
	cr_expect_eq(number, 8);
	cr_expect_str_eq(err.text, "no luck");
	end(pair);
}

Test(privileged_request, waits_for_nobody)
{
	struct pair pair = begin();
	struct privileged_request got;
	struct err err;
	uint32_t number;
	cr_expect_not(privileged_request_receive(pair.init, &got, &err));
	cr_expect_not(privileged_request_answer(pair.agent, &number, &err));
	cr_expect_eq(number, 0);
	close(pair.agent);
	cr_expect_not(privileged_request_receive(pair.init, &got, &err));
	cr_expect_eq(err.kind, ERR_GONE, "%s", err.text);
	close(pair.init);
}

/* The first process is root, and whatever the desktop's user could send it is checked. */
Test(privileged_request, trusts_nothing)
{
	struct pair pair = begin();
	struct privileged_request got, bad = good;
	struct err err;
	cr_assert_eq(send(pair.agent, &good, sizeof(good) - 1, 0), (ssize_t)sizeof(good) - 1);
	cr_expect_not(privileged_request_receive(pair.init, &got, &err));
	char large[sizeof(good) + 1] = { 0 };
	memcpy(large, &good, sizeof(good));
	cr_assert_eq(send(pair.agent, large, sizeof(large), 0), (ssize_t)sizeof(large));
	cr_expect_not(privileged_request_receive(pair.init, &got, &err));
	cr_expect(strstr(err.text, "bytes instead of"), "%s", err.text);
	memset(bad.hostname, 'a', sizeof(bad.hostname));
	cr_assert(privileged_request_send(pair.agent, &bad, &err));
	cr_expect_not(
		privileged_request_receive(pair.init, &got, &err), "a hostname without an end");
	bad = good;
	memset(bad.mac, ':', sizeof(bad.mac));
	cr_assert(privileged_request_send(pair.agent, &bad, &err));
	cr_expect_not(privileged_request_receive(pair.init, &got, &err));
	bad = good;
	memcpy(bad.machine_id, "../../../../../../../etc/passwd", 32);
	cr_assert(privileged_request_send(pair.agent, &bad, &err));
	cr_expect_not(privileged_request_receive(pair.init, &got, &err));
	cr_expect_eq(err.kind, ERR_ARGUMENT);
	bad = good;
	bad.time_us = -1;
	cr_assert(privileged_request_send(pair.agent, &bad, &err));
	cr_expect_not(privileged_request_receive(pair.init, &got, &err));
	end(pair);
}
