#include "server/cmd/demo_client.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/outq.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/*
 * The client's side of MCP over stdio.  Although the other end is our own server, its output is
 * checked like that of any server: lines are bounded, and an invalid message ends the session.
 */

#define LINE_MAX_BYTES (8u << 20)
#define STOP_MS 5000 /* time for the server to end after SIGTERM */

struct demo_client {
	sd_event *event;
	pid_t pid;
	uint64_t born_us;
	int in, out; /* the server's stdin and stdout */
	struct outq *outq;
	sd_event_source *readable;
	struct buf input;
	demo_progress_fn *progress;
	struct err broken; /* kind ERR_NONE: the session is intact */
	json_int_t last_id;
	json_t *answer; /* to the pending request */
};

/* ---- reading ---- */

static void take_message(struct demo_client *client, const char *line, size_t len)
{
	json_auto_t *message = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *method = json_string_value(json_object_get(message, "method"));
	if (!json_is_object(message)) {
		err_set(&client->broken, ERR_HOST, "the server wrote an invalid message: %.100s",
			line);
	} else if (method && strcmp(method, "notifications/progress") == 0) {
		const json_t *params = json_object_get(message, "params");
		const char *text = json_string_value(json_object_get(params, "message"));
		client->progress(text ? text : "");
	} else if (!method &&
		   json_integer_value(json_object_get(message, "id")) == client->last_id) {
		json_decref(client->answer);
		client->answer = json_incref(message);
	}
}

static void take_lines(struct demo_client *client)
{
	char *end;
	while (client->input.len && (end = memchr(client->input.data, '\n', client->input.len))) {
		size_t len = (size_t)(end - (char *)client->input.data);
		*end = '\0';
		take_message(client, (char *)client->input.data, len);
		buf_consume(&client->input, len + 1);
	}
	if (client->input.len > LINE_MAX_BYTES) {
		err_set(&client->broken, ERR_LIMIT, "the server sent a line longer than %u bytes",
			LINE_MAX_BYTES);
	}
}

static int readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct demo_client *client = data;
	(void)source, (void)events;
	buf_reserve(&client->input, 65536);
	ssize_t n = read(fd, client->input.data + client->input.len, 65536);
	if (n > 0) {
		client->input.len += (size_t)n;
		take_lines(client);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		err_set(&client->broken, ERR_GONE, "the server has exited");
	}
	if (client->broken.kind != ERR_NONE) {
		loop_drop(&client->readable);
	}
	return 0;
}

/* EPIPE and similar errors mean the same as end of output; the first one to be detected counts. */
static void write_failed(const struct err *why, void *data)
{
	struct demo_client *client = data;
	(void)why;
	err_set(&client->broken, ERR_GONE, "the server has exited");
}

/* ---- requests ---- */

static void send_message(struct demo_client *client, json_t *message)
{
	auto_free char *line = must(json_dumps(message, JSON_COMPACT));
	json_decref(message);
	outq_push2(client->outq, line, strlen(line), "\n", 1);
}

void demo_client_notify(struct demo_client *client, const char *method)
{
	send_message(client, json_pack("{s:s, s:s}", "jsonrpc", "2.0", "method", method));
}

static json_t *take_result(struct demo_client *client, const char *method, struct err *err)
{
	json_auto_t *answer = take_ptr(&client->answer);
	json_t *result = json_object_get(answer, "result");
	const char *text =
		json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
	if (!result) {
		err_set(err, ERR_HOST, "%s was refused: %s", method,
			text ? text : "no reason given");
		return NULL;
	}
	return json_incref(result);
}

json_t *demo_client_request(struct demo_client *client, const char *method, json_t *params,
	double *ret_ms, struct err *err)
{
	uint64_t begun = client->last_id ? loop_now_us() : client->born_us;
	json_int_t id = ++client->last_id;
	json_object_set_new(params, "_meta", json_pack("{s:I}", "progressToken", id));
	send_message(client, json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", id, "method",
				     method, "params", params));
	while (!client->answer && client->broken.kind == ERR_NONE) {
		/* The case once a signal has ended the loop. */
		if (sd_event_get_state(client->event) == SD_EVENT_FINISHED ||
			sd_event_run(client->event, UINT64_MAX) < 0) {
			err_set(err, ERR_CANCELLED, "interrupted");
			return NULL;
		}
	}
	if (!client->answer) {
		*err = client->broken;
		return NULL;
	}
	*ret_ms = (double)(loop_now_us() - begun) / 1000;
	return take_result(client, method, err);
}

/* ---- start and end ---- */

struct demo_client *demo_client_new(
	sd_event *event, const char *const *argv, demo_progress_fn *progress, struct err *err)
{
	int in[2], out[2];
	if (pipe2(in, O_CLOEXEC) < 0) {
		err_errno(err, "pipe");
		return NULL;
	}
	auto_close int child_in = in[0], our_in = in[1];
	if (pipe2(out, O_CLOEXEC) < 0) {
		err_errno(err, "pipe");
		return NULL;
	}
	auto_close int our_out = out[0], child_out = out[1];
	struct spawn_fd fds[] = { { child_in, 0 }, { child_out, 1 }, { STDERR_FILENO, 2 } };
	uint64_t born_us = loop_now_us();
	struct spawn how = { .argv = argv, .fds = fds, .n_fds = 3, .die_with_us = true };
	pid_t pid = spawn_start(&how, err);
	if (pid < 0) {
		return NULL;
	}
	struct demo_client *client = must(calloc(1, sizeof(*client)));
	client->event = event;
	client->pid = pid;
	client->born_us = born_us;
	client->in = take_fd(&our_in);
	client->out = take_fd(&our_out);
	client->progress = progress;
	client->outq = outq_new(event, client->in, write_failed, NULL, client);
	client->readable = loop_add_io(event, client->out, EPOLLIN, readable, client);
	return client;
}

/* EOF on its stdin ends the server; the signal ends one that does not read. */
static void stop_server(pid_t pid)
{
	auto_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	kill(pid, SIGTERM);
	if (pidfd < 0 || poll(&end, 1, STOP_MS) != 1) {
		kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

void demo_client_free(struct demo_client *client)
{
	if (!client) {
		return;
	}
	loop_drop(&client->readable);
	outq_free(client->outq);
	close(client->in);
	stop_server(client->pid);
	close(client->out);
	buf_done(&client->input);
	json_decref(client->answer);
	free(client);
}
