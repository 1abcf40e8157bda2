/*
 * See process.h.  When a process has exited, the contents of its pipes at that moment are still read,
 * however long the readers take; after a timeout, DRAIN_MS at most.  One in the background is read
 * until its outputs are closed, unless a signal has ended it.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "vm/agent/process/other_user.h"
#include "vm/agent/process/process_impl.h"
#include "vm/agent/process/process_start.h"

#include <string.h>
#include <sys/ioctl.h>

#define DRAIN_MS 5000 /* time for the readers to take the rest of a process that timed out */
#define ENDED_KEPT 64
#define ENDED_BYTES (64 << 20) /* in files, of all that have ended */

static void process_free(struct process *p)
{
	LIST_REMOVE(p, entry);
	for (unsigned i = 0; i < 2; i++) {
		process_output_close(&p->output[i]);
		output_log_done(&p->output[i].log);
	}
	input_feed_free(p->input);
	terminal_free(p->terminal);
	loop_drop(&p->child);
	loop_drop(&p->timer);
	loop_drop(&p->soon);
	free(p->tag);
	free(p->command);
	free(p->cwd);
	free(p->note);
	free(p);
}

void process_free_all(struct agent *agent)
{
	while (!LIST_EMPTY(&agent->processes)) {
		process_free(LIST_FIRST(&agent->processes));
	}
}

static int64_t file_bytes(const struct process *p)
{
	return output_log_file_bytes(&p->output[0].log) + output_log_file_bytes(&p->output[1].log);
}

/* Forgets the oldest that have ended. */
static void forget_old(struct agent *agent)
{
	int n = 0;
	int64_t bytes = 0;
	struct process *p = LIST_FIRST(&agent->processes), *next;
	for (; p; p = next) {
		next = LIST_NEXT(p, entry);
		if (p->over && LIST_EMPTY(&p->readers)) {
			bytes += file_bytes(p);
			if (++n > ENDED_KEPT || bytes > ENDED_BYTES) {
				process_free(p);
			}
		}
	}
}

/* ---- the end ---- */

bool process_is_over(const struct process *p)
{
	return p->over;
}

struct msg_exec_answer process_end(const struct process *p)
{
	bool exited = p->end.si_code == CLD_EXITED;
	uint64_t until = p->over ? p->ended_us : loop_now_us();
	return (struct msg_exec_answer){
		.status = p->over && exited ? p->end.si_status : -1,
		.signal = p->over && !exited ? p->end.si_status : 0,
		.timed_out = p->timed_out,
		.ms = (int64_t)(until - p->started_us) / 1000,
	};
}

int64_t process_ended_ms(const struct process *p)
{
	return p->over ? (int64_t)(loop_now_us() - p->ended_us) / 1000 : 0;
}

static void end(struct process *p)
{
	p->over = true;
	p->ended_us = loop_now_us();
	process_output_close(&p->output[EXEC_STDOUT]);
	process_output_close(&p->output[EXEC_STDERR]);
	input_feed_free(take_ptr(&p->input));
	loop_drop(&p->timer);
	loop_drop(&p->child);
	process_news(p);
}

void process_check_over(struct process *p)
{
	if (p->exited && !p->over && p->output[0].fd < 0 && p->output[1].fd < 0) {
		end(p);
	}
}

static int on_drain_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	end(data);
	return 0;
}

static int on_exited(sd_event_source *source, const siginfo_t *info, void *data)
{
	(void)source;
	struct process *p = data;
	p->exited = true;
	p->end = *info;
	loop_drop(&p->timer);
	p->timer = p->timed_out ? loop_after_ms(p->agent->event, DRAIN_MS, on_drain_late, p) : NULL;
	if (!p->background || p->at_exit || info->si_code != CLD_EXITED || p->terminal) {
		process_output_limit(&p->output[EXEC_STDOUT]);
		process_output_limit(&p->output[EXEC_STDERR]);
	}
	process_continue(p);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	struct process *p = data;
	p->timed_out = true;
	process_kill(p); /* on_exited() follows */
	return 0;
}

static bool has_ended(const struct process *p, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "process %d has ended already", p->task.pid);
}

/* ---- input ---- */

