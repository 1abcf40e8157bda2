/*
 * The QMP client.  Commands are written immediately: QEMU processes them in order, and we send so
 * little that a socket that is full means that QEMU does not read.  The handshake is the first
 * command, sent before the greeting arrives, so it costs no round trip.
 */

#include "vm/microvm/qmp.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define READ_SIZE 16384

struct command {
	TAILQ_ENTRY(command) entry;
	json_int_t id;
	uint64_t deadline_us;
	char name[40]; /* for errors */
	qmp_reply_fn *fn;
	void *data;
};

TAILQ_HEAD(commands, command);

struct qmp {
	sd_event *event;
	int fd;
	uint64_t limit_ms;
	const struct qmp_handlers *handlers;
	void *data;
	sd_event_source *readable, *timer, *end;
	struct commands commands; /* oldest first: the first has the earliest deadline */
	json_int_t last_id;
	struct buf in;
	size_t searched; /* bytes of `in` known to contain no newline */
	bool greeted, broken, reported, draining;
	struct err why;
	bool freed;    /* by a callback; the callers still use the memory */
	unsigned refs; /* number of such callers */
};

/* ---- callbacks, which may free it ---- */

static void pin(struct qmp *q)
{
	q->refs++;
}

static void unpin(struct qmp *q)
{
	if (--q->refs == 0 && q->freed) {
		free(q);
	}
}

/* ---- end ---- */

static int on_end(sd_event_source *source, void *data)
{
	struct qmp *q = data;
	struct command *command;
	struct err why = q->why;
	(void)source;
	loop_drop(&q->end);
	pin(q);
	while (!q->freed && (command = TAILQ_FIRST(&q->commands))) {
		TAILQ_REMOVE(&q->commands, command, entry);
		qmp_reply_fn *fn = command->fn;
		void *fn_data = command->data;
		free(command);
		if (fn) {
			fn(NULL, &why, fn_data);
		}
	}
	if (!q->freed && !q->reported) {
		q->reported = true;
		q->handlers->closed(&why, q->data);
	}
	unpin(q);
	return 0;
}

/* All callbacks are called from the loop.  Only the first reason counts. */
static void end(struct qmp *q, const struct err *why)
{
	if (q->broken) {
		return;
	}
	q->broken = true;
	q->why = *why;
	loop_drop(&q->readable);
	loop_drop(&q->timer);
	q->end = loop_defer(q->event, on_end, q);
}

static bool end_as_broken(struct qmp *q, const char *what)
{
	struct err why;
	err_set(&why, ERR_GONE, "QEMU violated its monitor protocol: %s", what);
	end(q, &why);
	return false;
}

/* ---- timeouts ---- */

static int on_late(sd_event_source *source, uint64_t usec, void *data)
{
	struct qmp *q = data;
	const struct command *first = TAILQ_FIRST(&q->commands);
	struct err why;
	(void)source;
	(void)usec;
	err_set(&why, ERR_TIMEOUT, "QEMU has not answered %s for %llu ms", first->name,
		(unsigned long long)q->limit_ms);
	end(q, &why);
	return 0;
}

/* One timer, for the oldest command. */
static void set_timer(struct qmp *q)
{
	const struct command *first = TAILQ_FIRST(&q->commands);
	uint64_t now = loop_now_us();
	loop_drop(&q->timer);
	if (first && !q->broken) {
		uint64_t left = first->deadline_us > now ? first->deadline_us - now : 0;
		q->timer = loop_after_ms(q->event, left / 1000 + 1, on_late, q);
	}
}

/* ---- input ---- */

static struct command *find(struct qmp *q, const json_t *id)
{
	struct command *command;
	TAILQ_FOREACH(command, &q->commands, entry)
	{
		if (json_is_integer(id) && command->id == json_integer_value(id)) {
			break;
		}
	}
	return command;
}

static void refused(const struct command *command, const json_t *error, struct err *ret_err)
{
	const char *text = json_string_value(json_object_get(error, "desc"));
	err_set(ret_err, ERR_HOST, "QEMU refused %s: %.300s", command->name,
		text ? text : "no reason given");
}

/* False if the caller must stop: it was freed, or has ended. */
static bool take_reply(struct qmp *q, const json_t *msg)
{
	const json_t *ret = json_object_get(msg, "return"), *error = json_object_get(msg, "error");
	struct command *command = find(q, json_object_get(msg, "id"));
	if (q->draining) {
		return true;
	}
	if (!command) {
		return end_as_broken(q, "a response without a request");
	}
	struct err why;
	refused(command, error, &why);
	TAILQ_REMOVE(&q->commands, command, entry);
	set_timer(q);
	qmp_reply_fn *fn = command->fn;
	void *data = command->data;
	free(command);
	if (fn) {
		fn(ret, ret ? NULL : &why, data);
	}
	return !q->freed && !q->broken;
}

static bool take_event(struct qmp *q, const json_t *msg)
{
	const char *name = json_string_value(json_object_get(msg, "event"));
	if (!name) {
		return end_as_broken(q, "an event without a name");
	}
	if (q->handlers->event) {
		q->handlers->event(name, json_object_get(msg, "data"), q->data);
	}
	return !q->freed && !q->broken;
}

