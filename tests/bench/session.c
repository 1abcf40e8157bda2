/* The client: blocking writes and reads, because nothing else is to be measured here. */
#include "tests/bench/session.h"

#include "base/cleanup.h"
#include "base/spawn.h"
#include "tests/bench/samples.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ANSWER_MS 300000 /* a server that says nothing for so long has failed */
#define READ_SIZE (256u << 10)

bool session_start(struct session *s, const char *const *argv, struct err *err)
{
	return session_start_with(s, argv, STDERR_FILENO, err);
}

bool session_start_with(struct session *s, const char *const *argv, int errors, struct err *err)
{
	auto_close int in = -1, out = -1, to = -1, from = -1;
	int pair[2];
	if (pipe2(pair, O_CLOEXEC)) {
		return err_errno(err, "cannot make a pipe");
	}
	in = pair[0], to = pair[1];
	if (pipe2(pair, O_CLOEXEC)) {
		return err_errno(err, "cannot make a pipe");
	}
	from = pair[0], out = pair[1];
	struct spawn_fd fds[] = { { in, 0 }, { out, 1 }, { errors, STDERR_FILENO } };
	struct spawn how = { .argv = argv, .fds = fds, .n_fds = 3, .die_with_us = true };
	pid_t pid = spawn_start(&how, err);
	if (pid < 0) {
		return false;
	}
	*s = (struct session){ .pid = pid, .to = take_fd(&to), .from = take_fd(&from) };
	return true;
}

static bool send_all(struct session *s, const struct buf *line, struct err *err)
{
	for (size_t at = 0; at < line->len;) {
		ssize_t n = write(s->to, line->data + at, line->len - at);
		if (n < 0 && errno != EINTR) {
			return err_errno(err, "cannot write to the server");
		}
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* Reads until the buffer begins with a whole line. */
static bool read_line(struct session *s, struct err *err)
{
	for (size_t searched = 0;;) {
		const uint8_t *end = s->read.len > searched ? memchr(s->read.data + searched, '\n',
								      s->read.len - searched)
							    : NULL;
		if (end) {
			s->answer_len = end - s->read.data;
			return true;
		}
		searched = s->read.len;
		struct pollfd fd = { .fd = s->from, .events = POLLIN };
		if (poll(&fd, 1, ANSWER_MS) == 0) {
			return err_set(err, ERR_TIMEOUT, "the server did not answer within %d s",
				ANSWER_MS / 1000);
		}
		buf_reserve(&s->read, READ_SIZE);
		ssize_t n = read(s->from, s->read.data + s->read.len, READ_SIZE);
		if (n == 0 || (n < 0 && errno != EINTR)) {
			return err_set(err, ERR_GONE, "the server ended its output");
		}
		s->read.len += n > 0 ? (size_t)n : 0;
	}
}

/* Whether the line answers the request; its id is looked for at both ends, where writers put it. */
static bool is_answer(const struct session *s, int64_t id)
{
	char key[40];
	size_t len = (size_t)snprintf(key, sizeof(key), "\"id\":%" PRId64, id);
	size_t span = s->answer_len < 200 ? s->answer_len : 200;
	return memmem(s->read.data, span, key, len) ||
	       memmem(s->read.data + s->answer_len - span, span, key, len);
}

static void drop_answer(struct session *s)
{
	if (s->answer_len) {
		buf_consume(&s->read, s->answer_len + 1);
		s->answer_len = 0;
	}
}

bool session_ask(struct session *s, const char *method, const char *params, struct err *err)
{
	auto_buf struct buf line = { 0 };
	int64_t id = ++s->last_id;
	buf_printf(&line,
		"{\"jsonrpc\":\"2.0\",\"id\":%" PRId64 ",\"method\":\"%s\",\"params\":", id,
		method);
	buf_append(&line, params, strlen(params));
	buf_append(&line, "}\n", 2);
	s->sent_us = now_us();
	if (!send_all(s, &line, err)) {
		return false;
	}
	do {
		drop_answer(s);
		if (!read_line(s, err)) {
			return err_while(err, "%s", method);
		}
	} while (!is_answer(s, id));
	s->answered_us = now_us();
	s->read.data[s->answer_len] = '\0';
	return true;
}

bool session_open(struct session *s, struct err *err)
{
	const char *done = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";
	struct buf line = { .data = (uint8_t *)done, .len = strlen(done) };
	return session_ask(s, "initialize",
		       "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
		       "\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}",
		       err) &&
	       send_all(s, &line, err);
}

bool session_call(struct session *s, const char *tool, const char *args, struct err *err)
{
	auto_buf struct buf params = { 0 };
	buf_printf(&params, "{\"name\":\"%s\",\"arguments\":", tool);
	buf_append(&params, args, strlen(args));
	buf_append(&params, "}", 1);
	if (!session_ask(s, "tools/call", buf_text(&params), err)) {
		return false;
	}
	const char *answer = session_answer(s);
	size_t span = s->answer_len < 300 ? s->answer_len : 300;
	if (memmem(answer + s->answer_len - span, span, "\"isError\":true", 14) ||
		memmem(answer, span, "\"isError\":true", 14) ||
		memmem(answer, span, "\"error\":", 8)) {
		return err_set(err, ERR_HOST, "%s failed: %.300s", tool, answer);
	}
	return true;
}

bool session_shell(struct session *s, const char *command, struct err *err)
{
	json_auto_t *args = must(json_pack("{ss}", "command", command));
	auto_free char *text = must(json_dumps(args, JSON_COMPACT));
	return session_call(s, "run_command", text, err);
}

const char *session_answer(const struct session *s)
{
	return buf_text(&s->read);
}

const char *session_image(const struct session *s, size_t *ret_len)
{
	const char *answer = session_answer(s);
	const char *data = memmem(answer, s->answer_len, "\"data\":\"", 8);
	if (!data) {
		return NULL;
	}
	data += 8;
	const char *end = memchr(data, '"', s->answer_len - (size_t)(data - answer));
	*ret_len = end ? (size_t)(end - data) : 0;
	return end ? data : NULL;
}

double session_ms(const struct session *s)
{
	return (double)(s->answered_us - s->sent_us) / 1000;
}

int session_reap(pid_t pid, int ms)
{
	auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = { .fd = fd, .events = POLLIN };
	if (fd < 0 || poll(&ended, 1, ms) <= 0) {
		kill(pid, SIGKILL);
	}
	int status = 0;
	waitpid(pid, &status, 0);
	return status;
}

void session_stop(struct session *s)
{
	if (s->pid > 0) {
		close(s->to);
		session_reap(s->pid, 10000);
		close(s->from);
	}
	buf_done(&s->read);
	*s = (struct session){ 0 };
}
