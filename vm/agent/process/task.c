/* See task.h: starts and ends process groups. */
#include "vm/agent/process/task.h"

#include "base/cleanup.h"
#include "base/spawn.h"
#include "vm/agent/process/environment.h"
#include "vm/agent/process/proc_scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Checked first, so that the reason of a failed start is known. */
static bool check_directory(const char *path, struct err *err)
{
	struct stat st;
	if (path[0] != '/') {
		return err_set(err, ERR_ARGUMENT,
			"cwd must be an absolute path like '/tmp', not '%.200s'", path);
	}
	if (stat(path, &st) < 0) {
		return err_set(err, ERR_ARGUMENT, "cwd '%.200s' cannot be used: %s", path,
			strerror(errno));
	}
	if (!S_ISDIR(st.st_mode)) {
		return err_set(err, ERR_ARGUMENT, "cwd '%.200s' is not a directory", path);
	}
	return true;
}

/* The reader cannot start anything to free processes, so the advice is for outside. */
static bool fail_limit(struct err *err)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NPROC, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY) {
		return false;
	}
	return err_set(err, ERR_LIMIT,
		"the sandbox has reached its limit of %llu processes and threads, so nothing "
		"can be started; try again when some have exited; if a program keeps starting "
		"more, end the sandbox with sandbox_kill; the key "
		"\"processes\" of the server's configuration file sets the limit",
		(unsigned long long)limit.rlim_cur);
}

bool task_start(const struct task_how *how, struct task *ret_task, struct err *err)
{
	static unsigned number;
	struct task task = { 0 };
	const char *cwd = how->cwd ? how->cwd : getenv("HOME");
	if (!check_directory(cwd, err)) {
		return false;
	}
	snprintf(task.mark, sizeof(task.mark), "VITRINE_TASK=%s-%u.",
		strchr(environment_mark(), '=') + 1, ++number);
	auto_free const char **more = must(calloc(how->n_more + 1, sizeof(*more)));
	more[0] = task.mark;
	for (unsigned i = 0; i < how->n_more; i++) {
		more[i + 1] = how->more[i];
	}
	auto_free const char **env = environment_with(more, how->n_more + 1);
	const struct spawn_fd given[] = { { how->in, STDIN_FILENO }, { how->out, STDOUT_FILENO },
		{ how->err, STDERR_FILENO }, { how->script, TASK_SCRIPT_FD } };
	struct spawn_fd fds[4];
	size_t n_fds = 0;
	for (size_t i = 0; i < 4; i++) {
		if (given[i].from > 0) {
			fds[n_fds++] = given[i];
		}
	}
	struct spawn spawn = { .argv = how->argv,
		.env = env,
		.cwd = cwd,
		.fds = fds,
		.n_fds = n_fds,
		.new_session = true,
		.terminal = how->terminal,
		.die_with_us = true };
	task.pid = spawn_start(&spawn, err);
	if (task.pid < 0) {
		return err->kind == ERR_LIMIT ? fail_limit(err) : false;
	}
	*ret_task = task;
	return true;
}

bool task_owns(const struct task *task, pid_t pid)
{
	return pid > 0 && proc_scan_belongs(pid, task->pid, task->mark);
}

bool task_is_any(pid_t pid)
{
	return pid > 0 && proc_scan_is_marked(pid, "VITRINE_TASK=");
}

bool task_is_alive(const struct task *task)
{
	return proc_scan_any(task->pid, task->mark);
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *data)
{
	(void)source;
	(void)info;
	(void)data;
	return 0;
}

void task_reap(const struct task *task, sd_event *event)
{
	sd_event_add_child(event, NULL, task->pid, WEXITED, on_end, NULL);
}

void task_kill(const struct task *task)
{
	proc_scan_kill_all(task->pid, task->mark);
}
