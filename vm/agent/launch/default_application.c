/* GIO has this, too, but would add five libraries to the agent's archive. */
#include "vm/agent/launch/default_application.h"

#include "base/cleanup.h"
#include "base/utf8.h"
#include "vm/agent/launch/applications.h"

#include <errno.h>
#include <fnmatch.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINE_MAX_BYTES 1024
#define SNIFF_BYTES 4096

#define SUFFIX ".desktop"
#define DEFAULTS "Default Applications" /* the group of mimeapps.list */

/* The XDG data directories, the user's first; free with g_strfreev. */
static char **data_dirs(void)
{
	const char *home = getenv("HOME"), *dirs = getenv("XDG_DATA_DIRS");
	g_autofree char *all = g_strdup_printf("%s/.local/share:%s", home ? home : "",
		dirs ? dirs : "/usr/local/share:/usr/share");
	return g_strsplit(all, ":", 32);
}

/* ---- the type of a file ---- */

static bool matches(const char *pattern, const char *name)
{
	return fnmatch(pattern, name, 0) == 0 || fnmatch(pattern, name, FNM_CASEFOLD) == 0;
}

/* A line is WEIGHT:TYPE:PATTERN[:FLAGS], and the heaviest come first; of those, the longest pattern
 * counts. */
static char *type_by_name_in(FILE *globs, const char *name)
{
	char line[LINE_MAX_BYTES];
	g_autofree char *best = NULL;
	size_t longest = 0;
	int weight = -1;
	while (fgets(line, sizeof(line), globs)) {
		g_auto(GStrv) parts = g_strsplit(g_strchomp(line), ":", 4);
		if (line[0] == '#' || g_strv_length(parts) < 3 || !matches(parts[2], name)) {
			continue;
		}
		int own = (int)strtol(parts[0], NULL, 10);
		if (own < weight) {
			break;
		}
		if (strlen(parts[2]) > longest) {
			longest = strlen(parts[2]);
			weight = own;
			g_free(best);
			best = g_strdup(parts[1]);
		}
	}
	return g_steal_pointer(&best);
}

static char *type_by_name(char **dirs, const char *name)
{
	char *type = NULL;
	for (char **dir = dirs; *dir && !type; dir++) {
		g_autofree char *path = g_build_filename(*dir, "mime", "globs2", NULL);
		FILE *globs = fopen(path, "re");
		if (globs) {
			type = type_by_name_in(globs, name);
			fclose(globs);
		}
	}
	return type;
}

/* Text is UTF-8 without NUL bytes; the last character of the part that is read may be cut. */
static char *type_by_content(const char *path)
{
	uint8_t bytes[SNIFF_BYTES];
	FILE *file = fopen(path, "re");
	size_t n = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
	if (file) {
		fclose(file);
	}
	bool text = false;
	size_t cut_max = n == sizeof(bytes) ? 3 : 0;
	for (size_t cut = 0; cut <= cut_max && !text; cut++) {
		text = utf8_is_valid(bytes, n - cut);
	}
	return g_strdup(text ? "text/plain" : "application/octet-stream");
}

static char *type_of_file(char **dirs, const char *path, struct err *err)
{
	struct stat st;
	if (stat(path, &st) < 0) {
		err_set(err, ERR_NOT_FOUND, "'%.300s' cannot be opened: %s", path,
			g_strerror(errno));
		return NULL;
	}
	if (S_ISDIR(st.st_mode)) {
		return g_strdup("inode/directory");
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_ARGUMENT, "'%.300s' is neither a file nor a directory", path);
		return NULL;
	}
	g_autofree char *name = g_path_get_basename(path);
	char *type = type_by_name(dirs, name);
	return type ? type : type_by_content(path);
}

static char *type_of(char **dirs, const char *target, struct err *err)
{
	g_autofree char *scheme = g_uri_parse_scheme(target);
	if (scheme && g_ascii_strcasecmp(scheme, "file") != 0) {
		g_autofree char *lower = g_ascii_strdown(scheme, -1);
		return g_strdup_printf("x-scheme-handler/%s", lower);
	}
	g_autofree char *host = NULL;
	g_autofree char *path = scheme ? g_filename_from_uri(target, &host, NULL)
				       : g_canonicalize_filename(target, getenv("HOME"));
	if (!path || (host && strcmp(host, "localhost") != 0)) {
		err_set(err, ERR_ARGUMENT, "'%.300s' is not the URL of a file of this machine",
			target);
		return NULL;
	}
	return type_of_file(dirs, path, err);
}

/* ---- its application ---- */

static char *listed_in(const char *path, const char *type)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL)) {
		return NULL;
	}
	g_auto(GStrv) ids = g_key_file_get_string_list(file, DEFAULTS, type, NULL, NULL);
	for (char **id = ids; id && *id; id++) {
		if (applications_has(*id)) {
			size_t len = strlen(*id);
			return g_strndup(
				*id, len - (g_str_has_suffix(*id, SUFFIX) ? strlen(SUFFIX) : 0));
		}
	}
	return NULL;
}

static char *application_of(char **dirs, const char *type)
{
	const char *home = getenv("HOME");
	g_autofree char *own = g_build_filename(home ? home : "/", ".config/mimeapps.list", NULL);
	char *id = listed_in(own, type);
	id = id ? id : listed_in("/etc/xdg/mimeapps.list", type);
	for (char **dir = dirs; *dir && !id; dir++) {
		g_autofree char *path =
			g_build_filename(*dir, "applications", "mimeapps.list", NULL);
		id = listed_in(path, type);
	}
	return id ? id : applications_for_type(type);
}

/* Text of any kind, such as a program's source, is opened by what opens plain text. */
static char *application_of_text(char **dirs, const char *type)
{
	static const char *const others[] = { "application/json", "application/xml",
		"application/javascript", "application/x-shellscript", "application/toml",
		"application/yaml", "application/x-yaml" };
	bool text = g_str_has_prefix(type, "text/");
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		text = text || strcmp(type, others[i]) == 0;
	}
	return text ? application_of(dirs, "text/plain") : NULL;
}

char *default_application(const char *target, struct err *err)
{
	g_auto(GStrv) dirs = data_dirs();
	g_autofree char *type = type_of(dirs, target, err);
	if (!type) {
		return NULL;
	}
	char *id = application_of(dirs, type);
	id = id ? id : application_of_text(dirs, type);
	if (!id) {
		err_set(err, ERR_NOT_FOUND,
			"no application here opens '%.200s' (%.100s); list_applications names the "
			"applications, and launch opens it with one of them",
			target, type);
	}
	return id;
}
