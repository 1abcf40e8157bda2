// USES server
/*
 * Golden texts: what users and models read, in the files of tests/golden, and docs/options.md.
 * Each file of tests/golden is a session, input and output together:
 *
 *     # a comment
 *     $ vitrine help            runs the program; its output follows, and its exit status if not 0
 *     ? computer                describes the tools of a toolset
 *     > left_click {...}        calls a tool of a server with the fake backend; the answer follows
 *     @ viewer.html             lists the texts of a file of server/pages
 *     ! vitrine doctor --json   reports on a machine without programs; what differs from machine to
 *                               machine is left out
 *
 * Output is indented by four spaces.
 *
 * Each run writes the session anew and compares.  `VITRINE_GOLDEN=write` replaces the files
 * instead; the diff is then to be reviewed like code.  Ids, tickets, times and durations differ
 * from run to run: they are written as <id-1>, <ticket>, <time> and <n>, and <id-1> in an input
 * line stands for the id that was first in the file's output.
 */
#include "base/spawn.h"
#include "server/config/options.h"
#include "tests/support/memory_client.h"
#include "tests/support/page_texts.h"
#include "tests/support/read_all.h"
#include "tools/streams.h"
#include "vm/wire/messages.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDS_MAX 40
#define SANDBOX_ID_LEN 20
#define WORDS_MAX 12

struct golden {
	struct client client;
	struct buf out;  /* the session as it is now */
	struct buf said; /* the output of one input line */
	char ids[IDS_MAX][SANDBOX_ID_LEN + 1];
	size_t n_ids;
	int calls;
};

/* ---- what differs from run to run ---- */

static size_t number_of(struct golden *golden, const char *id)
{
	for (size_t i = 0; i < golden->n_ids; i++) {
		if (strncmp(golden->ids[i], id, SANDBOX_ID_LEN) == 0) {
			return i + 1;
		}
	}
	cr_assert_lt(golden->n_ids, (size_t)IDS_MAX);
	snprintf(golden->ids[golden->n_ids], sizeof(golden->ids[0]), "%s", id);
	return ++golden->n_ids;
}

static size_t word_len(const char *at)
{
	size_t len = 0;
	while (isalnum((unsigned char)at[len]) || at[len] == '_' || at[len] == '-') {
		len++;
	}
	return len;
}

