/* The environment of the desktop's programs, as a table. */
#include "vm/agent/process/environment.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char mark[64];

struct variable {
	const char *name, *default_value; /* NULL: only if it is already set */
};

/* Kept if the agent was started with it. */
static const struct variable variables[] = {
	{ "HOME", "/home/user" },
	{ "USER", "user" },
	{ "LOGNAME", "user" },
	{ "SHELL", "/bin/bash" },
	{ "LANG", "C.UTF-8" },
	{ "PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games" },
	{ "XDG_RUNTIME_DIR", "/run/user/1000" },
	{ "XDG_DATA_DIRS", "/usr/local/share:/usr/share" },
	{ "XDG_CURRENT_DESKTOP", "Vitrine" },
	{ "XDG_SESSION_TYPE", "x11" },
	/* Qt programs that start while the accessibility bus is up, but not enabled, report none. */
	{ "QT_LINUX_ACCESSIBILITY_ALWAYS_ON", "1" },
	{ "TZ", NULL },
};
#define VARIABLES (sizeof(variables) / sizeof(*variables))

static void rebuild(void)
{
	char *kept[VARIABLES] = { 0 };
	for (size_t i = 0; i < VARIABLES; i++) {
		const char *value = getenv(variables[i].name);
		value = value && *value ? value : variables[i].default_value;
		kept[i] = value ? must(strdup(value)) : NULL;
	}
	clearenv();
	for (size_t i = 0; i < VARIABLES; i++) {
		if (kept[i]) {
			environment_set(variables[i].name, kept[i]);
		}
		free(kept[i]);
	}
}

bool environment_init(struct err *err)
{
	rebuild();
	snprintf(mark, sizeof(mark), "VITRINE_AGENT=%d-%" PRIu64 ".", getpid(), loop_now_us());
	environment_set("VITRINE_AGENT", strchr(mark, '=') + 1);
	const char *dir = getenv("XDG_RUNTIME_DIR");
	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		return err_errno(err, "cannot create the run-time directory %s", dir);
	}
	if (access(dir, W_OK | X_OK) < 0) {
		return err_errno(err, "cannot use the run-time directory %s", dir);
	}
	return true;
}

void environment_set(const char *name, const char *value)
{
	if (setenv(name, value, 1) < 0) {
		abort();
	}
}

const char *environment_mark(void)
{
	return mark;
}

const char **environment_with(const char *const *more, unsigned n)
{
	unsigned ours = 0;
	while (environ[ours]) {
		ours++;
	}
	const char **all = must(calloc(ours + n + 1, sizeof(*all)));
	memcpy(all, environ, ours * sizeof(*all));
	for (unsigned i = 0; i < n; i++) {
		all[ours + i] = more[i];
	}
	return all;
}
