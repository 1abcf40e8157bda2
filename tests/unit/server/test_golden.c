// USES server
/*
 * Golden texts: what users and models read, in the files of tests/golden.
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
#include "tests/support/golden_file.h"
#include "tests/support/memory_client.h"
#include "tests/support/page_texts.h"
#include "tests/support/read_all.h"
#include "tools/sandbox/streams.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDS_MAX 40
#define SANDBOX_ID_LEN 20
#define OUTPUT_MAX 12

struct golden {
	struct mcp_client client;
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
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)word[i]) && !islower((unsigned char)word[i])) {
			return false;
		}
	}
	return len == SANDBOX_ID_LEN;
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
	const char *argv[OUTPUT_MAX + 1] = { NULL };
	size_t n = 0;
	for (char *save, *word = strtok_r(copy, " ", &save); word && n < OUTPUT_MAX;
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
		[FIELD_OBJECT] = "object",
		[FIELD_OBJECTS] = "objects",
		[FIELD_TEXTS] = "strings",
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
	json_auto_t *answer = mcp_ask(&golden->client, buf_text(&text));
	cr_assert_not_null(answer, "no answer: %s", line);
	write_answer(golden, answer);
}

/* ---- a file ---- */

static void begin_session(struct golden *golden)
{
	mcp_init(&golden->client, 16);
	json_auto_t *hello = mcp_ask(&golden->client,
		"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":"
		"{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
		"\"clientInfo\":{\"name\":\"golden\",\"version\":\"1\"}}}");
	cr_assert_not_null(json_object_get(hello, "result"));
	mcp_say(&golden->client, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
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

/* ---- @: pages ---- */

static void list_page(struct golden *golden, const char *name)
{
	auto_free char *folder = golden_path("server/pages");
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s/%s", folder, name);
	auto_free char *source = golden_read(buf_text(&path));
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

static void play(const char *name)
{
	struct golden golden = { 0 };
	auto_buf struct buf file = { 0 };
	buf_printf(&file, "tests/golden/%s.txt", name);
	auto_free char *path = golden_path(buf_text(&file));
	auto_free char *want = golden_read(path);
	auto_free char *lines = must(strdup(want));
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	begin_session(&golden);
	for (char *save, *line = strtok_r(lines, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		take_line(&golden, line);
	}
	cr_assert_gt(golden.out.len, 0u, "%s has no input lines", path);
	golden_settle(path, want, &golden.out);
	mcp_done(&golden.client);
	buf_done(&golden.out);
}

/* Each dialect alone: their tools have the same names. */
static void play_dialect(const char *name)
{
	mcp_tools = name;
	play(name);
}

Test(golden, claude)
{
	play_dialect("claude");
}
Test(golden, openai)
{
	play_dialect("openai");
}
Test(golden, gemini)
{
	play_dialect("gemini");
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
Test(golden, code)
{
	play("code");
}

Test(golden, media)
{
	play("media");
}
Test(golden, elements)
{
	play("elements");
}
Test(golden, files)
{
	play("files");
}

Test(golden, text)
{
	play("text");
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
