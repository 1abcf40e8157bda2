// USES server
/* Pages of docs/ that are written from the tables of the product; VITRINE_GOLDEN=write replaces them. */
#include "base/cleanup.h"
#include "server/config/options.h"
#include "tests/support/golden_file.h"
#include "tools/call/tool.h"
#include "vm/wire/messages.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void settle(const char *file, void (*write)(struct buf *out))
{
	auto_buf struct buf out = { 0 };
	auto_free char *path = golden_path(file);
	auto_free char *want = golden_read(path);
	write(&out);
	golden_settle(path, want, &out);
}

/* ---- docs/options.md ---- */

/* One cell of a table: a | would end it. */
static void write_cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		buf_printf(out, *text == '|' ? "\\|" : "%c", *text);
	}
}

static void write_option(struct buf *out, const struct option *option)
{
	auto_buf struct buf value = { 0 }, default_value = { 0 }, help = { 0 };
	option_print_help(option, &help);
	option_print_value(option, &value);
	bool has_default = option_print_default(option, &default_value);
	buf_printf(out, "| `%s%s%s", option->file_only ? "" : "--", option->field.name,
		value.len ? " " : "");
	write_cell(out, buf_text(&value));
	buf_printf(out, "` | %s%s%s | ", has_default ? "`" : "",
		has_default ? buf_text(&default_value) : "", has_default ? "`" : "");
	for (const char *at = buf_text(&help); *at;) {
		size_t len = strcspn(at, " ");
		auto_free char *word = must(strndup(at, len));
		at += len + strspn(at + len, " ");
		write_cell(out, word);
		buf_printf(out, *at ? " " : " |\n");
	}
}

static void write_options(struct buf *out)
{
	buf_printf(out,
		"# Options of `vitrine serve`\n\n"
		"<!-- Generated from the table of options: VITRINE_GOLDEN=write ctest -R golden "
		"-->\n\n"
		"Options are written `--name value` or `--name=value`. Flags take no value.\n"
		"`vitrine help serve` prints the same list.\n\n"
		"Each option is also a key of the configuration file, without the dashes:\n\n"
		"    { \"screen\": \"1440x900\", \"max-sandboxes\": 2, \"keep\": true }\n\n"
		"The file is `--" CONFIG_FILE_OPTION
		" FILE`, else `$XDG_CONFIG_HOME/vitrine/config.json`, "
		"else `~/.config/vitrine/config.json`.\n"
		"The command line takes precedence. An unknown key is an error. An option that has no "
		"effect, such as `--tokens`\nwithout `--http`, is an error on the command line and a "
		"warning in the file. Names without dashes\nare keys of the file only.\n");
	const struct option_group *group;
	for (size_t g = 0; (group = option_group_at(g)); g++) {
		buf_printf(out,
			"\n## %s\n\n| option | default | description |\n| --- | --- | --- |\n",
			group->title);
		for (size_t i = 0; i < group->count; i++) {
			write_option(out, &group->options[i]);
		}
	}
}

Test(golden_docs, options)
{
	settle("docs/options.md", write_options);
}

/* ---- docs/link.md ---- */

static void write_bounds(struct buf *out, const struct field *f)
{
	static const char *const types[] = {
		[FIELD_STRING] = "string",
		[FIELD_INT] = "integer",
		[FIELD_REAL] = "number",
		[FIELD_BOOL] = "boolean",
		[FIELD_ENUM] = "one of",
		[FIELD_INTS] = "list",
		[FIELD_MAP] = "object",
		[FIELD_OBJECT] = "object",
		[FIELD_OBJECTS] = "objects",
		[FIELD_TEXTS] = "strings",
		[FIELD_ANY] = "JSON",
	};
	buf_printf(out, "%s", types[f->type]);
	for (size_t i = 0; f->type == FIELD_ENUM && f->choices[i]; i++) {
		buf_printf(out, "%s `%s`", i ? "," : "", f->choices[i]);
	}
	if (f->type == FIELD_INTS) {
		buf_printf(out, " of %.0f integers", f->min);
	} else if (f->type == FIELD_STRING && f->max > 0) {
		buf_printf(out, " of %.0f to %.0f bytes", f->min, f->max);
	} else if (f->max > f->min) {
		buf_printf(out, " from %.15g to %.15g", f->min, f->max);
	}
}

static void write_rows(struct buf *out, const char *of, const struct field *fields)
{
	if (!fields->name) {
		buf_printf(out, "\n%s: nothing.\n", of);
		return;
	}
	buf_printf(out, "\n%s:\n\n| member | type | meaning |\n| --- | --- | --- |\n", of);
	for (; fields->name; fields++) {
		const struct field row = field_row(fields);
		buf_printf(out, "| `%s`%s | ", row.name, row.required ? "" : "?");
		write_bounds(out, &row);
		buf_printf(out, " | %s |\n", row.help);
	}
}

static void write_tail(struct buf *out, const struct message_part *part)
{
	if (part->tail_max) {
		buf_printf(out, "\nIts tail: at most %zu bytes.\n", part->tail_max);
	}
}

