/* Runs a program and waits until it exits. */
#include "vm/image/run.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

static bool await(pid_t pid, const char *name, struct err *err)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return err_errno(err, "cannot wait for %s", name);
		}
	}
	return status == 0 || err_set(err, ERR_HOST, "%s %s", name, spawn_describe_end(status));
}

bool run_program(const struct run *run, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	auto_close int from = ends[0], to = ends[1];
	struct spawn_fd fds[4] = { { run->out ? to : STDERR_FILENO, 1 },
		{ run->out && run->errors_too ? to : STDERR_FILENO, STDERR_FILENO } };
	size_t n = 2;
	if (run->in) {
		fds[n++] = (struct spawn_fd){ run->in, 0 };
	}
	if (run->extra) {
		fds[n++] = (struct spawn_fd){ run->extra, run->extra };
	}
	pid_t pid = spawn_start(&(struct spawn){ .argv = run->argv,
					.cwd = run->cwd,
					.fds = fds,
					.n_fds = n,
					.die_with_us = true },
		err);
	close(take_fd(&to));
	if (pid < 0) {
		return false;
	}
	bool read_all = !run->out || file_read(from, RUN_OUT_MAX, run->argv[0], run->out, err);
	close(take_fd(&from));
	struct err end;
	return await(pid, run->argv[0], read_all ? err : &end) && read_all;
}
