/* The environment of the desktop's programs, as a table. */
#include "vm/agent/process/environment.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <errno.h>
#include <glib.h>
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

#define LIST_MAX (128u << 10) /* bytes, far from the kernel's limit */

static bool check_variable(const char *name, const json_t *value, size_t bytes, struct err *err)
{
	if (!json_is_string(value)) {
		return err_set(err, ERR_ARGUMENT, "'environment': '%.60s' must be a text", name);
	}
	if (!*name || strchr(name, '=') || g_str_has_prefix(name, "VITRINE_")) {
		return err_set(err, ERR_ARGUMENT,
			"'environment': the variable '%.60s' cannot be set", name);
	}
	return bytes <= LIST_MAX ||
	       err_set(err, ERR_ARGUMENT, "'environment': at most %u bytes are possible", LIST_MAX);
}

char **environment_list(const char *first, const json_t *list, struct err *err)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	const char *name;
	json_t *value;
	bool good = !list || json_is_object(list) ||
		    err_set(err, ERR_ARGUMENT, "'environment' must be an object");
	size_t bytes = 0;
	if (first) {
		g_ptr_array_add(all, g_strdup(first));
	}
	json_object_foreach((json_t *)list, name, value)
	{
		bytes += strlen(name) + json_string_length(value);
		if (!good || !check_variable(name, value, bytes, err)) {
			good = false;
			break;
		}
		g_ptr_array_add(all, g_strdup_printf("%s=%s", name, json_string_value(value)));
	}
	g_ptr_array_add(all, NULL);
	char **texts = (char **)g_ptr_array_steal(all, NULL);
	if (!good) {
		g_strfreev(texts);
		return NULL;
	}
	return texts;
}
