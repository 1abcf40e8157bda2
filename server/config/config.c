#include "server/config/options.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/*
 * The sources of options, each overriding the previous one: defaults, configuration file, command
 * line.
 */

#define FILE_MAX (64 << 10) /* in bytes */

/* ---- the file ---- */

static bool read_file(const char *path, struct buf *out, struct err *err)
{
	char what[sizeof(err->text)];
	snprintf(what, sizeof(what), "the configuration file %s", path);
	return file_read_path(path, FILE_MAX, what, out, err);
}

/* The line of a member of the outermost object; text is valid JSON. */
static int line_of(const struct buf *text, const char *key)
{
	int line = 1, depth = 0;
	size_t len = strlen(key);
	for (size_t i = 0; i < text->len; i++) {
		char c = text->data[i];
		line += c == '\n';
		depth += (c == '{' || c == '[') - (c == '}' || c == ']');
		if (c != '"') {
			continue;
		}
		size_t start = ++i;
		while (i < text->len && text->data[i] != '"') {
			i += 1 + (text->data[i] == '\\');
		}
		if (depth == 1 && i - start == len && !memcmp(text->data + start, key, len)) {
			return line;
		}
	}
	return 1;
}

static bool set_from_file(struct config *config, const char *key, json_t *value, struct err *err)
{
	const struct option *option = option_find(key);
	if (!option) {
		const char *near = option_nearest(key, NULL, NULL);
		return err_set(err, ERR_ARGUMENT, "unknown option '%s'%s%s%s", key,
			near ? "; did you mean '" : "; `vitrine help serve` lists them",
			near ? near : "", near ? "'?" : "");
	}
	return option_set(config, option, key, json_incref(value), err);
}

static bool load_file(struct config *config, const char *path, struct err *err)
{
	auto_buf struct buf text = { 0 };
	if (!read_file(path, &text, err)) {
		return false;
	}
	json_error_t where;
	json_auto_t *object = json_loadb(buf_text(&text), text.len, JSON_REJECT_DUPLICATES, &where);
	if (!object) {
		return err_set(err, ERR_ARGUMENT, "%s:%d: not valid JSON: %s", path, where.line,
			where.text);
	}
	if (!json_is_object(object)) {
		return err_set(err, ERR_ARGUMENT,
			"%s:1: must be a JSON object of options, for example {\"screen\": "
			"\"1280x800\"}",
			path);
	}
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		if (!set_from_file(config, key, value, err)) {
			return err_while(err, "%s:%d", path, line_of(&text, key));
		}
	}
	free(config->file);
	config->file = must(strdup(path));
	return true;
}

/* The user's configuration file; NULL if there is none. */
static char *users_file(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	auto_buf struct buf path = { 0 };
	if (xdg && xdg[0] == '/') {
		buf_printf(&path, "%s/vitrine/config.json", xdg);
	} else if (home && home[0] == '/') {
		buf_printf(&path, "%s/.config/vitrine/config.json", home);
	} else {
		return NULL;
	}
	if (access(buf_text(&path), F_OK) < 0) {
		return NULL;
	}
	return (char *)take_ptr(&path.data);
}

bool config_load_users_file(struct config *config, struct err *err)
{
	auto_free char *path = users_file();
	return !path || load_file(config, path, err);
}

/* ---- the command line ---- */

struct arguments {
	int argc;
	char **argv;              /* argv[0] is the command's name */
	const char *const *taken; /* as in config.h */
};

/* One parsed argument; `called` is the name with its dashes. */
struct argument {
	char called[64];
	const char *name, *value;
};

static bool refuse_option(
	const struct arguments *arguments, const struct argument *arg, struct err *err)
{
	const char *command = arguments->argv[0];
	const struct option *option = option_find(arg->name);
	if (option && option->file_only) {
		return err_set(err, ERR_ARGUMENT,
			"'%s' can be set in the configuration file only: {\"%s\": %.0f} in the file "
			"that --" CONFIG_FILE_OPTION " names",
			arg->called, arg->name, option_field(option).default_value);
	}
	if (option) {
		return err_set(err, ERR_ARGUMENT,
			"'%s' is an option of `vitrine serve` only; `vitrine help %s` "
			"lists the options",
			arg->called, command);
	}
	const char *near = option_nearest(arg->name, arguments->taken, CONFIG_FILE_OPTION);
	if (near) {
		return err_set(err, ERR_ARGUMENT, "unknown option '%s'; did you mean '--%s'?",
			arg->called, near);
	}
	return err_set(err, ERR_ARGUMENT, "unknown option '%s'; `vitrine help %s` lists them",
		arg->called, command);
}

