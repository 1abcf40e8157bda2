#include "server/client/session.h"

#include "base/cleanup.h"
#include "vm/wire/messages_process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define STATUS_FAILED 125 /* as of docker exec: the command was not run, or its end is unknown */
#define QUEUED_MAX (256u << 10) /* of stdin */

struct run {
	struct remote_client *c;
	bool terminal, reads; /* reads: stdin is open */
	int signals;          /* a signalfd of SIGWINCH; -1: none */
};

/* ---- our terminal ---- */

static struct termios before;
static bool is_raw;

static void restore_terminal(void)
{
	if (is_raw) {
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
		is_raw = false;
	}
}

static void make_raw(void)
{
	struct termios raw;
	if (tcgetattr(STDIN_FILENO, &before) == 0) {
		raw = before;
		cfmakeraw(&raw);
		is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
		atexit(restore_terminal);
	}
}

static void say_size(struct run *r)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
		json_auto_t *json = json_pack("{s:s, s:{s:i, s:i}}", "message", "resize", "args",
			"columns", size.ws_col, "rows", size.ws_row);
		auto_free char *text = must(json_dumps(json, JSON_COMPACT));
		remote_say(r->c, REMOTE_MESSAGE, text, strlen(text));
	}
}

/* ---- streams ---- */

static void on_output(unsigned kind, const uint8_t *bytes, size_t len, void *data)
{
	int fd = kind == EXEC_STDERR ? STDERR_FILENO : STDOUT_FILENO;
	(void)data;
	for (size_t at = 0; kind < REMOTE_CHANNELS && at < len;) {
		ssize_t n = write(fd, bytes + at, len - at);
		if (n < 0 && errno != EINTR) {
			exit(1); /* the reader of our output has ended */
		}
		at += n > 0 ? (size_t)n : 0;
	}
}

static void read_input(struct run *r)
{
	uint8_t bytes[65536];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (n > 0) {
		remote_say(r->c, EXEC_STDIN, bytes, (size_t)n);
	} else if (n == 0 || errno != EINTR) {
		r->reads = false;
		remote_say(r->c, REMOTE_END, NULL, 0);
	}
}

static void wait_for_more(struct run *r)
{
	bool reads = r->reads && remote_queued(r->c) < QUEUED_MAX;
	struct pollfd fds[3] = { remote_poll(r->c), { reads ? STDIN_FILENO : -1, POLLIN, 0 },
		{ r->signals, POLLIN, 0 } };
	struct signalfd_siginfo info;
	if (poll(fds, 3, -1) < 0) {
		return;
	}
	if (fds[1].revents) {
		read_input(r);
	}
	if (fds[2].revents && read(r->signals, &info, sizeof(info)) > 0) {
		say_size(r);
	}
}

static int watch_size(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int status_of(const json_t *answer)
{
	json_int_t signal = json_integer_value(json_object_get(answer, "signal"));
	return signal ? 128 + (int)signal
		      : (int)json_integer_value(json_object_get(answer, "status"));
}

int session_run(
	const struct session *session, const struct remote_where *where, const char *sandbox)
{
	struct err err;
	json_t *answer = NULL;
	struct run r = { .terminal = session->terminal, .reads = true, .signals = -1 };
	r.c = remote_open(where, sandbox, "exec", session->args, session->tail, &err);
	if (!r.c) {
		client_fail(session->name, &err);
		return STATUS_FAILED;
	}
	if (session->terminal) {
		make_raw();
		r.signals = watch_size();
	}
	while (remote_run(r.c, on_output, NULL, &answer, &err)) {
		wait_for_more(&r);
	}
	restore_terminal();
	int status = STATUS_FAILED;
	if (answer) {
		status = status_of(answer);
	} else {
		client_fail(session->name, &err);
	}
	json_decref(answer);
	remote_client_free(r.c);
	return status;
}
