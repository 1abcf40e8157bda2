// USES vm
/* The QMP client against a QEMU that we play: in order, out of order, hostile, and silent. */

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/microvm/qmp.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"

struct play {
	sd_event *event;
	struct qmp *qmp;
	int qemu; /* the other end */
	int closed, events;
	struct err why;
	char last_event[40];
};

struct reply {
	int times;
	struct err err;
	json_t *ret;
	struct qmp **free_it;
	struct qmp *ask_again;
	struct reply *next;
};

static void on_reply(const json_t *ret, const struct err *err, void *data)
{
	struct reply *reply = data;
	cr_assert(!ret != !err);
	reply->times++;
	if (err) {
		reply->err = *err;
	}
	reply->ret = json_deep_copy(ret);
	if (reply->ask_again) {
		qmp_command(reply->ask_again, "query-name", NULL, on_reply, reply->next);
	}
	if (reply->free_it) {
		qmp_free(*reply->free_it);
		*reply->free_it = NULL;
	}
}

static void on_event(const char *name, const json_t *values, void *data)
{
	struct play *play = data;
	(void)values;
	play->events++;
	snprintf(play->last_event, sizeof(play->last_event), "%s", name);
}

static void on_closed(const struct err *why, void *data)
{
	struct play *play = data;
	play->closed++;
	play->why = *why;
}

static const struct qmp_handlers handlers = { on_event, on_closed };

/* Into place: the client keeps its address. */
static void begin(struct play *play, uint64_t limit_ms)
{
	struct err err;
	int ends[2];
	*play = (struct play){ .event = loop_new(&err) };
	cr_assert_not_null(play->event, "%s", err.text);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	play->qemu = ends[1];
	play->qmp = qmp_new(play->event, ends[0], limit_ms, &handlers, play);
}

#define PLAY(name, limit_ms) \
	struct play name; \
	begin(&name, limit_ms)

static void finish(struct play *play)
{
	qmp_free(play->qmp);
	cleanup_close(&play->qemu);
	sd_event_unref(play->event);
}

