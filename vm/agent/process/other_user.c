#include "vm/agent/process/other_user.h"

#include "base/cleanup.h"
#include "vm/agent/process/task.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SUDO "/usr/bin/sudo"

/* What programs of the desktop need. */
static const char *const passed[] = { "DISPLAY", "XAUTHORITY", "LANG", "PATH" };
#define N_PASSED (sizeof(passed) / sizeof(passed[0]))

bool other_user_check(const char *user, bool *ret_other, struct err *err)
{
	const char *ours = getenv("USER");
	*ret_other = user && strcmp(user, ours ? ours : "") != 0;
	if (!*ret_other) {
		return true;
	}
	if (access(SUDO, X_OK) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
		return err_set(err, ERR_UNSUPPORTED,
			"this sandbox has no user '%.32s': commands and files are those of '%s'. A "
			"microVM with sudo, such as the image minimal, has root, too",
			user, ours);
	}
	return getpwnam(user) ||
	       err_set(err, ERR_UNSUPPORTED, "the sandbox has no user '%.32s'", user);
}

static size_t count(const char *const *list)
{
	size_t n = 0;
	while (list[n]) {
		n++;
	}
	return n;
}

const char **other_user_arguments(
	const char *user, const char *cwd, const char *const *argv, const char *const *more)
{
	static char variables[N_PASSED][4200];
	const char *before[] = { SUDO, "-n", "-H", "-u", user, "--", "/usr/bin/env" };
	size_t n = sizeof(before) / sizeof(before[0]), n_more = count(more), n_argv = count(argv);
	const char **all = must(calloc(n + 2 + N_PASSED + n_more + n_argv + 1, sizeof(*all)));
	memcpy(all, before, sizeof(before));
	if (cwd) {
		all[n++] = "-C";
		all[n++] = cwd;
	}
	for (size_t i = 0; i < N_PASSED; i++) {
		const char *value = getenv(passed[i]);
		if (value) {
			snprintf(variables[i], sizeof(variables[i]), "%s=%s", passed[i], value);
			all[n++] = variables[i];
		}
	}
	memcpy(all + n, more, n_more * sizeof(*all));
	memcpy(all + n + n_more, argv, n_argv * sizeof(*all));
	return all;
}

void other_user_signal(sd_event *event, pid_t group, int signal)
{
	char number[16], target[16];
	struct task task;
	struct err ignored;
	snprintf(number, sizeof(number), "-%d", signal);
	snprintf(target, sizeof(target), "-%d", group);
	const char *argv[] = { SUDO, "-n", "/usr/bin/kill", number, "--", target, NULL };
	if (task_start(&(struct task_how){ .argv = argv, .in = -1, .out = -1, .err = -1 }, &task,
		    &ignored)) {
		task_reap(&task, event);
	}
}
