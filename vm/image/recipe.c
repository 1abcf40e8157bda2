/*
 * Reads recipes.  Users write them, so every error names the file, the member and the expected
 * value.
 */
#include "vm/image/recipe.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/file.h"
#include "vm/image/cpio.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FILE_MAX 65536 /* bytes of recipe.json */
#define DEPTH_MAX 8    /* nested base recipes */
#define LIST_MAX 1000  /* elements of an array */
#define WORD_MAX 1000  /* bytes of an element */

/* recipe.json; 0 and NULL: absent. */
struct said {
	const char *description, *base, *panel;
	int64_t memory_mib, cpus, disk_mib;
	const json_t *packages, *users, *autostart, *warm;
};

static const struct field fields[] = {
	FIELD_STR(struct said, description, "One-line description.", .required = true, .min = 1,
		.max = 200),
	FIELD_STR(
		struct said, base, "The recipe on which this one is based.", .min = 1, .max = 200),
	FIELD_JSON(struct said, packages, "Debian packages."),
	FIELD_NUM(
		struct said, memory_mib, "Default memory of a desktop.", .min = 256, .max = 262144),
	FIELD_NUM(struct said, cpus, "Default CPUs of a desktop.", .min = 1, .max = 64),
	FIELD_NUM(struct said, disk_mib, "Maximum size of the image in MiB.", .min = 64,
		.max = 65536),
	FIELD_JSON(struct said, users, "User accounts; the first one owns the desktop."),
	FIELD_JSON(struct said, autostart, "Commands that are run when the desktop is ready."),
	FIELD_JSON(struct said, warm, "Commands whose windows are open when a VM is created."),
	FIELD_STR(struct said, panel, "The panel program, instead of tint2.", .min = 1, .max = 200),
	{ .name = NULL },
};

void recipe_done(struct recipe *recipe)
{
	free(recipe->name);
	free(recipe->description);
	free(recipe->panel);
	json_decref(recipe->packages);
	json_decref(recipe->users);
	json_decref(recipe->autostart);
	json_decref(recipe->warm);
	buf_done(&recipe->files);
	*recipe = (struct recipe){ 0 };
}

/* ---- arrays ---- */

static bool is_package(const char *word)
{
	return word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789+.-:")] == '\0' &&
	       word[0] >= '0' && word[1];
}

