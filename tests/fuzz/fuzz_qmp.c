// USES vm
/*
 * A QEMU that says what it likes.  The first byte says after how many bytes the rest comes, and
 * whether the connection is freed at an answer or an event.  Each question gets one answer at most,
 * exactly one when it is not freed, and the end is told once, last.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/microvm/qmp.h"

#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define QUESTIONS 4
#define MORE 3 /* asked by the answers */

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static struct {
	struct qmp *qmp;
	unsigned asked, answered, closed, until_freed;
} run;

static void maybe_free(void)
{
	if (run.until_freed && --run.until_freed == 0) {
		qmp_free(run.qmp);
		run.qmp = NULL;
	}
}

static void on_reply(const json_t *ret, const struct err *err, void *data)
{
	(void)data;
	check(run.qmp && !run.closed && !ret == !!err && (!err || err->text[0]));
	run.answered++;
	if (run.asked < QUESTIONS + MORE) {
		run.asked++;
		qmp_command(run.qmp, "query-status", NULL, on_reply, NULL);
	}
	maybe_free();
}

static void on_event(const char *name, const json_t *values, void *data)
{
	(void)values;
	(void)data;
	check(run.qmp && !run.closed && name);
	maybe_free();
}

static void on_closed(const struct err *why, void *data)
{
	(void)data;
	check(run.qmp && why->text[0] && run.answered == run.asked);
	run.closed++;
}

/* The socket takes all of it: it is no more than a libFuzzer's input. */
static void say(int socket, const uint8_t *bytes, size_t len)
{
	check(send(socket, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct qmp_handlers handlers = { on_event, on_closed };
	struct err err;
	int ends[2];
	if (len < 2 || len > 60000) {
		return 0;
	}
	auto_event sd_event *event = must(loop_new(&err));
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	auto_close int qemu = ends[1];
	size_t first = (bytes[0] & 0x3f) * (len - 1) / 0x3f;
	run.asked = run.answered = run.closed = 0;
	run.until_freed = bytes[0] >> 6;
	run.qmp = qmp_new(event, ends[0], 1000000, &handlers, NULL);
	while (run.asked < QUESTIONS) {
		run.asked++;
		qmp_command(run.qmp, "stop", NULL, on_reply, NULL);
	}
	if (first) {
		say(qemu, bytes + 1, first);
		sd_event_run(event, 0);
	}
	if (run.qmp && !run.closed && first < len - 1) {
		say(qemu, bytes + 1 + first, len - 1 - first);
	}
	shutdown(qemu, SHUT_RDWR);
	while (run.qmp && sd_event_run(event, 0) > 0) {
	}
	check(!run.qmp || (run.closed == 1 && run.answered == run.asked));
	qmp_free(run.qmp);
	return 0;
}
