#include "server/config.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/log.h"
#include "base/nearest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/*
 * Options and the configuration file.  Each row of `options` is a field (base/field.h) of struct
 * config: its decoder checks a value the same way wherever it comes from, under the name the person
 * wrote: 'screen' in a file, '--screen' on the command line.  Values are laid over each other in
 * order: presets, file, command line.
 */

#define FILE_MAX (64 << 10) /* bytes of a configuration file */

static const char *const backend_words[] = { "auto", "namespace", "fake", NULL };

struct option {
	struct field field;
	const char *value; /* what help calls its value; NULL: its choices */
};

#define AT(member, type) .offset = FIELD_AT(struct config, member, type)
#define WORD(option, member, list, first, text) \
	{ \
		.field = { \
			.name = option, \
			.type = FIELD_ENUM, \
			AT(member, int), \
			.choices = list, \
			.preset = first, \
			.help = text \
		} \
	}
#define TEXT(option, member, what, most, first, text) \
	{ \
		.field = { .name = option, \
			.type = FIELD_STRING, \
			AT(member, const char *), \
			.max = most, \
			.preset_text = first, \
			.help = text }, \
		.value = what \
	}
#define COUNT(option, member, what, least, most, first, text) \
	{ \
		.field = { .name = option, \
			.type = FIELD_INT, \
			AT(member, int64_t), \
			.min = least, \
			.max = most, \
			.preset = first, \
			.help = text }, \
		.value = what \
	}

static const struct option options[] = {
	WORD("backend", backend, backend_words, 0,
		"What runs the sandboxes; auto takes the first that works on this machine."),
	TEXT("screen", screen, "WIDTHxHEIGHT", 16, "1280x800",
		"Size of a new desktop's screen in pixels, from 320x240 to 3840x2160."),
	TEXT("tools", tools, "LIST", 1000, "all",
		"Tools and toolsets to offer, separated by commas; all offers every one."),
	WORD("log-level", log_level, log_level_words, LOG_LEVEL_WARNING,
		"How much is written to stderr."),
	COUNT("max-sandboxes", vm.max_sandboxes, "N", 1, 1000, 8, "Desktops at the same time."),
	COUNT("max-calls", max_calls, "N", 1, 1000, 32,
		"Tool calls in flight on one connection; further ones are refused."),
	COUNT("memory", vm.limits.memory_mib, "MIB", 256, 1 << 20, 4096,
		"Memory of a sandbox, in MiB."),
	COUNT("processes", vm.limits.processes, "N", 32, 1 << 16, 1024,
		"Processes and threads in a sandbox."),
	COUNT("files", vm.limits.files, "N", 256, 1 << 20, 4096,
		"Open files of each process in a sandbox."),
	COUNT("disk", vm.limits.disk_mib, "MIB", 16, 1 << 20, 1024,
		"Size of each private file system of a sandbox (home, /tmp), in MiB."),
	COUNT("start-timeout", start_timeout, "SECONDS", 1, 600, 30,
		"How long a desktop may take to come up."),
};
#define N_OPTIONS (sizeof(options) / sizeof(*options))

/* On the command line only. */
#define FILE_OPTION "config"

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (strcmp(options[i].field.name, name) == 0) {
			return &options[i];
		}
	}
	return NULL;
}

static const char *nearest(const char *wrong, bool on_command_line)
{
	const char *names[N_OPTIONS + 2] = { 0 };
	size_t n = 0;
	while (n < N_OPTIONS) {
		names[n] = options[n].field.name;
		n++;
	}
	names[n] = on_command_line ? FILE_OPTION : NULL;
	return nearest_name(wrong, names);
}

/* ---- one value ---- */

/* Reads digits (strtol would take signs and blanks too); ends behind them. */
static int read_number(const char **at)
{
	int number = 0;
	for (; **at >= '0' && **at <= '9' && number < 100000; (*at)++) {
		number = number * 10 + (**at - '0');
	}
	return number;
}