static void on_input_taken(size_t len, void *data)
{
	struct process *p = data;
	(void)len;
	for (struct process_reader *r = LIST_FIRST(&p->readers); r; r = p->next_reader) {
		p->next_reader = LIST_NEXT(r, entry);
		if (r->awaits_input && r->fns->input_taken) {
			r->awaits_input = false;
			r->fns->input_taken(r);
		}
	}
}

bool process_input(
	struct process *p, struct process_reader *r, const void *bytes, size_t len, struct err *err)
{
	if (p->over) {
		return has_ended(p, err);
	}
	if (!p->input || !input_feed_is_open(p->input)) {
		return err_set(err, ERR_STATE, "process %d has no stdin: %s", p->task.pid,
			p->input ? "it was closed"
				 : "it was started without one, or it was closed");
	}
	if (input_feed_pending(p->input) > PROCESS_INPUT_MAX) {
		return err_set(err, ERR_LIMIT,
			"process %d does not read its stdin: %zu bytes are waiting", p->task.pid,
			input_feed_pending(p->input));
	}
	if (r) {
		r->awaits_input = true;
	}
	input_feed_push(p->input, bytes, len);
	return true;
}

size_t process_input_pending(const struct process *p)
{
	return p->input ? input_feed_pending(p->input) : 0;
}

bool process_input_failed(const struct process *p)
{
	return p->input && input_feed_is_broken(p->input);
}

void process_input_end(struct process *p)
{
	if (p->input) {
		input_feed_end(p->input);
	}
}

/* Keys; and answers to queries of its program, but only while no other terminal shows it. */
static void on_terminal_reply(const char *bytes, size_t len, void *data)
{
	struct process *p = data;
	struct process_reader *r;
	struct err ignored;
	LIST_FOREACH(r, &p->readers, entry)
	{
		if (r->fns->data && !p->pressing) {
			return;
		}
	}
	(void)!process_input(p, NULL, bytes, len, &ignored);
}

void process_press(struct process *p, const char *key)
{
	p->pressing = true;
	terminal_press(p->terminal, key);
	p->pressing = false;
}

/* ---- signals and size ---- */

bool process_signal(struct process *p, int signal, struct err *err)
{
	if (p->exited) { /* its pid may be another's now */
		return has_ended(p, err);
	}
	if (p->other_user) {
		other_user_signal(p->agent->event, p->task.pid, signal);
		return true;
	}
	return kill(-p->task.pid, signal) == 0 ||
	       err_errno(err, "cannot send signal %d to process %d", signal, p->task.pid);
}

void process_kill(struct process *p)
{
	p->killed = true;
	if (p->other_user && !p->exited) {
		other_user_signal(p->agent->event, p->task.pid, SIGKILL);
	}
	task_kill(&p->task);
}

bool process_resize(struct process *p, int columns, int rows, struct err *err)
{
	struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };
	struct terminal *t = process_terminal(p, err);
	if (!t || p->over) {
		return t ? has_ended(p, err) : false;
	}
	terminal_resize(t, columns, rows);
	return p->output[EXEC_STDOUT].fd < 0 ||
	       ioctl(p->output[EXEC_STDOUT].fd, TIOCSWINSZ, &size) == 0 ||
	       err_errno(err, "cannot resize the terminal of process %d", p->task.pid);
}

/* ---- finding ---- */

/* One that is killed has lost its tag, for the next one. */
static bool has_tag(const struct process *p, const char *tag)
{
	return tag && p->tag && !p->killed && strcmp(p->tag, tag) == 0;
}

struct process *process_find(struct agent *agent, int64_t pid, const char *tag, struct err *err)
{
	struct process *p, *ended = NULL;
	LIST_FOREACH(p, &agent->processes, entry)
	{
		if (pid ? p->task.pid == pid : has_tag(p, tag)) {
			if (pid || !p->over) {
				return p;
			}
			ended = ended ? ended : p;
		}
	}
	if (ended) {
		return ended;
	}
	if (pid) {
		err_set(err, ERR_NOT_FOUND,
			"there is no process %lld that a command has started; the list of "
			"processes shows all",
			(long long)pid);
	} else if (tag) {
		err_set(err, ERR_NOT_FOUND, "there is no process with the tag '%.200s'", tag);
	} else {
		err_set(err, ERR_ARGUMENT, "'pid' or 'tag' is required");
	}
	return NULL;
}