/* Reads argv[*at], and the next argument if it is its value; advances *at past both. */
static bool next_argument(
	const struct arguments *arguments, int *at, struct argument *ret_arg, struct err *err)
{
	const char *word = arguments->argv[(*at)++];
	if (strncmp(word, "--", 2) != 0 || !word[2]) {
		return err_set(err, ERR_ARGUMENT,
			"unexpected argument '%.100s'; options have the form --name value", word);
	}
	const char *equals = strchr(word, '=');
	int len = equals ? (int)(equals - word) : (int)strnlen(word, sizeof(ret_arg->called));
	snprintf(ret_arg->called, sizeof(ret_arg->called), "%.*s", len, word);
	ret_arg->name = ret_arg->called + 2;
	const struct option *option = option_find(ret_arg->name);
	bool is_taken =
		option ? !option->file_only && option_is_taken(ret_arg->name, arguments->taken)
		       : strcmp(ret_arg->name, CONFIG_FILE_OPTION) == 0;
	if (!is_taken) {
		return refuse_option(arguments, ret_arg, err);
	}
	if (!equals && option && option_is_flag(option)) {
		ret_arg->value = "true";
		return true;
	}
	if (!equals && *at == arguments->argc) {
		return err_set(err, ERR_ARGUMENT, "'%s' requires a value", ret_arg->called);
	}
	ret_arg->value = equals ? equals + 1 : arguments->argv[(*at)++];
	return true;
}

/* Converts text to the JSON type of the row.  Text that cannot be converted stays a string, which
 * the row refuses. */
static json_t *value_from_text(const struct option *option, const char *text)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	bool is_number = !errno && *text && !*end;
	bool is_true = strcmp(text, "true") == 0;
	if (option_is_flag(option) && (is_true || strcmp(text, "false") == 0)) {
		return json_boolean(is_true);
	}
	json_t *value = option_field(option).type == FIELD_INT && is_number ? json_integer(number)
									    : json_string(text);
	return value ? value : must(json_string("bytes that are not UTF-8"));
}

static bool load_command_line(struct config *config, const struct arguments *arguments,
	const char **ret_file, struct err *err)
{
	for (int at = 1; at < arguments->argc;) {
		struct argument arg;
		if (!next_argument(arguments, &at, &arg, err)) {
			return false;
		}
		const struct option *option = option_find(arg.name);
		if (!option) {
			*ret_file = arg.value;
		} else if (!option_set(config, option, arg.called,
				   value_from_text(option, arg.value), err)) {
			return false;
		}
	}
	return true;
}

/* ---- callers ---- */

/* The command line is read twice: for the name of the file, and again to override the file. */
bool config_load_some(
	struct config *config, const char *const *taken, int argc, char **argv, struct err *err)
{
	const struct arguments arguments = { argc, argv, taken };
	*config = (struct config){ .values = must(json_array()) };
	const char *file = NULL;
	return option_set_defaults(config, err) &&
	       load_command_line(config, &arguments, &file, err) &&
	       (file ? load_file(config, file, err) : config_load_users_file(config, err)) &&
	       load_command_line(config, &arguments, &file, err) && option_check(config, err);
}

bool config_load(struct config *config, int argc, char **argv, struct err *err)
{
	return config_load_some(config, NULL, argc, argv, err);
}

json_t *config_encode(const struct config *config, const char *const *taken)
{
	json_t *all = must(json_object());
	const struct option *option;
	for (size_t i = 0; (option = option_at(i)); i++) {
		struct field field[2] = { option->field };
		json_auto_t *one = option_is_taken(option->field.name, taken)
					   ? field_encode(field, config)
					   : NULL;
		json_object_update(all, one);
	}
	return all;
}

bool config_listens(const struct config *config)
{
	return config->http.listen || config_serves_e2b(config);
}

bool config_serves_e2b(const struct config *config)
{
	return config->e2b.listen || config->e2b.tls_listen;
}

void config_done(struct config *config)
{
	json_decref(config->values);
	json_decref(config->given);
	free(config->file);
	*config = (struct config){ 0 };
}