static void write_speech(struct buf *out, const char *who, const struct message_speech *speech)
{
	for (size_t i = 0; speech->channels[i]; i++) {
		char of[200];
		snprintf(of, sizeof(of), "Bytes of the %s, channel %zu: %s", who, i,
			speech->channels[i]);
		if (speech->rows[i]) {
			strncat(of, ", one JSON object a line", sizeof(of) - strlen(of) - 1);
			write_rows(out, of, speech->rows[i]);
		} else {
			buf_printf(out, "\n%s.\n", of);
		}
	}
	for (size_t i = 0; speech->messages[i]; i++) {
		const struct message *m = speech->messages[i];
		char of[200];
		snprintf(of, sizeof(of), "Message of the %s, `%s`. %s Arguments", who, m->name,
			m->help);
		write_rows(out, of, m->request.fields);
	}
}

static void write_request(struct buf *out, const struct message *m)
{
	buf_printf(out, "\n### `%s`\n\n%s\n", m->name, m->help);
	write_rows(out, "Request", m->request.fields);
	write_tail(out, &m->request);
	if (m->talk) {
		buf_printf(out, "\nA conversation.\n");
		write_speech(out, "server", &m->talk->host);
		write_speech(out, "agent", &m->talk->agent);
	}
	write_rows(out, "Answer", m->answer.fields);
	write_tail(out, &m->answer);
	for (size_t i = 0; m->members && m->members[i].name; i++) {
		char of[80];
		snprintf(of, sizeof(of), "In the answer's `%s`", m->members[i].name);
		write_rows(out, of, m->members[i].fields);
	}
}

static void write_link(struct buf *out)
{
	const struct message *m;
	buf_printf(out,
		"# Messages of the link\n\n"
		"<!-- Generated from vm/wire/messages_*.c: VITRINE_GOLDEN=write ctest -R golden -->\n\n"
		"The server and the agent in a desktop speak these messages (protocol %d). The framing\n"
		"is in `vm/wire/frame.h`, conversations and credit in `vm/wire/link.h`. Both ends check\n"
		"every message with the same tables. `?` marks an optional member. Coordinates are\n"
		"pixels of the frame space, the image that a model is shown; times are milliseconds.\n\n"
		"In a *conversation* both sides send bytes on numbered channels and messages\n"
		"`{\"message\": name, \"args\": object}` between the request and its answer, which comes\n"
		"last. At most %u KiB are under way each way; the receiver's credit lets more come.\n\n"
		"## Requests of the server\n",
		PROTOCOL_VERSION, LINK_WINDOW >> 10);
	for (size_t i = 0; (m = message_request_at(i)); i++) {
		write_request(out, m);
	}
	buf_printf(out, "\n## Events of the agent\n");
	for (size_t i = 0; (m = message_event_at(i)); i++) {
		buf_printf(out, "\n### `%s`\n\n%s\n", m->name, m->help);
		write_rows(out, "Members", m->request.fields);
	}
}

Test(golden_docs, link)
{
	settle("docs/link.md", write_link);
}

/* ---- docs/tools.md ---- */

static void write_hints(struct buf *out, unsigned hints)
{
	static const struct {
		unsigned hint;
		const char *text;
	} notes[] = {
		{ TOOL_READS_ONLY, "Only reads." },
		{ TOOL_EXTRA, "Not in the default selection." },
		{ TOOL_TAKES_TIME, "Can become a task (MCP Tasks)." },
	};
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		if (hints & notes[i].hint) {
			buf_printf(out, " %s", notes[i].text);
		}
	}
}

static void write_tool(struct buf *out, const struct tool *tool)
{
	buf_printf(out, "\n### `%s`\n\n%s", tool->name, tool->help);
	write_hints(out, tool->hints);
	buf_printf(out, "\n");
	if (tool->fields && tool->fields->name) {
		write_rows(out, "Arguments", tool->fields);
	}
}

static void write_tools(struct buf *out)
{
	struct err err;
	const struct tool *tool;
	const char *toolset = "";
	struct tool_set *all = tool_set_new("all", &err);
	buf_printf(out,
		"# Tools\n\n"
		"<!-- Generated from tools/registry.c: VITRINE_GOLDEN=write ctest -R golden -->\n\n"
		"Each section is a toolset, which `--tools` selects by its name. Without `--tools`, the\n"
		"server offers the *default selection*, as with `--tools default`; `--tools "
		"default,media`\nadds a toolset to it. `?` marks an optional argument. The tools of other "
		"vendors'\ndialects are in [agents.md](agents.md).\n");
	for (size_t i = 0; (tool = tool_at(all, i)); i++) {
		if (strcmp(tool->toolset, toolset) != 0) {
			toolset = tool->toolset;
			buf_printf(out, "\n## %s\n", toolset);
		}
		write_tool(out, tool);
	}
	tool_set_free(all);
}

Test(golden_docs, tools)
{
	settle("docs/tools.md", write_tools);
}
