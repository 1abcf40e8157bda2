/*
 * Desktop entries, read on each request: they are a few dozen small files, and newly installed ones
 * must be found.  An earlier directory of the XDG data path hides entries of the same id in later
 * ones.
 */
#include "vm/agent/launch/applications.h"

#include "base/cleanup.h"
#include "base/nearest.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"

#include <dirent.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>

#define GROUP "Desktop Entry"
#define APPLICATIONS_MAX 1000
#define ENTRY_MAX (256 << 10) /* bytes of a desktop file */
#define DEPTH_MAX 4           /* subdirectories of applications/ */
#define TERMINAL "xterm"

struct application {
	char *id; /* without ".desktop" */
	char *name, *comment, *exec, *path;
	char **types; /* media types that it opens; NULL: none */
	bool terminal, listed;
};

static void application_free(void *data)
{
	struct application *app = data;
	g_free(app->id);
	g_free(app->name);
	g_free(app->comment);
	g_free(app->exec);
	g_free(app->path);
	g_strfreev(app->types);
	g_free(app);
}

/* ---- reading ---- */

static bool is_there(const char *program)
{
	g_autofree char *path = g_find_program_in_path(program);
	return path;
}

static bool is_usable(GKeyFile *file)
{
	g_autofree char *type = g_key_file_get_string(file, GROUP, "Type", NULL);
	g_autofree char *try = g_key_file_get_string(file, GROUP, "TryExec", NULL);
	return g_strcmp0(type, "Application") == 0 &&
	       !g_key_file_get_boolean(file, GROUP, "Hidden", NULL) && (!try || is_there(try));
}

static struct application *read_entry(const char *path, const char *id)
{
	struct stat st;
	g_autoptr(GKeyFile) file = g_key_file_new();
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > ENTRY_MAX ||
		!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL) || !is_usable(file)) {
		return NULL;
	}
	struct application *app = g_new0(struct application, 1);
	app->id = g_strdup(id);
	app->name = g_key_file_get_locale_string(file, GROUP, "Name", NULL, NULL);
	app->comment = g_key_file_get_locale_string(file, GROUP, "Comment", NULL, NULL);
	app->exec = g_key_file_get_string(file, GROUP, "Exec", NULL);
	app->path = g_key_file_get_string(file, GROUP, "Path", NULL);
	app->types = g_key_file_get_string_list(file, GROUP, "MimeType", NULL, NULL);
	app->terminal = g_key_file_get_boolean(file, GROUP, "Terminal", NULL);
	app->listed = !g_key_file_get_boolean(file, GROUP, "NoDisplay", NULL);
	if (!app->name || !app->exec) {
		application_free(app);
		return NULL;
	}
	return app;
}

/* all: maps an id to an application, or to NULL if an unusable entry has the id. */
static void scan(GHashTable *all, const char *dir, const char *prefix, int depth)
{
	DIR *open = opendir(dir);
	struct dirent *entry;
	while (open && (entry = readdir(open)) && g_hash_table_size(all) < APPLICATIONS_MAX) {
		g_autofree char *path = g_build_filename(dir, entry->d_name, NULL);
		g_autofree char *id = g_strconcat(prefix, entry->d_name, NULL);
		if (entry->d_name[0] == '.' || !g_utf8_validate(id, -1, NULL)) {
			continue;
		}
		if (g_str_has_suffix(id, ".desktop")) {
			id[strlen(id) - strlen(".desktop")] = '\0';
			if (!g_hash_table_contains(all, id)) {
				g_hash_table_insert(all, g_strdup(id), read_entry(path, id));
			}
		} else if (depth < DEPTH_MAX && g_file_test(path, G_FILE_TEST_IS_DIR)) {
			g_autofree char *deeper = g_strconcat(id, "-", NULL);
			scan(all, path, deeper, depth + 1);
		}
	}
	if (open) {
		closedir(open);
	}
}

static int by_id(const void *a, const void *b)
{
	const struct application *const *one = a, *const *other = b;
	return strcmp((*one)->id, (*other)->id);
}

/* Sorted by id; free with g_ptr_array_unref. */
static GPtrArray *read_all(void)
{
	g_autoptr(GHashTable) all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GPtrArray *sorted = g_ptr_array_new_with_free_func(application_free);
	const char *home = getenv("HOME"), *dirs = getenv("XDG_DATA_DIRS");
	g_autofree char *ours =
		g_build_filename(home ? home : "/", ".local/share/applications", NULL);
	g_auto(GStrv) rest = g_strsplit(dirs ? dirs : "/usr/local/share:/usr/share", ":", 32);
	scan(all, ours, "", 0);
	for (char **dir = rest; *dir; dir++) {
		g_autofree char *path = g_build_filename(*dir, "applications", NULL);
		scan(all, path, "", 0);
	}
	GHashTableIter iter;
	void *app;
	g_hash_table_iter_init(&iter, all);
	while (g_hash_table_iter_next(&iter, NULL, &app)) {
		if (app) {
			g_ptr_array_add(sorted, app);
		}
	}
	g_ptr_array_sort(sorted, by_id);
	return sorted;
}