static bool take_message(struct qmp *q, const json_t *msg)
{
	if (!q->greeted) {
		q->greeted = json_is_object(json_object_get(msg, "QMP"));
		return q->greeted || end_as_broken(q, "no greeting");
	}
	if (json_object_get(msg, "event")) {
		return take_event(q, msg);
	}
	if (json_object_get(msg, "return") || json_object_get(msg, "error")) {
		return take_reply(q, msg);
	}
	return end_as_broken(q, "neither a response nor an event");
}

static bool take_line(struct qmp *q, const char *line, size_t len)
{
	json_auto_t *msg = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(msg)) {
		return end_as_broken(q, "a line that is not a JSON object");
	}
	return take_message(q, msg);
}

static void take_lines(struct qmp *q)
{
	size_t begin = 0;
	for (;;) {
		size_t from = begin > q->searched ? begin : q->searched;
		uint8_t *at =
			from < q->in.len ? memchr(q->in.data + from, '\n', q->in.len - from) : NULL;
		if (!at) {
			break;
		}
		size_t line_end = (size_t)(at - q->in.data);
		if (!take_line(q, (const char *)q->in.data + begin, line_end - begin)) {
			return;
		}
		begin = q->searched = line_end + 1;
	}
	buf_consume(&q->in, begin);
	q->searched = q->in.len;
	if (q->in.len > QMP_LINE_MAX) {
		end_as_broken(q, "a line that is too long");
	}
}

/* False if nothing can be read now, or ever. */
static bool read_some(struct qmp *q)
{
	struct err why;
	buf_reserve(&q->in, READ_SIZE);
	ssize_t n = recv(q->fd, q->in.data + q->in.len, READ_SIZE, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return false;
	}
	if (n <= 0) {
		err_set(&why, ERR_GONE, "QEMU closed its monitor%s%s", n < 0 ? ": " : "",
			n < 0 ? strerror(errno) : "");
		end(q, &why);
		return false;
	}
	q->in.len += (size_t)n;
	q->in.data[q->in.len] = '\0';
	pin(q);
	take_lines(q);
	unpin(q);
	return true;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	read_some(data);
	return 0;
}

static void forget_commands(struct qmp *q)
{
	struct command *command;
	while ((command = TAILQ_FIRST(&q->commands))) {
		TAILQ_REMOVE(&q->commands, command, entry);
		free(command);
	}
}

void qmp_drain(struct qmp *q)
{
	forget_commands(q);
	q->draining = true;
	for (size_t read = 0; !q->broken && read < QMP_LINE_MAX / READ_SIZE && read_some(q);) {
		read++;
	}
}

void qmp_free(struct qmp *q)
{
	if (!q) {
		return;
	}
	forget_commands(q);
	loop_drop(&q->readable);
	loop_drop(&q->timer);
	loop_drop(&q->end);
	buf_done(&q->in);
	close(q->fd);
	pin(q);
	q->freed = true;
	unpin(q);
}

/* ---- output ---- */

static bool send_all(int socket, const char *text, size_t len, int fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)text, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	}
	return sendmsg(socket, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

static void send_message(struct qmp *q, const json_t *json, int fd)
{
	auto_free char *text = must(json_dumps(json, JSON_COMPACT));
	struct err why;
	size_t len = strlen(text);
	text[len] = '\n'; /* replaces the NUL: the length is given */
	if (!q->broken && !send_all(q->fd, text, len + 1, fd)) {
		err_set(&why, ERR_GONE, "QEMU accepts no more commands: %s", strerror(errno));
		end(q, &why);
	}
}

void qmp_command_fd(
	struct qmp *q, const char *name, json_t *args, int fd, qmp_reply_fn *fn, void *data)
{
	struct command *command = must(calloc(1, sizeof(*command)));
	json_auto_t *json = must(json_pack(
		"{s:s, s:I, s:o*}", "execute", name, "id", ++q->last_id, "arguments", args));
	command->id = q->last_id;
	command->deadline_us = loop_now_us() + q->limit_ms * 1000;
	command->fn = fn;
	command->data = data;
	strncat(command->name, name, sizeof(command->name) - 1);
	TAILQ_INSERT_TAIL(&q->commands, command, entry);
	send_message(q, json, fd);
	if (q->broken && !q->end) {
		q->end = loop_defer(q->event, on_end, q); /* requested after the end was reported */
	} else if (!q->timer) {
		set_timer(q);
	}
}

void qmp_command(struct qmp *q, const char *name, json_t *args, qmp_reply_fn *fn, void *data)
{
	qmp_command_fd(q, name, args, -1, fn, data);
}

struct qmp *qmp_new(
	sd_event *event, int fd, uint64_t limit_ms, const struct qmp_handlers *handlers, void *data)
{
	struct qmp *q = must(calloc(1, sizeof(*q)));
	q->event = event;
	q->fd = fd;
	q->limit_ms = limit_ms;
	q->handlers = handlers;
	q->data = data;
	TAILQ_INIT(&q->commands);
	q->readable = loop_add_io(event, fd, EPOLLIN, on_readable, q);
	qmp_command(q, "qmp_capabilities", NULL, NULL, NULL);
	return q;
}
