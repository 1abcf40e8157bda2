#include "vm/agent/session/service_process.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/quote.h"
#include "base/spawn.h"
#include "vm/agent/init/reaper.h"
#include "vm/agent/process/environment.h"
#include "vm/agent/process/output_drain.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEATHS_WITHIN_US (30 * 1000000ull)
#define REST_MS 2000
#define REST_MAX_MS 60000
#define WELL_US (600 * 1000000ull)

_Static_assert(SERVICES <= REAPER_KEPT, "the reaper must have a slot for each");

void service_process_init(struct service_process *p, sd_event *event, const struct service *service,
	const struct service_process_handlers *handlers, void *data)
{
	*p = (struct service_process){
		.event = event, .service = service, .handlers = handlers, .data = data
	};
}

/* ---- exit ---- */

static int slot_of(const struct service_process *p)
{
	return (int)(p->service - services);
}

static void set_down(struct service_process *p)
{
	reaper_keep_running(slot_of(p), 0);
	loop_drop(&p->child);
	loop_drop(&p->ready);
	output_drain_release(take_ptr(&p->output));
	p->pid = 0;
	p->line_len = 0;
	p->state = SERVICE_DOWN;
}

static void note_death(struct service_process *p, int wstatus)
{
	auto_free char *output = output_drain_text(p->output);
	char quote[QUOTE_MAX];
	const char *how = spawn_describe_end(wstatus);
	const char *last = strrchr(output, '\n');
	last = last ? last + 1 : output;
	bool printed = *last && WIFEXITED(wstatus); /* a killed process could not print a reason */
	struct err why;                             /* ensures UTF-8 */
	if (p->silent_s) {
		err_set(&why, ERR_HOST, "it did not respond within %d s", p->silent_s);
	} else {
		err_set(&why, ERR_HOST, "it %s%s%s", how, printed ? "; its output ended with " : "",
			printed ? quote_end(quote, last, strlen(last), 200) : "");
	}
	log_warning("the %s failed: %s", p->service->what, why.text);
	free(p->died);
	p->died = must(strdup(why.text));
}

static int on_death(sd_event_source *source, const siginfo_t *info, void *data)
{
	(void)source;
	struct service_process *p = data;
	note_death(p, spawn_wstatus(info));
	set_down(p);
	p->handlers->died(p);
	return 0;
}

void service_process_stop(struct service_process *p)
{
	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		siginfo_t info;
		/* returns immediately: it was killed */
		waitid(P_PID, (id_t)p->pid, &info, WEXITED);
	}
	if (p->state != SERVICE_ABSENT && p->state != SERVICE_RESTING) {
		set_down(p);
	}
}

void service_process_is_silent(struct service_process *p, int seconds)
{
	p->silent_s = seconds;
	kill(p->pid, SIGKILL);
}

bool service_process_dies_often(struct service_process *p)
{
	uint64_t now = loop_now_us(), oldest = p->deaths[0];
	memmove(p->deaths, p->deaths + 1, sizeof(p->deaths) - sizeof(*p->deaths));
	p->deaths[SERVICE_DEATHS_MAX - 1] = now;
	return oldest && now - oldest < DEATHS_WITHIN_US;
}

static int on_rested(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	struct service_process *p = data;
	loop_drop(&p->rest);
	p->state = SERVICE_DOWN;
	p->handlers->rested(p);
	return 0;
}

void service_process_rest(struct service_process *p)
{
	uint64_t now = loop_now_us(), longer = 2 * p->rest_ms;
	bool first = !p->rest_ms || now - p->rested_us > WELL_US;
	p->rest_ms = first ? REST_MS : longer < REST_MAX_MS ? longer : REST_MAX_MS;
	p->rested_us = now;
	memset(p->deaths, 0, sizeof(p->deaths));
	p->state = SERVICE_RESTING;
	p->rest = loop_after_ms(p->event, p->rest_ms, on_rested, p);
}

void service_process_forgive(struct service_process *p)
{
	free(take_ptr(&p->died));
}

void service_process_done(struct service_process *p)
{
	service_process_stop(p);
	loop_drop(&p->rest);
	service_process_forgive(p);
}

/* ---- start ---- */

/* The line may arrive in pieces; the pipe is closed once it is complete. */
static int on_ready_pipe(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)events;
	struct service_process *p = data;
	ssize_t n = read(fd, p->line + p->line_len, sizeof(p->line) - 1 - p->line_len);
	if (n <= 0) {
		loop_drop(&p->ready); /* it exited, or its silence will be detected */
		return 0;
	}
	p->line_len += (size_t)n;
	p->line[p->line_len] = '\0';
	char *end = strchr(p->line, '\n');
	if (end) {
		*end = '\0';
		loop_drop(&p->ready);
		p->handlers->line(p);
	}
	return 0;
}

static bool open_ready_pipe(struct service_process *p, int *ret_theirs, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	p->ready = loop_add_io(p->event, ends[0], EPOLLIN, on_ready_pipe, p);
	sd_event_source_set_io_fd_own(p->ready, true);
	*ret_theirs = ends[1];
	return true;
}

static bool spawn(struct service_process *p, const struct session_paths *paths, struct err *err)
{
	const char *argv[SERVICE_ARGS];
	auto_close int output = -1, ready = -1;
	if (p->service->file && access(p->service->file, R_OK) < 0) {
		return err_errno(err, "%s", p->service->file);
	}
	service_argv(p->service, paths, argv);
	auto_free const char **env =
		environment_with(&p->service->variable, p->service->variable ? 1 : 0);
	p->output = output_drain_open(p->event, &output);
	if (!p->output || (p->service->reports_ready && !open_ready_pipe(p, &ready, err))) {
		return err_errno(err, "cannot create a pipe");
	}
	struct spawn_fd fds[] = { { output, 1 }, { output, 2 }, { ready, SERVICE_READY_FD } };
	struct spawn how = { .argv = argv,
		.env = env,
		.fds = fds,
		.n_fds = p->service->reports_ready ? 3 : 2,
		.new_session = true,
		.die_with_us = true };
	p->pid = spawn_start(&how, err);
	return p->pid > 0;
}

bool service_process_start(
	struct service_process *p, const struct session_paths *paths, struct err *err)
{
	struct err why = { 0 };
	if (!spawn(p, paths, &why)) {
		set_down(p);
		p->state = SERVICE_ABSENT;
		return err_set(err, why.kind, "the %s could not be started: %s%s%s",
			p->service->what, why.text,
			why.sys == ENOENT ? "; install the Debian package " : "",
			why.sys == ENOENT ? p->service->package : "");
	}
	p->state = SERVICE_STARTING;
	p->silent_s = 0;
	reaper_keep_running(slot_of(p), p->pid);
	sd_event_add_child(p->event, &p->child, p->pid, WEXITED, on_death, p);
	return true;
}