/* An id is 20 of [a-z0-9], at least one of them a digit. */
static bool is_id(const char *word, size_t len)
{
	bool digit = false;
	for (size_t i = 0; i < len; i++) {
		digit |= isdigit((unsigned char)word[i]) != 0;
		if (!isdigit((unsigned char)word[i]) && !islower((unsigned char)word[i])) {
			return false;
		}
	}
	return digit && len == SANDBOX_ID_LEN;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* "09:07:07 UTC" */
static size_t clock_len(const char *at)
{
	static const char *const pattern = "dd:dd:dd";
	size_t i = 0;
	while (pattern[i] && (pattern[i] == 'd' ? isdigit((unsigned char)at[i]) : at[i] == ':')) {
		i++;
	}
	return pattern[i] ? 0 : i;
}

/* "230 ms", "1.2 s", "3 min": a duration, whose number is written as <n>. */
static size_t duration_len(const char *at)
{
	static const char *const units[] = { " ms", " s", " min", " h" };
	size_t digits = strspn(at, "0123456789.");
	for (size_t i = 0; digits && i < sizeof(units) / sizeof(units[0]); i++) {
		size_t unit = strlen(units[i]);
		if (starts(at + digits, units[i]) && !islower((unsigned char)at[digits + unit])) {
			return digits;
		}
	}
	return 0;
}

static void write_steady(struct golden *golden, const char *text)
{
	for (const char *at = text; *at;) {
		size_t len = word_len(at), n;
		if (is_id(at, len)) {
			buf_printf(&golden->said, "<id-%zu>", number_of(golden, at));
			at += len;
		} else if ((n = duration_len(at))) {
			buf_printf(&golden->said, "<n>");
			at += n;
		} else if ((n = clock_len(at))) {
			buf_printf(&golden->said, "<time>");
			at += n;
		} else if (*at == '#' && word_len(at + 1) >= 32) {
			buf_printf(&golden->said, "#<ticket>");
			at += 1 + word_len(at + 1);
		} else {
			n = len ? len : 1;
			buf_append(&golden->said, at, n);
			at += n;
		}
	}
	if (golden->said.len && golden->said.data[golden->said.len - 1] != '\n') {
		buf_append(&golden->said, "\n", 1);
	}
}

/* An input line with the ids that its <id-N> stand for; free() it. */
static char *with_ids(const struct golden *golden, const char *line)
{
	struct buf full = { 0 };
	const char *mark;
	while ((mark = strstr(line, "<id-"))) {
		char *end;
		size_t n = strtoul(mark + 4, &end, 10);
		cr_assert(*end == '>' && n >= 1 && n <= golden->n_ids, "no such id: %s", mark);
		buf_append(&full, line, (size_t)(mark - line));
		buf_printf(&full, "%s", golden->ids[n - 1]);
		line = end + 1;
	}
	buf_printf(&full, "%s", line);
	return (char *)full.data;
}

/* ---- $: the program ---- */

/* What the program prints on stdout and stderr; returns its exit status, -1 if a signal ended it. */
static int capture_program(const char *line, struct buf *printed)
{
	char program[4096];
	auto_free char *copy = must(strdup(line));
	const char *argv[WORDS_MAX + 1] = { NULL };
	size_t n = 0;
	for (char *save, *word = strtok_r(copy, " ", &save); word && n < WORDS_MAX;
		word = strtok_r(NULL, " ", &save)) {
		argv[n++] = word;
	}
	snprintf(program, sizeof(program), "%s/vitrine", getenv("VITRINE_BUILD"));
	cr_assert_str_eq(argv[0], "vitrine");
	argv[0] = program;
	int pipes[2], status;
	cr_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
	struct spawn_fd fds[] = { { pipes[1], 1 }, { pipes[1], 2 } };
	struct err err = { 0 };
	pid_t pid = spawn_start(
		&(struct spawn){ .argv = argv, .fds = fds, .n_fds = 2, .die_with_us = true }, &err);
	cr_assert_gt(pid, 0, "%s", err.text);
	close(pipes[1]);
	read_all(pipes[0], printed);
	close(pipes[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void run_program(struct golden *golden, const char *line)
{
	auto_buf struct buf printed = { 0 };
	int status = capture_program(line, &printed);
	write_steady(golden, buf_text(&printed));
	if (status != 0) {
		buf_printf(&golden->said, "[exit status %d]\n", status);
	}
}

/* ---- !: doctor ---- */

/* Programs and fonts are missing on every machine when PATH leads nowhere. */
static void write_check(struct golden *golden, const json_t *row)
{
	const char *group = text_at(row, "group"),
		   *fix = json_string_value(json_object_get(row, "fix"));
	buf_printf(&golden->said, "%s: %s", group, text_at(row, "name"));
	if (strcmp(group, "programs") == 0 || strcmp(group, "fonts") == 0) {
		buf_printf(&golden->said, ": %s: %s%s%s", text_at(row, "status"),
			text_at(row, "detail"), fix ? "; fix: " : "", fix ? fix : "");
	}
	buf_printf(&golden->said, "\n");
}

static void run_bare_doctor(struct golden *golden, const char *line)
{
	auto_buf struct buf printed = { 0 };
	const char *path = getenv("PATH");
	auto_free char *kept = must(strdup(path ? path : ""));
	setenv("PATH", "/nonexistent", 1);
	capture_program(line, &printed);
	setenv("PATH", kept, 1);
	json_auto_t *report = json_loads(buf_text(&printed), 0, NULL);
	cr_assert_not_null(report, "%s", buf_text(&printed));
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(report, "checks"), i, row)
	{
		write_check(golden, row);
	}
}

/* ---- ?: descriptions ---- */

static void describe_argument(struct golden *golden, const struct field *row)
{
	const struct field whole = field_row(row), *field = &whole;
	static const char *const types[] = {
		[FIELD_STRING] = "string",
		[FIELD_INT] = "integer",
		[FIELD_REAL] = "number",
		[FIELD_BOOL] = "boolean",
		[FIELD_ENUM] = "one of",
		[FIELD_INTS] = "integers",
		[FIELD_MAP] = "object",
		[FIELD_ANY] = "any",
	};
	buf_printf(&golden->said, "    %s%s (%s", field->name, field->required ? "" : "?",
		types[field->type]);
	for (size_t i = 0; field->type == FIELD_ENUM && field->choices[i]; i++) {
		buf_printf(&golden->said, " %s", field->choices[i]);
	}
	if (field->max > 0) {
		buf_printf(&golden->said, " %.15g..%.15g", field->min, field->max);
	}
	buf_printf(&golden->said, "): %s\n", field->help ? field->help : "");
}

static void describe_toolset(struct golden *golden, const char *toolset)
{
	struct err err = { 0 };
	struct tool_set *set = tool_set_new(toolset, &err);
	cr_assert_not_null(set, "%s", err.text);
	const struct tool *tool;
	for (size_t i = 0; (tool = tool_at(set, i)); i++) {
		buf_printf(&golden->said, "%s: %s\n  %s\n", tool->name, tool->title, tool->help);
		for (const struct field *f = tool->fields; f && f->name; f++) {
			describe_argument(golden, f);
		}
	}
	tool_set_free(set);
}

/* ---- >: calls ---- */

static void write_block(struct golden *golden, const json_t *block)
{
	const char *type = text_at(block, "type");
	if (strcmp(type, "text") == 0) {
		write_steady(golden, text_at(block, "text"));
	} else {
		buf_printf(&golden->said, "[%s %s]\n", type, text_at(block, "mimeType"));
	}
}

static void write_answer(struct golden *golden, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error"), *block;
	if (error) {
		buf_printf(&golden->said, "[JSON-RPC error %lld]\n", int_at(error, "code"));
		write_steady(golden, text_at(error, "message"));
		return;
	}
	if (json_is_true(json_at(answer, "result|isError"))) {
		buf_printf(&golden->said, "[isError]\n");
	}
	size_t i;
	json_array_foreach(json_at(answer, "result|content"), i, block)
	{
		write_block(golden, block);
	}
}

static void call_tool(struct golden *golden, const char *line)
{
	auto_free char *call = with_ids(golden, line);
	char *args = strchr(call, ' ');
	cr_assert_not_null(args, "a call without arguments: %s", call);
	*args++ = '\0';
	auto_buf struct buf text = { 0 };
	buf_printf(&text,
		"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":"
		"{\"name\":\"%s\",\"arguments\":%s}}",
		++golden->calls, call, args);
	json_auto_t *answer = client_ask(&golden->client, buf_text(&text));
	cr_assert_not_null(answer, "no answer: %s", line);
	write_answer(golden, answer);
}

/* ---- a file ---- */

static void begin_session(struct golden *golden)
{
	client_init(&golden->client, 16);
	json_auto_t *hello = client_ask(&golden->client,
		"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":"
		"{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
		"\"clientInfo\":{\"name\":\"golden\",\"version\":\"1\"}}}");
	cr_assert_not_null(json_object_get(hello, "result"));
	client_say(
		&golden->client, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
}

/* Output is indented, so that no line of it is taken for input. */
static void flush_output(struct golden *golden)
{
	auto_buf struct buf said = golden->said;
	golden->said = (struct buf){ 0 };
	for (const char *at = buf_text(&said); *at;) {
		size_t len = strcspn(at, "\n");
		buf_printf(&golden->out, "%s%.*s\n", len ? "    " : "", (int)len, at);
		at += len + (at[len] == '\n');
	}
}

static char *read_text(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	struct buf text = { 0 };
	read_all(fd, &text);
	return (char *)text.data;
}

/* "docs/options.md" below the source folder; free() it. */
static char *source_path(const char *name)
{
	const char *source = getenv("VITRINE_SOURCE");
	struct buf path = { 0 };
	buf_printf(&path, "%s/%s", source ? source : ".", name);
	return (char *)path.data;
}

/* ---- @: pages ---- */

static void list_page(struct golden *golden, const char *name)
{
	auto_free char *folder = source_path("server/pages");
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s/%s", folder, name);
	auto_free char *source = read_text(buf_text(&path));
	bool is_html = strstr(name, ".html") != NULL;
	(is_html ? page_html_texts : page_script_texts)(&golden->said, source);
}

static void take_line(struct golden *golden, const char *line)
{
	static const struct {
		const char *mark;
		void (*run)(struct golden *golden, const char *line);
	} inputs[] = {
		{ "$ ", run_program },
		{ "? ", describe_toolset },
		{ "> ", call_tool },
		{ "@ ", list_page },
		{ "! ", run_bare_doctor },
	};
	if (line[0] == '#') {
		buf_printf(&golden->out, "%s\n", line);
	}
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		if (starts(line, inputs[i].mark)) {
			buf_printf(&golden->out, "\n%s\n", line);
			inputs[i].run(golden, line + 2);
			flush_output(golden);
		}
	}
}

static void write_text(const char *path, const struct buf *text)
{
	FILE *out = must(fopen(path, "we"));
	cr_assert_eq(fwrite(text->data, 1, text->len, out), text->len);
	cr_assert_eq(fclose(out), 0);
}

/* Names the first line that differs. */
static void expect_same(const char *path, const char *want, const char *got)
{
	int line = 1;
	while (*want && *want == *got) {
		line += *want == '\n';
		want++, got++;
	}
	cr_expect(*want == *got,
		"%s:%d differs from there: \"%.*s\"\nRun with VITRINE_GOLDEN=write and review "
		"the diff.",
		path, line, (int)strcspn(got, "\n"), got);
}

/* Compares with the file at path below the source, or replaces it. */
static void settle(const char *path, const char *want, const struct buf *got)
{
	const char *mode = getenv("VITRINE_GOLDEN");
	if (mode && strcmp(mode, "write") == 0) {
		write_text(path, got);
	} else {
		expect_same(path, want, (const char *)got->data);
	}
}

static void play(const char *name)
{
	struct golden golden = { 0 };
	auto_buf struct buf file = { 0 };
	buf_printf(&file, "tests/golden/%s.txt", name);
	auto_free char *path = source_path(buf_text(&file));
	auto_free char *want = read_text(path);
	auto_free char *lines = must(strdup(want));
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	begin_session(&golden);
	for (char *save, *line = strtok_r(lines, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		take_line(&golden, line);
	}
	cr_assert_gt(golden.out.len, 0u, "%s has no input lines", path);
	settle(path, want, &golden.out);
	client_done(&golden.client);
	buf_done(&golden.out);
}

Test(golden, help)
{
	play("help");
}
Test(golden, computer)
{
	play("computer");
}
Test(golden, shell)
{
	play("shell");
}
Test(golden, sandbox)
{
	play("sandbox");
}
Test(golden, stream)
{
	play("stream");
}
Test(golden, control)
{
	play("control");
}
Test(golden, doctor)
{
	play("doctor");
}
Test(golden, viewer_page)
{
	play("viewer-page");
}
Test(golden, dashboard)
{
	play("dashboard");
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
	auto_buf struct buf value = { 0 }, preset = { 0 }, help = { 0 };
	option_print_help(option, &help);
	option_print_value(option, &value);
	bool has_default = option_print_default(option, &preset);
	buf_printf(out, "| `%s%s%s", option->file_only ? "" : "--", option->field.name,
		value.len ? " " : "");
	write_cell(out, buf_text(&value));
	buf_printf(out, "` | %s%s%s | ", has_default ? "`" : "",
		has_default ? buf_text(&preset) : "", has_default ? "`" : "");
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

Test(golden, options)
{
	auto_buf struct buf out = { 0 };
	auto_free char *path = source_path("docs/options.md");
	auto_free char *want = read_text(path);
	write_options(&out);
	settle(path, want, &out);
}

/* ---- docs/link.md ---- */

static void write_bounds(struct buf *out, const struct field *f)
{
	static const char *const types[] = { "string", "integer", "number", "boolean", "one of",
		"list", "object", "JSON" };
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
		buf_printf(out, "| `%s`%s | ", fields->name, fields->required ? "" : "?");
		write_bounds(out, fields);
		buf_printf(out, " | %s |\n", fields->help);
	}
}

static void write_tail(struct buf *out, const struct message_part *part)
{
	if (part->tail_max) {
		buf_printf(out, "\nIts tail: at most %zu bytes.\n", part->tail_max);
	}
}

static void write_request(struct buf *out, const struct message *m)
{
	buf_printf(out, "\n### `%s`\n\n%s\n", m->name, m->help);
	write_rows(out, "Request", m->request.fields);
	write_tail(out, &m->request);
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
		"<!-- Generated from vm/wire/messages.c: VITRINE_GOLDEN=write ctest -R golden -->\n\n"
		"The server and the agent in a desktop speak these messages (protocol %d). The framing\n"
		"is in `vm/wire/frame.h`, streams and credit in `vm/wire/link.h`. Both ends check every\n"
		"message with the same tables. `?` marks an optional member. Coordinates are pixels of\n"
		"the frame space, the image that a model is shown; times are milliseconds.\n\n"
		"## Requests of the server\n",
		PROTOCOL_VERSION);
	for (size_t i = 0; (m = message_request_at(i)); i++) {
		write_request(out, m);
	}
	buf_printf(out, "\n## Events of the agent\n");
	for (size_t i = 0; (m = message_event_at(i)); i++) {
		buf_printf(out, "\n### `%s`\n\n%s\n", m->name, m->help);
		write_rows(out, "Members", m->request.fields);
	}
}

Test(golden, link)
{
	auto_buf struct buf out = { 0 };
	auto_free char *path = source_path("docs/link.md");
	auto_free char *want = read_text(path);
	write_link(&out);
	settle(path, want, &out);
}
