/* Prints the options for `vitrine help serve`. */
#include "server/config/options.h"

#include "base/cleanup.h"

#include <string.h>

#define INDENT 6
#define WIDTH 96

/* Breaks text into indented lines. */
static void wrap(const char *text, struct buf *out)
{
	size_t column = WIDTH;
	while (*text) {
		size_t len = strcspn(text, " ");
		if (column + 1 + len > WIDTH) {
			buf_printf(out, "\n%*s%.*s", INDENT, "", (int)len, text);
			column = INDENT + len;
		} else {
			buf_printf(out, " %.*s", (int)len, text);
			column += 1 + len;
		}
		text += len + strspn(text + len, " ");
	}
}

void option_print_value(const struct option *option, struct buf *out)
{
	const char *const *choice = option_field(option).choices;
	for (size_t i = 0; choice && choice[i]; i++) {
		buf_printf(out, "%s%s", i ? "|" : "", choice[i]);
	}
	buf_printf(out, "%s", option->value ? option->value : "");
}

void option_print_help(const struct option *option, struct buf *out)
{
	buf_printf(out, "%s%s%s", option_field(option).help, option->note ? "  " : "",
		option->note ? option->note : "");
}

bool option_print_default(const struct option *option, struct buf *out)
{
	const struct field row = option_field(option), *field = &row;
	switch (field->type) {
	case FIELD_ENUM:
		buf_printf(out, "%s", field->choices[(int)field->default_value]);
		return true;
	case FIELD_STRING:
		buf_printf(out, "%s", field->default_text ? field->default_text : "");
		return field->default_text;
	case FIELD_INT:
		buf_printf(out, "%.0f", field->default_value);
		/* a default below the minimum means "not set" */
		return field->default_value >= field->min;
	default:
		return false;
	}
}

/* The default, and the value in the user's configuration file. */
static void describe_values(
	const struct option *option, const struct config *config, struct buf *out)
{
	auto_buf struct buf default_value = { 0 };
	bool has_default = option_print_default(option, &default_value);
	struct field field[2] = { option->field };
	json_auto_t *changed = field_encode(field, config);
	const json_t *value = json_object_get(changed, field->name);
	auto_free char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
	if (has_default || text) {
		buf_printf(out, "%*s%s%s%s%s%s\n", INDENT, "", has_default ? "Default: " : "",
			buf_text(&default_value), has_default && text ? "; " : "", text ? text : "",
			text ? " in the configuration file" : "");
	}
}

static void describe(const struct option *option, const struct config *config, struct buf *out)
{
	auto_buf struct buf help = { 0 };
	buf_printf(out, "  %s%s%s", option->file_only ? "" : "--", option->field.name,
		option_is_flag(option) ? "" : " ");
	option_print_value(option, out);
	option_print_help(option, &help);
	wrap(buf_text(&help), out);
	buf_printf(out, option->file_only ? "\n%*sConfiguration file only." : "", INDENT, "");
	buf_printf(out, "\n");
	describe_values(option, config, out);
}

static void describe_group(const struct option_group *group, const char *const *taken,
	const struct config *config, struct buf *out)
{
	bool titled = false;
	for (size_t i = 0; i < group->count; i++) {
		const struct option *option = &group->options[i];
		if (option_is_taken(option->field.name, taken)) {
			buf_printf(out, titled ? "" : "\n%s\n\n", group->title);
			titled = true;
			describe(option, config, out);
		}
	}
}

void config_describe(struct buf *out, const char *const *taken)
{
	auto_config struct config config = { .values = must(json_array()) };
	struct err err = { 0 };
	bool loaded = option_set_defaults(&config, &err) && config_load_users_file(&config, &err);
	buf_printf(out, "Options, written --name value or --name=value:\n");
	const struct option_group *group;
	for (size_t g = 0; (group = option_group_at(g)); g++) {
		describe_group(group, taken, &config, out);
	}
	buf_printf(out,
		"\nConfiguration file\n\n"
		"  --" CONFIG_FILE_OPTION " FILE\n"
		"      Configuration file: a JSON object whose keys are these options without "
		"dashes,\n"
		"      such as {\"screen\": \"1440x900\", \"max-sandboxes\": 2}.  The command "
		"line\n"
		"      takes precedence.\n"
		"      Default: $XDG_CONFIG_HOME/vitrine/config.json or "
		"~/.config/vitrine/config.json,\n"
		"      if it exists\n");
	if (!loaded) {
		buf_printf(out, "\nThe configuration file cannot be used: %s\n", err.text);
	} else if (config.file) {
		buf_printf(out, "\nConfiguration file in use: %s\n", config.file);
	}
}
