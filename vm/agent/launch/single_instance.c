/*
 * A window belongs to the program if its process runs the same file or has the same name, or if its
 * class is the program's name, because programs are often started by scripts, and scripts by
 * interpreters.
 */
#include "vm/agent/launch/single_instance.h"

#include "base/cleanup.h"
#include "vm/agent/x11/display.h"

#include <glib.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct before {
	uint32_t number;
	guint title; /* its hash */
};

struct single_instance {
	struct display *display;
	char *file; /* the program's path, resolved; or NULL */
	char *name; /* without the directory */
	char comm[32];
	struct before *windows;
	size_t n;
	uint32_t active; /* its number; 0: none */
};

static uint32_t number_of_active(struct display *d)
{
	Window active = windows_active(d);
	return active ? windows_number(d, active) : 0;
}

struct single_instance *single_instance_new(struct display *d, const char *program)
{
	struct single_instance *i = must(calloc(1, sizeof(*i)));
	g_autofree char *path = g_find_program_in_path(program);
	Window ids[WINDOWS_MAX];
	size_t n = windows_list(d, ids);
	i->display = d;
	i->file = path ? realpath(path, NULL) : NULL;
	i->name = g_path_get_basename(program);
	i->windows = must(calloc(n + 1, sizeof(*i->windows)));
	for (size_t w = 0; w < n; w++) {
		struct window_info info;
		if (windows_describe(d, ids[w], &info)) {
			i->windows[i->n++] = (struct before){ windows_number(d, ids[w]),
				g_str_hash(info.title) };
		}
	}
	i->active = number_of_active(d);
	return i;
}

void single_instance_free(struct single_instance *i)
{
	if (i) {
		free(i->file);
		g_free(i->name);
		free(i->windows);
		free(i);
	}
}

/* ---- matching windows ---- */

static void read_comm(pid_t pid, char *ret, size_t size)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	FILE *file = pid > 0 ? fopen(path, "re") : NULL;
	ret[0] = '\0';
	if (file && fgets(ret, (int)size, file)) {
		ret[strcspn(ret, "\n")] = '\0';
	}
	if (file) {
		fclose(file);
	}
}

static bool runs_file(const struct single_instance *i, pid_t pid)
{
	char path[40], file[PATH_MAX];
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	ssize_t n = pid > 0 ? readlink(path, file, sizeof(file) - 1) : -1;
	file[n > 0 ? n : 0] = '\0';
	return i->file && strcmp(i->file, file) == 0;
}

/* Interpreters: their names do not identify the program. */
static bool is_interpreter(const char *comm)
{
	static const char *const names[] = { "sh", "dash", "bash", "env", "java", "node", "gjs" };
	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
		if (strcmp(comm, names[k]) == 0) {
			return true;
		}
	}
	return g_str_has_prefix(comm, "python") || g_str_has_prefix(comm, "perl");
}

static bool has_name(const struct single_instance *i, const struct window_info *info)
{
	char comm[sizeof(i->comm)];
	if (g_ascii_strcasecmp(i->name, info->class) == 0) {
		return true;
	}
	read_comm(info->pid, comm, sizeof(comm));
	return i->comm[0] && !is_interpreter(comm) && strcmp(comm, i->comm) == 0;
}

/* An entry of the windows that existed before. */
static const struct before *before(const struct single_instance *i, uint32_t number)
{
	for (size_t w = 0; w < i->n; w++) {
		if (i->windows[w].number == number) {
			return &i->windows[w];
		}
	}
	return NULL;
}

/* NULL: not the program's, or new. */
static const struct before *known_window(
	struct single_instance *i, Window id, struct window_info *ret_info)
{
	if (!windows_describe(i->display, id, ret_info) || ret_info->type != WINDOW_NORMAL ||
		(!runs_file(i, ret_info->pid) && !has_name(i, ret_info))) {
		return NULL;
	}
	return before(i, windows_number(i->display, id));
}

void single_instance_ended(struct single_instance *i, pid_t pid)
{
	Window ids[WINDOWS_MAX];
	struct window_info info;
	size_t n = windows_list(i->display, ids);
	read_comm(pid, i->comm, sizeof(i->comm));
	for (size_t w = 0; w < n; w++) {
		if (known_window(i, ids[w], &info)) {
			windows_watch(i->display, ids[w]);
		}
	}
}

bool single_instance_find(struct single_instance *i, struct window_info *ret_info, bool *ret_used)
{
	Window ids[WINDOWS_MAX];
	size_t n = windows_list(i->display, ids);
	uint32_t active = number_of_active(i->display);
	int best = 0; /* 1: any, 2: the active one, 3: another title, 4: came to the front */
	for (size_t w = 0; w < n; w++) {
		struct window_info info;
		const struct before *then = known_window(i, ids[w], &info);
		if (!then) {
			continue;
		}
		bool front = then->number == active;
		bool renamed = then->title != g_str_hash(info.title);
		int rank = front && active != i->active ? 4 : renamed ? 3 : front ? 2 : 1;
		if (rank >= best) {
			best = rank;
			*ret_info = info;
		}
	}
	*ret_used = best > 2;
	return best > 0;
}