static bool read_screen(struct config *config, const char *called, struct err *err)
{
	const char *at = config->screen;
	int width = read_number(&at);
	bool has_x = *at == 'x' && at++;
	int height = read_number(&at);
	if (!has_x || *at || width < 320 || width > 3840 || height < 240 || height > 2160) {
		return err_set(err, ERR_ARGUMENT,
			"'%s' must be WIDTHxHEIGHT, from 320x240 to 3840x2160, for example "
			"1280x800; "
			"got \"%s\"",
			called, config->screen);
	}
	config->vm.screen = (struct size){ width, height };
	return true;
}

/* Fills in what is made from the words as written. */
static bool derive(struct config *config, const char *called, struct err *err)
{
	config->vm.backend = backend_words[config->backend];
	config->vm.start_timeout_ms = config->start_timeout * 1000;
	return read_screen(config, called, err);
}

/* Checks a value and stores it; called is the name the person used.  Takes value, and owns it in
 * config->values. */
static bool set(struct config *config, const struct option *option, const char *called,
	json_t *value, struct err *err)
{
	struct field field[2] = { option->field };
	field->name = called;
	json_auto_t *object = must(json_object());
	json_object_set_new(object, called, value);
	if (!field_decode(field, object, config, err) || !derive(config, called, err)) {
		return false;
	}
	json_array_append(config->values, value);
	return true;
}

static bool set_presets(struct config *config, struct err *err)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		struct field field[2] = { options[i].field };
		if (!field_decode(field, NULL, config, err)) {
			return false;
		}
	}
	return derive(config, "screen", err);
}

/* ---- the file ---- */

static bool read_file(const char *path, struct buf *out, struct err *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return err_errno(err, "cannot read the configuration file %s", path);
	}
	for (;;) {
		buf_reserve(out, 4096);
		ssize_t n = read(fd, out->data + out->len, 4096);
		if (n < 0) {
			return err_errno(err, "cannot read the configuration file %s", path);
		}
		if (n == 0) {
			return true;
		}
		out->len += n;
		if (out->len > FILE_MAX) {
			return err_set(err, ERR_LIMIT,
				"the configuration file %s is larger than %d KiB", path,
				FILE_MAX >> 10);
		}
	}
}

/* The line a member of the outermost object stands on; text is valid JSON. */
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
	const struct option *option = find(key);
	if (!option) {
		const char *near = nearest(key, false);
		return err_set(err, ERR_ARGUMENT, "there is no option '%s'%s%s%s", key,
			near ? "; did you mean '" : "; `vitrine help serve` lists them",
			near ? near : "", near ? "'?" : "");
	}
	return set(config, option, key, json_incref(value), err);
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

/* Where the user's own file is; NULL when there is none. */
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

static bool load_users_file(struct config *config, struct err *err)
{
	auto_free char *path = users_file();
	return !path || load_file(config, path, err);
}

/* ---- the command line ---- */

/* One argument taken apart; `called` is the name with its dashes. */
struct argument {
	char called[64];
	const char *name, *value;
};

static bool unknown_option(const struct argument *arg, struct err *err)
{
	const char *near = nearest(arg->name, true);
	return err_set(err, ERR_ARGUMENT, "there is no option '%s'%s%s%s", arg->called,
		near ? "; did you mean '--" : "; `vitrine help serve` lists them", near ? near : "",
		near ? "'?" : "");
}

/* Reads argv[*at], and the value behind it if it is written apart; moves *at past them. */
static bool next_argument(int argc, char **argv, int *at, struct argument *ret_arg, struct err *err)
{
	const char *word = argv[(*at)++];
	if (strncmp(word, "--", 2) != 0 || !word[2]) {
		return err_set(err, ERR_ARGUMENT,
			"unexpected argument '%.100s'; options are written --name value", word);
	}
	const char *equals = strchr(word, '=');
	int len = equals ? (int)(equals - word) : (int)strnlen(word, sizeof(ret_arg->called));
	snprintf(ret_arg->called, sizeof(ret_arg->called), "%.*s", len, word);
	ret_arg->name = ret_arg->called + 2;
	if (!find(ret_arg->name) && strcmp(ret_arg->name, FILE_OPTION) != 0) {
		return unknown_option(ret_arg, err);
	}
	if (!equals && *at == argc) {
		return err_set(err, ERR_ARGUMENT, "'%s' needs a value", ret_arg->called);
	}
	ret_arg->value = equals ? equals + 1 : argv[(*at)++];
	return true;
}

