/*
 * This machine's apt: its packages, and separate package lists of a build.  Only the directories
 * for writing differ from this machine's settings.
 */
#include "base/cleanup.h"
#include "base/nearest.h"
#include "vm/image/host.h"
#include "vm/image/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- packages ---- */

/* The names of real packages, or of all that are mentioned; 0 if apt has no lists.  free(*ret). */
static size_t list_names(bool all, struct buf *text, const char ***ret)
{
	const char *argv[] = { "apt-cache", "pkgnames", all ? "--all-names" : NULL, NULL };
	struct err ignored;
	size_t n = 0, cap = 1024;
	const char **names = must(calloc(cap, sizeof(*names)));
	char *rest = NULL, *line = NULL;
	if (run_program(&(struct run){ .argv = argv, .out = text }, &ignored) && text->len) {
		line = strtok_r((char *)text->data, "\n", &rest);
	}
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		if (n + 1 == cap) {
			names = must(reallocarray(names, cap *= 2, sizeof(*names)));
		}
		names[n++] = line;
	}
	names[n] = NULL;
	*ret = names;
	return n;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool refuse(const char *name, struct err *err)
{
	auto_buf struct buf text = { 0 };
	auto_free const char **names = NULL;
	list_names(false, &text, &names);
	const char *near = nearest_name(name, names);
	return err_set(err, ERR_NOT_FOUND,
		"unknown Debian package '%.80s'%s%s%s (apt-cache search lists packages; run "
		"apt-get update for new ones)",
		name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

bool build_host_packages(const json_t *packages, struct err *err)
{
	size_t i;
	const json_t *one;
	auto_buf struct buf text = { 0 };
	auto_free const char **names = NULL;
	size_t n = json_array_size(packages) ? list_names(true, &text, &names) : 0;
	if (n) {
		qsort(names, n, sizeof(*names), compare);
	}
	json_array_foreach((json_t *)packages, i, one)
	{
		const char *said = json_string_value(one);
		auto_free char *name = must(strndup(said, strcspn(said, ":")));
		const char *key = name;
		if (n && !bsearch(&key, names, n, sizeof(*names), compare)) {
			return refuse(name, err);
		}
	}
	return true;
}

/* ---- package lists of a build ---- */

static const char settings[] = "Dir::State \"%s/apt/state\";\n"
			       "Dir::State::status \"/dev/null\";\n"
			       "Dir::Cache \"%s/apt/cache\";\n"
			       "Dir::Log \"%s/apt\";\n"
			       /* cannot change to another user here */
			       "APT::Sandbox::User \"root\";\n";

static bool make_folders(const char *work, struct err *err)
{
	static const char *const folders[] = { "apt", "apt/state", "apt/state/lists",
		"apt/state/lists/partial", "apt/cache", "apt/cache/archives",
		"apt/cache/archives/partial" };
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		auto_buf struct buf path = { 0 };
		buf_printf(&path, "%s/%s", work, folders[i]);
		if (mkdir(buf_text(&path), 0755) < 0) {
			return err_errno(err, "cannot create the directory '%s'", buf_text(&path));
		}
	}
	return true;
}

bool host_read_lists(const char *work, struct err *err)
{
	static const char *const argv[] = { "apt-get", "update", "-q", NULL };
	auto_buf struct buf path = { 0 };
	if (!make_folders(work, err)) {
		return false;
	}
	buf_printf(&path, "%s/apt/apt.conf", work);
	FILE *file = fopen(buf_text(&path), "wex");
	bool written = file && fprintf(file, settings, work, work, work) > 0;
	if ((file && fclose(file) != 0) || !written) {
		return err_errno(err, "cannot write '%s'", buf_text(&path));
	}
	setenv("APT_CONFIG", buf_text(&path), 1);
	return run_program(&(struct run){ .argv = argv }, err) ||
	       err_while(err, "cannot read the package lists");
}
