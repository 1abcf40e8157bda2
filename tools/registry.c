#include "tools/call/tool.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/nearest.h"
#include "tools/dialect/dialect.h"

#include <string.h>

/* The list of tools, their selection by --tools, and how a tool is described and run. */

/* This is the order of tools/list: looking, acting, programs, sandboxes, users, media. */
#define TOOLS(X) \
	X(screenshot) \
	STEP_TOOLS(X) \
	X(computer_batch) \
	X(wait_for) \
	X(zoom) \
	X(cursor_position) \
	X(ui_tree) \
	X(ui_act) \
	X(find_text) \
	X(clipboard_get) \
	X(clipboard_set) \
	X(window_list) \
	X(window_focus) \
	X(window_set) \
	X(window_close) \
	X(display_set) \
	X(open) \
	X(launch) \
	X(list_applications) \
	X(run_command) \
	X(process_list) \
	X(process_output) \
	X(process_wait) \
	X(process_input) \
	X(process_signal) \
	X(terminal_open) \
	X(terminal_input) \
	X(terminal_read) \
	X(terminal_resize) \
	X(terminal_close) \
	X(file_read) \
	X(file_write) \
	X(file_list) \
	X(file_stat) \
	X(file_make_directory) \
	X(file_move) \
	X(file_copy) \
	X(file_remove) \
	X(file_search) \
	X(file_watch) \
	X(file_url) \
	X(run_code) \
	X(code_context_list) \
	X(code_context_create) \
	X(code_context_restart) \
	X(code_context_remove) \
	X(sandbox_create) \
	X(sandbox_list) \
	X(sandbox_info) \
	X(sandbox_kill) \
	X(sandbox_set_timeout) \
	X(sandbox_pause) \
	X(sandbox_resume) \
	X(sandbox_snapshot) \
	X(sandbox_fork) \
	X(sandbox_rollback) \
	X(snapshot_list) \
	X(snapshot_delete) \
	X(stream_url) \
	X(stream_list) \
	X(stream_revoke) \
	X(control_acquire) \
	X(control_release) \
	X(control_status) \
	X(request_human) \
	X(audio_record)

#define X(id) extern const struct tool tool_##id;
TOOLS(X)
#undef X

static const struct tool *const tools[] = {
#define X(id) &tool_##id,
	TOOLS(X)
#undef X
};

#define N_TOOLS (sizeof(tools) / sizeof(tools[0]))

static const struct {
	const char *name;
	const struct tool *tools;
} dialects[] = {
#define X(id) { #id, dialect_##id },
	DIALECTS(X)
#undef X
};

#define N_DIALECTS (sizeof(dialects) / sizeof(dialects[0]))

struct tool_set {
	char *selection;
	const struct tool **at;
	size_t n;
};

/* ---- selecting ---- */

struct selection {
	bool tools[N_TOOLS], dialects[N_DIALECTS];
};

static bool is_meant(const struct tool *tool, const char *word)
{
	return strcmp(word, "all") == 0 || strcmp(word, tool->toolset) == 0 ||
	       strcmp(word, tool->name) == 0 ||
	       (strcmp(word, TOOLS_DEFAULT) == 0 && !(tool->hints & TOOL_EXTRA));
}

/*
 * Selects what the word names; false if there is nothing.  A dialect is selected as a whole and by
 * its name only: its tools have the names of others.
 */
static bool select_word(struct selection *on, const char *word)
{
	bool known = false;
	for (size_t i = 0; i < N_DIALECTS; i++) {
		if (strcmp(word, dialects[i].name) == 0) {
			on->dialects[i] = known = true;
		}
	}
	for (size_t i = 0; i < N_TOOLS; i++) {
		if (is_meant(tools[i], word)) {
			on->tools[i] = known = true;
		}
	}
	return known;
}

static bool refuse_word(const char *word, struct err *err)
{
	const char *names[2 * N_TOOLS + N_DIALECTS + 3] = { "all", TOOLS_DEFAULT };
	size_t n = 2;
	for (size_t i = 0; i < N_TOOLS; i++) {
		names[n++] = tools[i]->name;
		names[n++] = tools[i]->toolset;
	}
	for (size_t i = 0; i < N_DIALECTS; i++) {
		names[n++] = dialects[i].name;
	}
	const char *near = nearest_name(word, names);
	return err_set(err, ERR_ARGUMENT,
		"'%.60s' is neither a tool nor a toolset%s%s%s Expected names separated by "
		"commas, such as default,media or screenshot (default; all; toolsets: computer, "
		"shell, terminal, files, sandbox, stream, control, media; dialects: claude, openai, gemini)",
		word, near ? "; did you mean '" : ".", near ? near : "", near ? "'?" : "");
}

static char *trim(char *word)
{
	word += strspn(word, " \t");
	for (size_t len = strlen(word); len && strchr(" \t", word[len - 1]);) {
		word[--len] = '\0';
	}
	return word;
}

static bool select_tools(struct selection *on, const char *selection, struct err *err)
{
	auto_free char *list = must(strdup(selection));
	char *rest = list;
	/* An empty list would select nothing, which is rarely intended. */
	if (!*trim(list)) {
		log_warning("the list of tools is empty");
		return true;
	}
	for (char *word; (word = strsep(&rest, ","));) {
		word = trim(word);
		if (!select_word(on, word)) {
			return refuse_word(word, err);
		}
	}
	return true;
}

static void add(struct tool_set *set, const struct tool *tool)
{
	set->at = must(reallocarray(set->at, set->n + 1, sizeof(set->at[0])));
	set->at[set->n++] = tool;
}