static bool is_user(const char *word)
{
	return strlen(word) <= 31 && word[0] >= 'a' && word[0] <= 'z' &&
	       word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

static bool is_command(const char *word)
{
	return word[0] && !strpbrk(word, "\n\r");
}

static bool has(const json_t *list, const char *word)
{
	size_t i;
	const json_t *one;
	json_array_foreach((json_t *)list, i, one)
	{
		if (strcmp(json_string_value(one), word) == 0) {
			return true;
		}
	}
	return false;
}

/* Appends elements that are not in the list yet. */
static bool add_words(json_t *list, const json_t *said, const char *member,
	bool (*is_good)(const char *), const char *must_be, struct err *err)
{
	size_t i;
	const json_t *one;
	if (said && (!json_is_array(said) || json_array_size(said) > LIST_MAX)) {
		return err_set(err, ERR_ARGUMENT, "%s must be an array of at most %d strings",
			member, LIST_MAX);
	}
	json_array_foreach((json_t *)said, i, one)
	{
		const char *word = json_string_value(one);
		if (!word || strlen(word) != json_string_length(one) || strlen(word) > WORD_MAX ||
			!is_good(word)) {
			auto_free char *shown = json_dumps(one, JSON_ENCODE_ANY);
			return err_set(err, ERR_ARGUMENT, "%s[%zu] must be %s, not %.80s", member,
				i, must_be, shown ? shown : "this");
		}
		if (!has(list, word)) {
			json_array_append_new(list, json_string(word));
		}
	}
	return true;
}

static bool add_lists(struct recipe *recipe, const struct said *said, struct err *err)
{
	return add_words(recipe->packages, said->packages, "packages", is_package,
		       "the name of a Debian package", err) &&
	       add_words(recipe->users, said->users, "users", is_user,
		       "a user's name (small letters, digits, - and _)", err) &&
	       add_words(recipe->autostart, said->autostart, "autostart", is_command,
		       "a shell command of one line", err) &&
	       recipe_add_warm(recipe, said->warm, err);
}

bool recipe_add_warm(struct recipe *recipe, const json_t *programs, struct err *err)
{
	return add_words(
		recipe->warm, programs, "warm", is_command, "a shell command of one line", err);
}

/* ---- one recipe ---- */

static json_t *read_json(const char *folder, struct err *err)
{
	auto_buf struct buf path = { 0 }, text = { 0 };
	buf_printf(&path, "%s/recipe.json", folder);
	auto_close int fd = open(buf_text(&path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		err_errno(err, "cannot open the recipe '%s'", buf_text(&path));
		return NULL;
	}
	if (!file_read(fd, FILE_MAX, buf_text(&path), &text, err)) {
		return NULL;
	}
	json_error_t where;
	json_t *json = json_loadb((char *)text.data, text.len, JSON_REJECT_DUPLICATES, &where);
	if (!json) {
		err_set(err, ERR_ARGUMENT, "%s is not JSON: line %d: %s", buf_text(&path),
			where.line, where.text);
	}
	return json;
}

static void take(int64_t *to, int64_t said)
{
	*to = said ? said : *to;
}

static void take_text(char **to, const char *said)
{
	if (said) {
		free(*to);
		*to = must(strdup(said));
	}
}

static bool add_files(struct recipe *recipe, const char *folder, struct err *err)
{
	struct stat stat;
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s/files", folder);
	if (lstat(buf_text(&path), &stat) < 0) {
		return errno == ENOENT || err_errno(err, "cannot examine '%s'", buf_text(&path));
	}
	/* A link in another person's recipe could include any file of this machine. */
	if (!S_ISDIR(stat.st_mode)) {
		return err_set(err, ERR_ARGUMENT, "'%s' must be a directory", buf_text(&path));
	}
	if (!cpio_add_tree(&recipe->files, buf_text(&path), err)) {
		return false;
	}
	return recipe->files.len <= CPIO_FILE_MAX ||
	       err_set(err, ERR_LIMIT, "'%s' contains more than %zu MiB", buf_text(&path),
		       CPIO_FILE_MAX >> 20);
}

static bool load_folder(const char *folder, struct recipe *recipe, int depth, struct err *err);

static bool load_base(const char *base, struct recipe *recipe, int depth, struct err *err)
{
	if (depth >= DEPTH_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"recipes are nested more than %d levels deep; check 'base' for a cycle",
			DEPTH_MAX);
	}
	auto_free char *folder = recipe_find(base, err);
	return folder && load_folder(folder, recipe, depth + 1, err);
}

static bool load_folder(const char *folder, struct recipe *recipe, int depth, struct err *err)
{
	struct said said;
	json_auto_t *json = read_json(folder, err);
	if (!json) {
		return false;
	}
	if (!field_decode(fields, json, &said, err)) {
		return err_while(err, "%s/recipe.json", folder);
	}
	if (said.base && !load_base(said.base, recipe, depth, err)) {
		return depth == 0 ? err_while(err, "%s/recipe.json: base", folder) : false;
	}
	if (!add_lists(recipe, &said, err)) {
		return err_while(err, "%s/recipe.json", folder);
	}
	take_text(&recipe->description, said.description);
	take_text(&recipe->panel, said.panel);
	take(&recipe->memory_mib, said.memory_mib);
	take(&recipe->cpus, said.cpus);
	take(&recipe->disk_mib, said.disk_mib);
	return add_files(recipe, folder, err);
}

/* ---- complete recipe ---- */

static void init(struct recipe *recipe)
{
	*recipe = (struct recipe){
		.packages = json_array(),
		.users = json_array(),
		.autostart = json_array(),
		.warm = json_array(),
		.memory_mib = 512,
		.cpus = 1,
		.disk_mib = 4096,
	};
}

static void add_list(struct recipe *recipe, const char *file, const json_t *list)
{
	size_t i;
	const json_t *one;
	auto_buf struct buf lines = { 0 };
	json_array_foreach((json_t *)list, i, one)
	{
		buf_printf(&lines, "%s\n", json_string_value(one));
	}
	if (lines.len) {
		cpio_add(&recipe->files, file, S_IFREG | 0644, lines.data, lines.len);
	}
}

void recipe_end(struct recipe *recipe)
{
	cpio_add_dir(&recipe->files, "etc");
	cpio_add_dir(&recipe->files, "etc/vitrine");
	add_list(recipe, "etc/vitrine/autostart", recipe->autostart);
	add_list(recipe, "etc/vitrine/warm", recipe->warm);
	if (recipe->panel) {
		cpio_add(&recipe->files, "etc/vitrine/panel", S_IFREG | 0644, recipe->panel,
			strlen(recipe->panel));
	}
	cpio_end(&recipe->files);
}

static void default_user(struct recipe *recipe)
{
	if (json_array_size(recipe->users) == 0) {
		json_array_append_new(recipe->users, json_string("user"));
	}
}

static char *last_part(const char *path)
{
	size_t len = strlen(path);
	while (len && path[len - 1] == '/') {
		len--;
	}
	size_t at = len;
	while (at && path[at - 1] != '/') {
		at--;
	}
	return must(strndup(path + at, len - at));
}

bool recipe_load(const char *which, struct recipe *ret_recipe, struct err *err)
{
	auto_recipe struct recipe recipe;
	init(&recipe);
	auto_free char *folder = recipe_find(which, err);
	if (!folder || !load_folder(folder, &recipe, 0, err)) {
		return false;
	}
	recipe.name = last_part(folder);
	default_user(&recipe);
	*ret_recipe = recipe;
	recipe = (struct recipe){ 0 };
	return true;
}

void recipe_for_tar(const char *name, struct recipe *ret_recipe)
{
	static const char sudoers[] = "user ALL=(ALL:ALL) NOPASSWD: ALL\n";
	init(ret_recipe);
	ret_recipe->name = must(strdup(name));
	ret_recipe->description = must(strdup("A custom root file system."));
	/* As in the recipe minimal. */
	cpio_add_dir(&ret_recipe->files, "etc");
	cpio_add_dir(&ret_recipe->files, "etc/sudoers.d");
	cpio_add(&ret_recipe->files, "etc/sudoers.d/vitrine", S_IFREG | 0440, sudoers,
		strlen(sudoers));
	default_user(ret_recipe);
}