/* ---- entries as command lines ---- */

/* Appends a token of Exec with its field codes replaced; a token that consists of an empty code is
 * omitted. */
static void expand(GPtrArray *argv, const char *token, const struct application *app,
	const char *uri, bool *ret_used)
{
	GString *out = g_string_new(NULL);
	bool codes = false;
	for (const char *c = token; *c; c++) {
		if (*c != '%' || !c[1]) {
			g_string_append_c(out, *c);
			continue;
		}
		c++;
		codes = codes || *c != '%';
		if (*c == '%') {
			g_string_append_c(out, '%');
		} else if (*c == 'c') {
			g_string_append(out, app->name);
		} else if (strchr("uU", *c) && uri) {
			g_string_append(out, uri);
		} else if (strchr("fF", *c) && uri) {
			g_autofree char *file = g_filename_from_uri(uri, NULL, NULL);
			g_string_append(out, file ? file : uri);
		}
		*ret_used = *ret_used || strchr("uUfF", *c);
	}
	if (codes && out->len == 0) {
		g_string_free(out, true);
	} else {
		g_ptr_array_add(argv, g_string_free(out, false));
	}
}

static bool expand_all(
	const struct application *app, const char *uri, struct command_line *ret, struct err *err)
{
	g_auto(GStrv) tokens = NULL;
	bool used = false;
	if (!g_shell_parse_argv(app->exec, NULL, &tokens, NULL)) {
		return err_set(err, ERR_HOST,
			"the desktop entry of '%s' has an invalid command line: %.200s", app->id,
			app->exec);
	}
	GPtrArray *argv = g_ptr_array_new();
	if (app->terminal) {
		g_ptr_array_add(argv, g_strdup(TERMINAL));
		g_ptr_array_add(argv, g_strdup("-e"));
	}
	for (char **token = tokens; *token; token++) {
		expand(argv, *token, app, uri, &used);
	}
	if (uri && !used) {
		g_ptr_array_add(argv, g_strdup(uri));
	}
	if (argv->len == (app->terminal ? 2 : 0)) {
		g_ptr_array_free(argv, true);
		return err_set(err, ERR_HOST, "the desktop entry of '%s' has no program", app->id);
	}
	g_ptr_array_add(argv, NULL);
	*ret = (struct command_line){ .argv = (char **)g_ptr_array_free(argv, false),
		.name = g_strdup(app->name),
		.cwd = app->path && *app->path ? g_strdup(app->path) : NULL };
	return true;
}

void command_line_done(struct command_line *line)
{
	g_strfreev(line->argv);
	g_free(line->name);
	g_free(line->cwd);
	*line = (struct command_line){ 0 };
}

/* ---- lookup ---- */

/* By its id, otherwise by the last part of the id or the name shown in menus. */
static const struct application *find(const GPtrArray *all, const char *name, bool exact)
{
	for (unsigned i = 0; i < all->len; i++) {
		const struct application *app = all->pdata[i];
		const char *last = strrchr(app->id, '.');
		if (exact ? strcmp(app->id, name) == 0
			  : g_ascii_strcasecmp(app->id, name) == 0 ||
					g_ascii_strcasecmp(last ? last + 1 : app->id, name) == 0 ||
					g_ascii_strcasecmp(app->name, name) == 0) {
			return app;
		}
	}
	return NULL;
}

static bool plain(const char *program, const char *uri, struct command_line *ret)
{
	char *argv[] = { (char *)program, (char *)uri, NULL };
	*ret = (struct command_line){ .argv = g_strdupv(argv),
		.name = g_path_get_basename(program) };
	return true;
}

/* All programs in PATH, for a suggestion; NULL-terminated. */
static GPtrArray *read_programs(void)
{
	const char *path = getenv("PATH");
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) dirs = g_strsplit(path ? path : "", ":", 32);
	for (char **dir = dirs; *dir; dir++) {
		DIR *open = opendir(*dir);
		struct dirent *entry;
		while (open && (entry = readdir(open)) && names->len < 20000) {
			if (entry->d_name[0] != '.') {
				g_ptr_array_add(names, g_strdup(entry->d_name));
			}
		}
		if (open) {
			closedir(open);
		}
	}
	g_ptr_array_add(names, NULL);
	return names;
}

