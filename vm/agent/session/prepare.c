/*
 * The operation `prepare`: what a desktop does once before it is saved as a template.  It opens the
 * image's programs one after the other, each when the previous one has its window, and then waits
 * until the VM is idle: until its CPUs have done next to nothing for a while.  A quiet screen is
 * not sufficient, because it is quiet for seconds while a slow VM computes. Nothing reports
 * idleness, so a timer checks it.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/loop.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/session/autostart.h"
#include "vm/agent/x11/display.h"
#include "vm/agent/x11/windows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX (64u << 10) /* in bytes */
#define LOOK_MS 500
#define REST_LOOKS 5 /* consecutive checks, with at most this much of the time used: */
#define BUSY_PERCENT 10

struct times {
	unsigned long long busy, all; /* ticks of all CPUs */
};

struct prepare {
	struct request *req;
	struct agent *agent;
	const struct msg_prepare *args;
	struct buf list;
	char *rest, *program; /* position in the list; program NULL: all are open */
	size_t windows;       /* number before it was started */
	unsigned calm;        /* consecutive idle checks */
	struct times times;
	sd_event_source *look;
	uint64_t since_us;
};

static struct request *prepare_free(struct prepare *p)
{
	struct request *req = p->req;
	loop_drop(&p->look);
	buf_done(&p->list);
	free(p);
	return req;
}

static void fail(struct prepare *p, const struct err *why)
{
	request_fail(prepare_free(p), why);
}

static void on_cancel(void *data)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "the preparation was cancelled");
	fail(data, &err);
}

static bool is_over(const struct prepare *p, int64_t ms)
{
	return loop_now_us() - p->since_us >= (uint64_t)ms * 1000;
}

/* ---- idleness ---- */

/* False without such a file: then the desktop is not idle before the timeout. */
static bool read_times(struct times *ret)
{
	unsigned long long n[8];
	FILE *file = fopen("/proc/stat", "re");
	bool good = file && fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &n[0],
				    &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7]) == 8;
	if (file) {
		fclose(file);
	}
	if (good) {
		*ret = (struct times){ .busy = n[0] + n[1] + n[2] + n[5] + n[6] + n[7] };
		ret->all = ret->busy + n[3] + n[4];
	}
	return good;
}

static int64_t rest_ms(const struct prepare *p)
{
	return p->list.len ? p->args->warm_rest_ms : p->args->rest_ms;
}

static bool is_calm(struct prepare *p)
{
	struct times now = p->times;
	if (!read_times(&now) || now.all <= p->times.all) {
		return false;
	}
	bool calm = (now.busy - p->times.busy) * 100 <= (now.all - p->times.all) * BUSY_PERCENT;
	p->times = now;
	return calm;
}

/* ---- programs ---- */

static size_t count_windows(struct prepare *p)
{
	Window ids[WINDOWS_MAX];
	size_t n = p->agent->display ? windows_list(p->agent->display, ids) : 0, count = 0;
	for (size_t i = 0; i < n; i++) {
		struct window_info info;
		count += windows_describe(p->agent->display, ids[i], &info) &&
			 info.type == WINDOW_NORMAL && info.viewable;
	}
	return count;
}

static void open_next(struct prepare *p)
{
	p->program = p->rest ? strtok_r(NULL, "\n", &p->rest) : NULL;
	p->windows = count_windows(p);
	p->since_us = loop_now_us();
	p->calm = 0;
	if (p->program) {
		autostart_command(p->agent->event, p->program);
	}
}

static bool no_window(const struct prepare *p, struct err *err)
{
	return err_set(err, ERR_TIMEOUT,
		"'%.200s' of the image's list of programs opened no window within %lld s",
		p->program, (long long)(p->args->window_ms / 1000));
}

/* ---- checks ---- */

static void look_later(struct prepare *p);

static int on_look(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct prepare *p = data;
	struct err err;
	loop_drop(&p->look);
	p->calm = is_calm(p) ? p->calm + 1 : 0;
	if (p->program && count_windows(p) > p->windows) {
		open_next(p);
	} else if (p->program && is_over(p, p->args->window_ms)) {
		no_window(p, &err);
		fail(p, &err);
		return 0;
	} else if (!p->program && (p->calm >= REST_LOOKS || is_over(p, rest_ms(p)))) {
		request_reply(prepare_free(p), NULL, NULL, 0);
		return 0;
	}
	look_later(p);
	return 0;
}

static void look_later(struct prepare *p)
{
	p->look = loop_after_ms(p->agent->event, LOOK_MS, on_look, p);
}

static bool read_list(struct prepare *p, struct err *err)
{
	auto_close int fd = open(WARM_FILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return errno == ENOENT || err_errno(err, "cannot open " WARM_FILE);
	}
	if (!file_read(fd, LIST_MAX, WARM_FILE, &p->list, err)) {
		return false;
	}
	buf_reserve(&p->list, 1); /* an empty file is valid, too */
	p->rest = (char *)p->list.data;
	return true;
}

static void run(struct request *req, const void *args)
{
	struct err err;
	struct prepare *p = must(calloc(1, sizeof(*p)));
	p->req = req;
	p->agent = request_agent(req);
	p->args = args;
	if (!read_list(p, &err)) {
		fail(p, &err);
		return;
	}
	open_next(p);
	look_later(p);
	request_on_cancel(req, on_cancel, p);
}

const struct op op_prepare = {
	.message = &message_prepare,
	.run = run,
};