static void say(struct play *play, const char *text)
{
	cr_assert_eq(send(play->qemu, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void run(struct play *play)
{
	while (sd_event_run(play->event, 0) > 0) {
	}
}

static void until_closed(struct play *play)
{
	while (!play->closed) {
		cr_assert_geq(sd_event_run(play->event, UINT64_MAX), 0);
	}
}

/* What came from the client, all of it so far. */
static const char *heard(struct play *play)
{
	static char text[4096];
	ssize_t n = recv(play->qemu, text, sizeof(text) - 1, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

Test(qmp, commands_go_out_at_once_and_are_answered_by_id)
{
	struct reply first = { 0 }, second = { 0 };
	PLAY(play, 10000);
	qmp_command(play.qmp, "query-status", NULL, on_reply, &first);
	qmp_command(play.qmp, "getfd", json_pack("{s:s}", "fdname", "x"), on_reply, &second);
	cr_assert_str_eq(heard(&play),
		"{\"execute\":\"qmp_capabilities\",\"id\":1}\n"
		"{\"execute\":\"query-status\",\"id\":2}\n"
		"{\"execute\":\"getfd\",\"id\":3,\"arguments\":{\"fdname\":\"x\"}}\n");
	say(&play,
		GREETING "{\"return\": {}, \"id\": 1}\n{\"error\": {\"class\": \"GenericError\", "
			 "\"desc\": \"no such thing\"}, \"id\": 3}\n");
	say(&play, "{\"event\": \"RESUME\", \"timestamp\": {}}\n{\"return\": {\"status\":");
	run(&play);
	cr_assert_eq(first.times, 0);
	cr_assert_eq(second.times, 1);
	cr_assert_eq(second.err.kind, ERR_HOST);
	cr_assert_str_eq(second.err.text, "QEMU refused getfd: no such thing");
	cr_assert_str_eq(play.last_event, "RESUME");
	say(&play, " \"running\"}, \"id\": 2}\n");
	run(&play);
	cr_assert_eq(first.times, 1);
	cr_assert_str_eq(json_string_value(json_object_get(first.ret, "status")), "running");
	cr_assert_eq(play.closed, 0);
	json_decref(first.ret);
	finish(&play);
}

/* Its process may be known to have ended before its last event was read. */
Test(qmp, tells_the_last_events_of_one_that_has_ended)
{
	struct reply reply = { 0 };
	PLAY(play, 10000);
	qmp_command(play.qmp, "query-status", NULL, on_reply, &reply);
	say(&play, GREETING "{\"return\": {}, \"id\": 1}\n{\"return\": {}, \"id\": 2}\n"
			    "{\"event\": \"STOP\"}\n{\"event\": \"SHUTDOWN\"}\n{\"event\": \"CUT");
	cleanup_close(&play.qemu);
	qmp_drain(play.qmp);
	cr_expect_eq(play.events, 2);
	cr_expect_str_eq(play.last_event, "SHUTDOWN");
	cr_expect_eq(reply.times, 0);
	finish(&play);
}

Test(qmp, passes_descriptors)
{
	char byte;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	PLAY(play, 10000);
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	heard(&play);
	qmp_command_fd(play.qmp, "getfd", NULL, null, NULL, NULL);
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct stat ours, theirs;
	int fd;
	cr_assert_eq(recvmsg(play.qemu, &msg, MSG_CMSG_CLOEXEC), 1);
	cr_assert_not_null(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	cr_assert(fstat(null, &ours) == 0 && fstat(fd, &theirs) == 0);
	cr_assert_eq(ours.st_rdev, theirs.st_rdev);
	close(fd);
	finish(&play);
}

Test(qmp, the_end_of_qemu_fails_all)
{
	struct reply first = { 0 }, second = { 0 }, late = { 0 };
	PLAY(play, 10000);
	qmp_command(play.qmp, "stop", NULL, on_reply, &first);
	qmp_command(play.qmp, "cont", NULL, on_reply, &second);
	say(&play, GREETING);
	cleanup_close(&play.qemu);
	play.qemu = -1;
	until_closed(&play);
	cr_assert_eq(first.times, 1);
	cr_assert_eq(second.times, 1);
	cr_assert_eq(first.err.kind, ERR_GONE);
	cr_assert_eq(second.err.kind, ERR_GONE);
	qmp_command(play.qmp, "quit", NULL, on_reply, &late);
	cr_assert_eq(late.times, 0, "an answer from inside the call");
	run(&play);
	cr_assert_eq(late.times, 1);
	cr_assert_eq(late.err.kind, ERR_GONE);
	cr_assert_eq(play.closed, 1);
	finish(&play);
}

Test(qmp, a_question_asked_at_the_end_is_answered_and_the_end_told_once)
{
	struct reply again = { 0 }, first = { .next = &again };
	PLAY(play, 10000);
	first.ask_again = play.qmp;
	qmp_command(play.qmp, "stop", NULL, on_reply, &first);
	cleanup_close(&play.qemu);
	play.qemu = -1;
	until_closed(&play);
	run(&play);
	cr_assert_eq(again.times, 1);
	cr_assert_eq(again.err.kind, ERR_GONE);
	cr_assert_eq(play.closed, 1);
	finish(&play);
}

Test(qmp, silence_has_a_limit)
{
	struct reply reply = { 0 };
	PLAY(play, 30);
	qmp_command(play.qmp, "stop", NULL, on_reply, &reply);
	say(&play, GREETING "{\"return\": {}, \"id\": 1}\n");
	until_closed(&play);
	cr_assert_eq(reply.times, 1);
	cr_assert_eq(reply.err.kind, ERR_TIMEOUT);
	cr_assert_not_null(strstr(reply.err.text, "stop"), "%s", reply.err.text);
	finish(&play);
}

Test(qmp, an_idle_connection_has_no_limit)
{
	PLAY(play, 1);
	say(&play, GREETING "{\"return\": {}, \"id\": 1}\n");
	run(&play);
	for (int i = 0; i < 5; i++) {
		sd_event_run(play.event, 2000);
	}
	cr_assert_eq(play.closed, 0);
	finish(&play);
}

Test(qmp, may_be_freed_inside_a_callback)
{
	struct reply first = { 0 }, second = { 0 };
	PLAY(play, 10000);
	first.free_it = &play.qmp;
	qmp_command(play.qmp, "a", NULL, on_reply, &first);
	qmp_command(play.qmp, "b", NULL, on_reply, &second);
	say(&play, GREETING "{\"return\": {}, \"id\": 2}\n{\"return\": {}, \"id\": 3}\n");
	run(&play);
	cr_assert_eq(first.times, 1);
	cr_assert_eq(second.times, 0);
	cr_assert_eq(play.closed, 0);
	json_decref(first.ret);
	finish(&play);
}

static void breaks(const char *text)
{
	struct reply reply = { 0 };
	PLAY(play, 10000);
	qmp_command(play.qmp, "stop", NULL, on_reply, &reply);
	say(&play, text);
	run(&play);
	cr_assert_eq(play.closed, 1, "%s", text);
	cr_assert_eq(reply.times, 1);
	cr_assert_eq(reply.err.kind, ERR_GONE);
	cr_assert_not_null(strstr(play.why.text, "monitor"), "%s", play.why.text);
	finish(&play);
}

Test(qmp, nonsense_ends_it)
{
	breaks("{\"return\": {}, \"id\": 1}\n"); /* no greeting */
	breaks(GREETING "hello\n");
	breaks(GREETING "[]\n");
	breaks(GREETING "{}\n");
	breaks(GREETING "\n");
	breaks(GREETING "{\"event\": 7}\n");
	breaks(GREETING "{\"return\": {}, \"id\": 99}\n");
	breaks(GREETING "{\"return\": {}}\n");
	breaks(GREETING "{\"return\": {}, \"id\": \"2\"}\n");
	breaks(GREETING "{\"return\": {}, \"return\": 1, \"id\": 2}\n");
}

Test(qmp, a_line_without_end_ends_it)
{
	static char flood[65536];
	PLAY(play, 10000);
	memset(flood, 'x', sizeof(flood));
	size_t sent = 0;
	say(&play, GREETING);
	while (!play.closed && sent < 4 * QMP_LINE_MAX) {
		ssize_t n = send(play.qemu, flood, sizeof(flood), MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		run(&play);
	}
	cr_assert_eq(play.closed, 1);
	cr_assert_lt(sent, 2 * QMP_LINE_MAX + (1 << 20));
	finish(&play);
}

Test(qmp, a_qemu_that_does_not_read_is_gone)
{
	struct reply reply = { 0 };
	PLAY(play, 10000);
	auto_free char *big = malloc(1 << 20);
	memset(big, 'a', (1 << 20) - 1);
	big[(1 << 20) - 1] = '\0';
	qmp_command(play.qmp, "x", json_pack("{s:s}", "text", big), on_reply, &reply);
	run(&play);
	cr_assert_eq(play.closed, 1);
	cr_assert_eq(reply.times, 1);
	finish(&play);
}