struct process *process_next(const struct agent *agent, const struct process *p)
{
	return p ? LIST_NEXT(p, entry) : LIST_FIRST(&agent->processes);
}

int64_t process_pid(const struct process *p)
{
	return p->task.pid;
}

void process_describe(const struct process *p, struct msg_process_row *ret)
{
	struct msg_exec_answer end = process_end(p);
	int columns = 0, rows = 0;
	if (p->terminal) {
		terminal_size(p->terminal, &columns, &rows);
	}
	*ret = (struct msg_process_row){
		.pid = p->task.pid,
		.tag = p->tag,
		.command = p->command,
		.cwd = p->cwd,
		.note = p->note,
		.columns = columns,
		.rows = rows,
		.background = p->background,
		.input = p->input && input_feed_is_open(p->input),
		.running = !p->over,
		.status = end.status,
		.signal = end.signal,
		.timed_out = end.timed_out,
		.ms = end.ms,
		.out = p->output[EXEC_STDOUT].log.total,
		.err = p->output[EXEC_STDERR].log.total,
	};
}

const struct output_log *process_log(const struct process *p, unsigned channel)
{
	return &p->output[channel].log;
}

struct terminal *process_terminal(const struct process *p, struct err *err)
{
	if (!p->terminal) {
		err_set(err, ERR_ARGUMENT, "process %d has no terminal", p->task.pid);
	}
	return p->terminal;
}

/* ---- start ---- */

/* As a text of at most size bytes, for lists. */
static char *shorten(const char *text, size_t size)
{
	char *out = must(calloc(1, size));
	auto_buf struct buf clean = { 0 };
	size_t len = strnlen(text, size);
	utf8_append_clean(&clean, (const uint8_t *)text, len);
	utf8_copy_line(out, size, buf_text(&clean));
	return out;
}

static bool start(struct process *p, const struct process_how *how, struct err *err)
{
	const struct msg_exec *args = how->args;
	auto_free char *shown = NULL;
	struct process_start ends = { .in = -1 };
	if (!process_start_task(how, &p->task, &ends, &shown, err)) {
		return false;
	}
	if (args->columns) {
		p->terminal =
			terminal_new((int)args->columns, (int)args->rows, on_terminal_reply, p);
	}
	p->other_user = ends.other_user;
	p->command = shorten(shown, PROCESS_SHOWN);
	p->input =
		ends.in >= 0 ? input_feed_new(p->agent->event, ends.in, on_input_taken, p) : NULL;
	sd_event_add_child(p->agent->event, &p->child, p->task.pid, WEXITED, on_exited, p);
	p->timer = args->timeout_ms ? loop_after_ms(p->agent->event, (uint64_t)args->timeout_ms,
					      on_timeout, p)
				    : NULL;
	return process_output_open(p, EXEC_STDOUT, ends.out, err) &&
	       (args->columns || process_output_open(p, EXEC_STDERR, ends.err, err));
}

static struct process *process_new(struct agent *agent, const struct msg_exec *args)
{
	struct process *p = must(calloc(1, sizeof(*p)));
	p->agent = agent;
	p->started_us = loop_now_us();
	p->background = args->background;
	p->at_exit = args->at_exit;
	p->tag = args->tag ? must(strdup(args->tag)) : NULL;
	p->note = args->note ? must(strdup(args->note)) : NULL;
	p->cwd = shorten(args->cwd ? args->cwd : getenv("HOME"), PROCESS_SHOWN);
	for (unsigned i = 0; i < 2; i++) {
		p->output[i].process = p;
		p->output[i].channel = i;
		p->output[i].fd = -1;
		p->output[i].left = SIZE_MAX;
	}
	LIST_INSERT_HEAD(&agent->processes, p, entry);
	return p;
}

struct process *process_start(struct agent *agent, const struct process_how *how, struct err *err)
{
	forget_old(agent);
	struct process *p = process_new(agent, how->args);
	if (!start(p, how, err)) {
		process_free(p);
		return NULL;
	}
	return p;
}