static bool unknown(const GPtrArray *all, const char *name, struct err *err)
{
	g_autoptr(GPtrArray) ids = g_ptr_array_new(), programs = read_programs();
	g_autoptr(GString) some = g_string_new(NULL);
	for (unsigned i = 0; i < all->len; i++) {
		const struct application *app = all->pdata[i];
		const char *last = strrchr(app->id, '.');
		g_ptr_array_add(ids, last ? (char *)last + 1 : app->id);
		if (app->listed && some->len < 150) {
			g_string_append_printf(some, "%s%s", some->len ? ", " : "", app->id);
		}
	}
	g_ptr_array_add(ids, NULL);
	if (strpbrk(name, " \t")) {
		return err_set(err, ERR_NOT_FOUND,
			"unknown application or program '%.100s'; launch takes one name "
			"without arguments (pass a file or URL as 'uri'): use run_command, with '&' at the end, "
			"for a command line",
			name);
	}
	const char *id = nearest_name(name, (const char *const *)ids->pdata);
	const char *program = nearest_name(name, (const char *const *)programs->pdata);
	if (g_strcmp0(id, program) == 0) {
		program = NULL;
	}
	if (!id && !program) {
		return err_set(err, ERR_NOT_FOUND,
			"unknown application or program '%.100s'; applications here are: %s", name,
			some->len ? some->str : "none");
	}
	return err_set(err, ERR_NOT_FOUND,
		"unknown application or program '%.100s'; did you mean %s%s%s? Applications here "
		"are: %s",
		name, id ? id : program, id && program ? " or " : "", id && program ? program : "",
		some->len ? some->str : "none");
}

bool applications_resolve(
	const char *name, const char *uri, struct command_line *ret_line, struct err *err)
{
	if (strchr(name, '/')) {
		if (name[0] == '/' && access(name, X_OK) == 0 &&
			!g_file_test(name, G_FILE_TEST_IS_DIR)) {
			return plain(name, uri, ret_line);
		}
		return err_set(
			err, ERR_NOT_FOUND, "'%.200s' is not the absolute path of a program", name);
	}
	g_autoptr(GPtrArray) all = read_all();
	g_autofree char *id = g_strdup(name);
	if (g_str_has_suffix(id, ".desktop")) {
		id[strlen(id) - strlen(".desktop")] = '\0';
	}
	const struct application *app = find(all, id, true);
	if (!app && is_there(name)) {
		return plain(name, uri, ret_line);
	}
	app = app ? app : find(all, id, false);
	return app ? expand_all(app, uri, ret_line, err) : unknown(all, name, err);
}

bool applications_has(const char *id)
{
	g_autoptr(GPtrArray) all = read_all();
	g_autofree char *bare = g_strdup(id);
	if (g_str_has_suffix(bare, ".desktop")) {
		bare[strlen(bare) - strlen(".desktop")] = '\0';
	}
	return find(all, bare, true);
}

char *applications_for_type(const char *type)
{
	g_autoptr(GPtrArray) all = read_all();
	const struct application *hidden = NULL;
	for (unsigned i = 0; i < all->len; i++) {
		const struct application *app = all->pdata[i];
		if (!app->types || !g_strv_contains((const char *const *)app->types, type)) {
			continue;
		}
		if (app->listed && !app->terminal) {
			return g_strdup(app->id);
		}
		hidden = hidden ? hidden : app;
	}
	return hidden ? g_strdup(hidden->id) : NULL;
}

/* ---- operation ---- */

static json_t *encode(const struct application *app)
{
	g_auto(GStrv) tokens = NULL;
	g_shell_parse_argv(app->exec, NULL, &tokens, NULL);
	g_autofree char *program = g_path_get_basename(tokens ? tokens[0] : app->exec);
	g_autofree char *valid = g_utf8_make_valid(program, -1);
	const struct msg_application row = { app->id, app->name,
		app->comment && *app->comment ? app->comment : NULL, valid };
	json_t *json = must(field_encode(msg_application_fields, &row));
	return json;
}

static void run(struct request *req, const void *args)
{
	(void)args;
	g_autoptr(GPtrArray) all = read_all();
	json_auto_t *list = must(json_array());
	for (unsigned i = 0; i < all->len; i++) {
		const struct application *app = all->pdata[i];
		if (app->listed) {
			json_array_append_new(list, encode(app));
		}
	}
	request_answer(req, &(struct msg_applications_answer){ list });
}

const struct op op_applications = { .message = &message_applications, .run = run };
