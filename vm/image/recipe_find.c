/* Where recipes are: a folder that is named, or those that come with Vitrine. */
#include "vm/image/recipe.h"

#include "base/cleanup.h"
#include "base/nearest.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void path_beside_program(struct buf *path, const char *file)
{
	char ours[4096];
	ssize_t n = readlink("/proc/self/exe", ours, sizeof(ours) - 1);
	ours[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(ours, '/');
	buf_printf(path, "%.*s/%s", slash ? (int)(slash - ours) : 0, ours, file);
}

char *recipe_find_ours(const char *file, struct err *err)
{
	auto_buf struct buf path = { 0 };
	path_beside_program(&path, file);
	if (access(buf_text(&path), F_OK) < 0) {
		buf_consume(&path, path.len);
		buf_printf(&path, VITRINE_LIBEXECDIR "/%s", file);
	}
	if (access(buf_text(&path), F_OK) < 0) {
		err_set(err, ERR_NOT_FOUND,
			"%s is neither in this program's directory nor in " VITRINE_LIBEXECDIR
			": install all files of Vitrine",
			file);
		return NULL;
	}
	return must(strdup(buf_text(&path)));
}

#define NAMES_MAX 32

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool refuse_name(const char *which, const char *dir, struct err *err)
{
	const char *names[NAMES_MAX + 1] = { 0 };
	struct dirent **entries = NULL;
	auto_buf struct buf list = { 0 };
	int n = scandir(dir, &entries, is_name, alphasort);
	for (int i = 0; i < n; i++) {
		names[i < NAMES_MAX ? i : NAMES_MAX - 1] = entries[i]->d_name;
		buf_printf(&list, "%s%s", i ? ", " : "", entries[i]->d_name);
	}
	const char *near = nearest_name(which, names);
	err_set(err, ERR_NOT_FOUND,
		"unknown recipe '%.60s'%s%s%s there are %s; a path must contain a slash (./%.60s)",
		which, near ? "; did you mean '" : ":", near ? near : "", near ? "'?" : "",
		buf_text(&list), which);
	for (int i = 0; i < n; i++) {
		free(entries[i]);
	}
	free(entries);
	return false;
}

/* The folder; to free(). */
char *recipe_find(const char *which, struct err *err)
{
	if (strchr(which, '/')) {
		return must(strdup(which));
	}
	auto_free char *all = recipe_find_ours("recipes", err);
	if (!all) {
		return NULL;
	}
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s/%s/recipe.json", all, which);
	if (which[0] == '.' || !which[0] || access(buf_text(&path), F_OK) < 0) {
		refuse_name(which, all, err);
		return NULL;
	}
	return must(strndup(buf_text(&path), path.len - strlen("/recipe.json")));
}
