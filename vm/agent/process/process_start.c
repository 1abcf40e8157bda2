/* The start of a process: its arguments, environment, pipes or terminal. */
#include "vm/agent/process/process_start.h"

#include "base/cleanup.h"
#include "vm/agent/process/environment.h"
#include "vm/agent/process/other_user.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* ---- what is run ---- */

/* The kernel accepts 128 KiB as one argument, so the shell reads a longer command, the tail of the
 * request, from a descriptor.  It closes the descriptor before it runs the command. */
#define RUN_SCRIPT "eval \"$(cat <&" TASK_SCRIPT_FD_TEXT ")\" " TASK_SCRIPT_FD_TEXT "<&-"

static int keep_command(const struct process_how *how, struct err *err)
{
	if (!how->tail_len || memchr(how->tail, '\0', how->tail_len)) {
		err_set(err, ERR_ARGUMENT,
			"'command' must be a string, or the tail of the request, without NUL");
		return -1;
	}
	char path[] = "/tmp/.command-XXXXXX"; /* memfd_create() is not permitted everywhere */
	auto_close int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0 || unlink(path) < 0 ||
		write(fd, how->tail, how->tail_len) != (ssize_t)how->tail_len ||
		lseek(fd, 0, SEEK_SET) < 0) {
		err_errno(err, "cannot store the command");
		return -1;
	}
	return take_fd(&fd);
}

/* Points into the tail. */
static const char **split_arguments(const struct process_how *how, struct err *err)
{
	size_t want = (size_t)how->args->arguments, n = 0;
	auto_free const char **argv = must(calloc(want + 1, sizeof(*argv)));
	const char *at = how->tail, *end = how->tail + how->tail_len;
	while (n < want && at < end && memchr(at, '\0', (size_t)(end - at))) {
		argv[n++] = at;
		at += strlen(at) + 1;
	}
	if (n < want || at != end || !*argv[0]) {
		err_set(err, ERR_ARGUMENT,
			"'arguments' must be the number of texts in the tail, the first not empty");
		return NULL;
	}
	return take_ptr(&argv);
}

static const char **shell_arguments(const char *command)
{
	const char **argv = must(calloc(5, sizeof(*argv)));
	argv[0] = access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
	argv[1] = "-l";
	argv[2] = "-c";
	argv[3] = command;
	return argv;
}

/* ---- its ends ---- */

struct theirs {
	int in, out, err;
};

static bool open_pipe(int *ret_read, int *ret_write, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	*ret_read = ends[0];
	*ret_write = ends[1];
	return true;
}

static bool open_terminal(const struct msg_exec *args, struct process_start *ours,
	struct theirs *theirs, struct err *err)
{
	char path[64];
	struct winsize size = { .ws_col = (unsigned short)args->columns,
		.ws_row = (unsigned short)args->rows };
	ours->out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (ours->out < 0 || grantpt(ours->out) < 0 || unlockpt(ours->out) < 0 ||
		ptsname_r(ours->out, path, sizeof(path)) != 0 ||
		(theirs->in = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 ||
		ioctl(ours->out, TIOCSWINSZ, &size) < 0 ||
		(theirs->out = fcntl(theirs->in, F_DUPFD_CLOEXEC, 3)) < 0 ||
		(theirs->err = fcntl(theirs->in, F_DUPFD_CLOEXEC, 3)) < 0 ||
		(ours->in = fcntl(ours->out, F_DUPFD_CLOEXEC, 3)) < 0) {
		return err_errno(err, "cannot open a terminal");
	}
	return true;
}

static bool open_ends(const struct msg_exec *args, struct process_start *ours,
	struct theirs *theirs, struct err *err)
{
	if (args->columns && args->rows) {
		return open_terminal(args, ours, theirs, err);
	}
	return open_pipe(&ours->out, &theirs->out, err) &&
	       open_pipe(&ours->err, &theirs->err, err) &&
	       (!args->input || open_pipe(&theirs->in, &ours->in, err));
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
		fds[i] = -1;
	}
}

/* A directory that only the other user can enter. */
static bool is_closed_to_us(const char *cwd, bool other)
{
	return other && cwd && access(cwd, X_OK) < 0 && errno == EACCES;
}

static bool run(const struct process_how *how, const char *const *argv, int script, bool other,
	const struct theirs *theirs, struct task *ret_task, struct err *err)
{
	const struct msg_exec *args = how->args;
	g_auto(GStrv) more = environment_list(
		args->columns ? "TERM=xterm-256color" : NULL, args->environment, err);
	auto_free const char **wrapped = more && other ? other_user_arguments(args->user, args->cwd,
								 argv, (const char *const *)more)
						       : NULL;
	struct task_how task = {
		.argv = wrapped ? wrapped : argv,
		.cwd = is_closed_to_us(args->cwd, other) ? "/" : args->cwd,
		.in = theirs->in,
		.out = theirs->out,
		.err = theirs->err,
		.script = script,
		.terminal = args->columns,
		.more = (const char *const *)more,
		.n_more = more ? g_strv_length(more) : 0,
	};
	return more && task_start(&task, ret_task, err);
}

bool process_start_task(const struct process_how *how, struct task *ret_task,
	struct process_start *ret_ends, char **ret_shown, struct err *err)
{
	const struct msg_exec *args = how->args;
	auto_close int script = -1;
	bool behind = !args->command && !args->arguments;
	if (!args->columns != !args->rows) {
		return err_set(err, ERR_ARGUMENT, "a terminal requires 'columns' and 'rows'");
	}
	if (!other_user_check(args->user, &ret_ends->other_user, err)) {
		return false;
	}
	if (behind && (script = keep_command(how, err)) < 0) {
		return false;
	}
	auto_free const char **argv =
		args->arguments ? split_arguments(how, err)
				: shell_arguments(behind ? RUN_SCRIPT : args->command);
	if (!argv) {
		return false;
	}
	struct process_start ends = { -1, -1, -1, ret_ends->other_user };
	struct theirs theirs = { -1, -1, -1 };
	bool good = open_ends(args, &ends, &theirs, err) &&
		    run(how, argv, script, ret_ends->other_user, &theirs, ret_task, err);
	close_all((int[]){ theirs.in, theirs.out, theirs.err }, 3);
	if (!good) {
		close_all((int[]){ ends.in, ends.out, ends.err }, 3);
		return false;
	}
	*ret_ends = ends;
	*ret_shown = args->arguments ? g_strjoinv(" ", (char **)argv)
		     : behind        ? g_strndup(how->tail, how->tail_len)
				     : g_strdup(args->command);
	return true;
}