/* The text as the JSON value its row asks for; what does not fit stays a string, which the row then
 * refuses. */
static json_t *value_from_text(const struct option *option, const char *text)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	bool is_number = !errno && *text && !*end;
	json_t *value = option->field.type == FIELD_INT && is_number ? json_integer(number)
								     : json_string(text);
	return value ? value : must(json_string("bytes that are not UTF-8"));
}

static bool load_command_line(
	struct config *config, int argc, char **argv, const char **ret_file, struct err *err)
{
	for (int at = 1; at < argc;) {
		struct argument arg;
		if (!next_argument(argc, argv, &at, &arg, err)) {
			return false;
		}
		const struct option *option = find(arg.name);
		if (!option) {
			*ret_file = arg.value;
		} else if (!set(config, option, arg.called, value_from_text(option, arg.value),
				   err)) {
			return false;
		}
	}
	return true;
}

/* ---- help ---- */

/* "auto|namespace|fake" for a choice, else the row's word for its value. */
static void describe_value(const struct option *option, struct buf *out)
{
	const char *const *choice = option->field.choices;
	for (size_t i = 0; choice && choice[i]; i++) {
		buf_printf(out, "%s%s", i ? "|" : "", choice[i]);
	}
	buf_printf(out, "%s", choice ? "" : option->value);
}

static void describe_preset(const struct field *field, struct buf *out)
{
	switch (field->type) {
	case FIELD_ENUM:
		buf_printf(out, "%s", field->choices[(int)field->preset]);
		break;
	case FIELD_STRING:
		buf_printf(out, "%s", field->preset_text);
		break;
	default:
		buf_printf(out, "%.0f", field->preset);
	}
}

/* What the user's file changes, after the default. */
static void describe_file_value(
	const struct option *option, const struct config *config, struct buf *out)
{
	struct field field[2] = { option->field };
	json_auto_t *changed = field_encode(field, config);
	const json_t *value = json_object_get(changed, field->name);
	auto_free char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
	if (text) {
		buf_printf(out, "; %s in your configuration file", text);
	}
}

void config_describe(struct buf *out)
{
	auto_config struct config config = { .values = must(json_array()) };
	struct err err = { 0 };
	bool loaded = set_presets(&config, &err) && load_users_file(&config, &err);
	buf_printf(out, "Options, written --name value or --name=value:\n\n");
	for (size_t i = 0; i < N_OPTIONS; i++) {
		buf_printf(out, "  --%s ", options[i].field.name);
		describe_value(&options[i], out);
		buf_printf(out, "\n      %s\n      Default: ", options[i].field.help);
		describe_preset(&options[i].field, out);
		describe_file_value(&options[i], &config, out);
		buf_printf(out, "\n");
	}
	buf_printf(out,
		"  --" FILE_OPTION " FILE\n"
		"      A configuration file: a JSON object of these options without their dashes,\n"
		"      such as {\"screen\": \"1440x900\", \"max-sandboxes\": 2}.  The command line "
		"wins.\n"
		"      Default: $XDG_CONFIG_HOME/vitrine/config.json, else\n"
		"      ~/.config/vitrine/config.json, when there is one\n");
	if (!loaded) {
		buf_printf(out, "\nYour configuration file cannot be used: %s\n", err.text);
	} else if (config.file) {
		buf_printf(out, "\nYour configuration file is %s\n", config.file);
	}
}

/* ---- callers ---- */

/* The command line is read twice: to learn the file's name, and again to win over the file. */
bool config_load(struct config *config, int argc, char **argv, struct err *err)
{
	*config = (struct config){ .values = must(json_array()) };
	const char *file = NULL;
	return set_presets(config, err) && load_command_line(config, argc, argv, &file, err) &&
	       (file ? load_file(config, file, err) : load_users_file(config, err)) &&
	       load_command_line(config, argc, argv, &file, err);
}

void config_done(struct config *config)
{
	json_decref(config->values);
	free(config->file);
	*config = (struct config){ 0 };
}