/* Two tools with one name, of different toolsets. */
static bool check_names(const struct tool_set *set, struct err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct tool *other = tool_find(set, set->at[i]->name);
		if (other != set->at[i]) {
			return err_set(err, ERR_ARGUMENT,
				"the toolsets '%s' and '%s' both have a tool '%s'; select one of them",
				other->toolset, set->at[i]->toolset, other->name);
		}
	}
	return true;
}

static void add_selected(struct tool_set *set, const struct selection *on)
{
	for (size_t i = 0; i < N_DIALECTS; i++) {
		for (const struct tool *tool = dialects[i].tools; on->dialects[i] && tool->name;
			tool++) {
			add(set, tool);
		}
	}
	for (size_t i = 0; i < N_TOOLS; i++) {
		if (on->tools[i]) {
			add(set, tools[i]);
		}
	}
}

struct tool_set *tool_set_new(const char *selection, struct err *err)
{
	struct selection on = { 0 };
	if (!select_tools(&on, selection, err)) {
		return NULL;
	}
	struct tool_set *set = must(calloc(1, sizeof(*set)));
	set->selection = must(strdup(selection));
	add_selected(set, &on);
	if (!check_names(set, err)) {
		tool_set_free(set);
		return NULL;
	}
	return set;
}

void tool_set_add(struct tool_set *set, const struct tool *const *more)
{
	while (*more) {
		add(set, *more++);
	}
}

void tool_set_free(struct tool_set *set)
{
	if (set) {
		free(set->selection);
		free(set->at);
		free(set);
	}
}

/* ---- finding ---- */

const struct tool *tool_find(const struct tool_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->at[i]->name, name) == 0) {
			return set->at[i];
		}
	}
	return NULL;
}

const struct tool *tool_at(const struct tool_set *set, size_t at)
{
	return at < set->n ? set->at[at] : NULL;
}

static const char *nearest_tool(const struct tool_set *set, const char *name)
{
	auto_free const char **names = must(calloc(set->n + 1, sizeof(names[0])));
	for (size_t i = 0; i < set->n; i++) {
		names[i] = set->at[i]->name;
	}
	return nearest_name(name, names);
}

/* The dialect with a tool of that name; NULL: none. */
static const char *dialect_with(const char *name)
{
	for (size_t i = 0; i < N_DIALECTS; i++) {
		for (const struct tool *tool = dialects[i].tools; tool->name; tool++) {
			if (strcmp(tool->name, name) == 0) {
				return dialects[i].name;
			}
		}
	}
	return NULL;
}

static const struct tool *registered(const char *name)
{
	for (size_t i = 0; i < N_TOOLS; i++) {
		if (strcmp(tools[i]->name, name) == 0) {
			return tools[i];
		}
	}
	return NULL;
}

void tool_explain_missing(const struct tool_set *set, const char *name, struct buf *out)
{
	const struct tool *tool = registered(name);
	const char *dialect = dialect_with(name), *near = nearest_tool(set, name);
	if (tool) {
		buf_printf(out,
			"tool \"%s\" is not selected; the server offers it with --tools %.200s%s%s",
			name, set->selection, *set->selection ? "," : "", name);
		if (tool->step && tool_find(set, "computer_batch")) {
			buf_printf(out, "; computer_batch performs the same action");
		}
	} else if (dialect) {
		buf_printf(out, "tool \"%s\" is not selected; the server offers it with --tools %s",
			name, dialect);
	} else {
		buf_printf(out, "unknown tool \"%.80s\"%s%s%s", name,
			near ? "; did you mean \"" : "; tools/list lists all tools",
			near ? near : "", near ? "\"?" : "");
	}
}

/* ---- describing ---- */

/* MCP's defaults (2025-03-26 and later, ToolAnnotations) are left out: a tool that writes destroys,
 * is not idempotent and reaches the open world. */
static json_t *annotations(const struct tool *tool)
{
	json_t *out = json_object();
	if (tool->hints & TOOL_READS_ONLY) {
		json_object_set_new(out, "readOnlyHint", json_true());
	} else {
		if (!(tool->hints & TOOL_DESTROYS)) {
			json_object_set_new(out, "destructiveHint", json_false());
		}
		if (tool->hints & TOOL_REPEATABLE) {
			json_object_set_new(out, "idempotentHint", json_true());
		}
	}
	if (!(tool->hints & TOOL_OPEN_WORLD)) {
		json_object_set_new(out, "openWorldHint", json_false());
	}
	return out;
}

/* Claude Code hides tools behind a search, and long results in a file, unless these keys are
 * set. */
static json_t *meta(const struct tool *tool)
{
	json_t *out = json_object();
	if (tool->hints & TOOL_ALWAYS_LOAD) {
		json_object_set_new(out, "anthropic/alwaysLoad", json_true());
	}
	if (tool->max_chars) {
		json_object_set_new(
			out, "anthropic/maxResultSizeChars", json_integer(tool->max_chars));
	}
	return out;
}

static json_t *schema(const struct tool *tool)
{
	return tool->schema ? must(json_loads(tool->schema, 0, NULL)) : field_schema(tool->fields);
}

json_t *tool_describe(const struct tool *tool)
{
	json_t *out = must(json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", tool->name, "title",
		tool->title, "description", tool->help, "inputSchema", schema(tool), "annotations",
		annotations(tool)));
	json_auto_t *extra = meta(tool);
	if (json_object_size(extra)) {
		json_object_set(out, "_meta", extra);
	}
	return out;
}
