/* A probe starts programs and waits for them, which would block the loop.  A child process
 * therefore runs `vitrine doctor`, which also keeps the results identical. */
#include "server/http/readiness.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/spawn.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/wait.h>

#define OLD_US (READY_OLD_SECONDS * UINT64_C(1000000))
#define NEW_US 10000000 /* results newer than this are not checked again */
#define PATIENCE_MS 60000
#define ANSWER_MAX (256 << 10)

LIST_HEAD(ready_waits, ready_wait);

struct ready_wait {
	LIST_ENTRY(ready_wait) link;
	ready_fn *fn;
	void *data;
};

struct ready {
	sd_event *event;
	const char *backend;
	uint64_t known_us; /* time of the result; 0: none */
	struct err why;    /* ERR_NONE: the backend works */
	struct ready_waits waits;

	/* While a child is running. */
	pid_t pid;
	int fd;
	sd_event_source *readable, *ended, *late;
	struct buf answer;
};

/* ---- waiting requests ---- */

static void report(struct ready *ready, const struct err *why)
{
	struct ready_wait *wait;
	ready->why = *why;
	ready->known_us = loop_now_us();
	while ((wait = LIST_FIRST(&ready->waits))) {
		ready_fn *fn = wait->fn;
		void *data = wait->data;
		ready_forget(wait);
		fn(why, data);
	}
}

/* ---- the result ---- */

/* auto: whether any real backend works; otherwise the row of the backend. */
static bool read_row(const struct ready *ready, const json_t *row, struct err *err)
{
	const char *group = json_string_value(json_object_get(row, "group"));
	const char *name = json_string_value(json_object_get(row, "name"));
	const char *status = json_string_value(json_object_get(row, "status"));
	const char *detail = json_string_value(json_object_get(row, "detail"));
	if (!group || !name || !status || strcmp(group, "backends") != 0) {
		return false;
	}
	bool is_meant = strcmp(ready->backend, "auto") == 0 ? strcmp(name, "fake") != 0
							    : strcmp(ready->backend, name) == 0;
	bool works = strcmp(status, "ok") == 0;
	if (is_meant && !works) {
		err_set(err, ERR_UNSUPPORTED, "the backend %.40s does not work: %.360s", name,
			detail ? detail : "");
	}
	return is_meant && works;
}

static void read_answer(struct ready *ready)
{
	struct err why;
	size_t i;
	json_t *row;
	json_auto_t *answer = json_loadb(buf_text(&ready->answer), ready->answer.len, 0, NULL);
	err_set(&why, ERR_HOST, "`vitrine doctor` did not report whether the backend %s works",
		ready->backend);
	json_array_foreach(json_object_get(answer, "checks"), i, row)
	{
		if (read_row(ready, row, &why)) {
			why.kind = ERR_NONE;
			break;
		}
	}
	report(ready, &why);
}

/* ---- the child ---- */

static void forget_child(struct ready *ready)
{
	loop_drop(&ready->readable);
	loop_drop(&ready->late);
	if (ready->fd >= 0) {
		close(take_fd(&ready->fd));
	}
	buf_done(&ready->answer);
}

static int on_late(sd_event_source *source, uint64_t now, void *data)
{
	(void)source, (void)now;
	struct ready *ready = data;
	kill(ready->pid, SIGKILL); /* it ends without a result */
	return 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source, (void)events;
	struct ready *ready = data;
	struct buf *answer = &ready->answer;
	buf_reserve(answer, 4096);
	ssize_t n = read(fd, answer->data + answer->len, 4096);
	if (n > 0 && answer->len < ANSWER_MAX) {
		answer->len += (size_t)n;
	} else {
		loop_drop(&ready->readable);
		read_answer(ready);
	}
	return 0;
}

static int on_ended(sd_event_source *source, const siginfo_t *info, void *data)
{
	(void)source, (void)info;
	struct ready *ready = data;
	loop_drop(&ready->ended);
	ready->pid = 0;
	while (ready->readable) { /* the rest of the pipe's contents */
		on_readable(NULL, ready->fd, 0, ready);
	}
	forget_child(ready);
	return 0;
}

static bool start_child(struct ready *ready, struct err *err)
{
	static const char *const argv[] = { "/proc/self/exe", "doctor", "--json", NULL };
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK); /* a grandchild may hold the other end */
	struct spawn_fd out = { ends[1], 1 };
	ready->pid = spawn_start(
		&(struct spawn){ .argv = argv, .fds = &out, .n_fds = 1, .die_with_us = true }, err);
	close(ends[1]);
	if (ready->pid < 0) {
		ready->pid = 0;
		close(ends[0]);
		return false;
	}
	ready->fd = ends[0];
	ready->readable = loop_add_io(ready->event, ready->fd, EPOLLIN, on_readable, ready);
	ready->late = loop_after_ms(ready->event, PATIENCE_MS, on_late, ready);
	sd_event_add_child(ready->event, &ready->ended, ready->pid, WEXITED, on_ended, ready);
	return true;
}

static void ask(struct ready *ready)
{
	struct err err;
	if (ready->pid == 0 && !start_child(ready, &err)) {
		log_warning("cannot determine whether desktops work: %s", err.text);
		report(ready, &err);
	}
}

/* ---- interface ---- */

struct ready *ready_new(sd_event *event, const char *backend)
{
	struct ready *ready = must(calloc(1, sizeof(*ready)));
	ready->event = event;
	ready->backend = backend;
	ready->fd = -1;
	ask(ready);
	return ready;
}

void ready_free(struct ready *ready)
{
	if (!ready) {
		return;
	}
	loop_drop(&ready->ended);
	if (ready->pid > 0) {
		kill(ready->pid, SIGKILL);
		waitpid(ready->pid, NULL, 0);
	}
	forget_child(ready);
	while (!LIST_EMPTY(&ready->waits)) {
		ready_forget(LIST_FIRST(&ready->waits));
	}
	free(ready);
}

struct ready_wait *ready_ask(struct ready *ready, ready_fn *fn, void *data)
{
	uint64_t age = loop_now_us() - ready->known_us;
	if (ready->known_us == 0 || age > NEW_US) {
		ask(ready);
	}
	if (ready->known_us > 0 && loop_now_us() - ready->known_us <= OLD_US) {
		fn(&ready->why, data);
		return NULL;
	}
	struct ready_wait *wait = must(calloc(1, sizeof(*wait)));
	*wait = (struct ready_wait){ .fn = fn, .data = data };
	LIST_INSERT_HEAD(&ready->waits, wait, link);
	return wait;
}

void ready_forget(struct ready_wait *wait)
{
	LIST_REMOVE(wait, link);
	free(wait);
}
