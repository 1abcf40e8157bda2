#include "tools/tool.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/nearest.h"

#include <string.h>

/* The list of tools, their selection by --tools, and how a tool is described and run. */

/* This is the order of tools/list: looking, acting, programs, sandboxes, users. */
#define TOOLS(X) \
	X(screenshot) \
	X(left_click) \
	X(right_click) \
	X(middle_click) \
	X(double_click) \
	X(triple_click) \
	X(mouse_move) \
	X(left_click_drag) \
	X(left_mouse_down) \
	X(left_mouse_up) \
	X(scroll) \
	X(type) \
	X(key) \
	X(hold_key) \
	X(wait) \
	X(zoom) \
	X(cursor_position) \
	X(launch) \
	X(list_applications) \
	X(run_command) \
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
	X(request_human)

#define X(id) extern const struct tool tool_##id;
TOOLS(X)
#undef X

static const struct tool *const tools[] = {
#define X(id) &tool_##id,
	TOOLS(X)
#undef X
};

#define N_TOOLS (sizeof(tools) / sizeof(tools[0]))

struct tool_set {
	const struct tool **at;
	size_t n;
};

/* ---- selecting ---- */

/* Selects the toolset or tool of that name, or all; false if there is none. */
static bool select_word(bool on[N_TOOLS], const char *word)
{
	bool known = false;
	for (size_t i = 0; i < N_TOOLS; i++) {
		if (strcmp(word, "all") == 0 || strcmp(word, tools[i]->toolset) == 0 ||
			strcmp(word, tools[i]->name) == 0) {
			on[i] = known = true;
		}
	}
	return known;
}

static bool refuse_word(const char *word, struct err *err)
{
	const char *names[2 * N_TOOLS + 2] = { "all" };
	size_t n = 1;
	for (size_t i = 0; i < N_TOOLS; i++) {
		names[n++] = tools[i]->name;
		names[n++] = tools[i]->toolset;
	}
	const char *near = nearest_name(word, names);
	return err_set(err, ERR_ARGUMENT,
		"'%.60s' is neither a tool nor a toolset%s%s%s Expected names separated by "
		"commas, such as computer,shell or screenshot (toolsets: computer, shell, "
		"sandbox, stream, control)",
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

static bool select_words(bool on[N_TOOLS], const char *selection, struct err *err)
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

struct tool_set *tool_set_new(const char *selection, struct err *err)
{
	bool on[N_TOOLS] = { false };
	if (!select_words(on, selection, err)) {
		return NULL;
	}
	struct tool_set *set = must(calloc(1, sizeof(*set)));
	for (size_t i = 0; i < N_TOOLS; i++) {
		if (on[i]) {
			add(set, tools[i]);
		}
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

const char *tool_nearest(const struct tool_set *set, const char *name)
{
	auto_free const char **names = must(calloc(set->n + 1, sizeof(names[0])));
	for (size_t i = 0; i < set->n; i++) {
		names[i] = set->at[i]->name;
	}
	return nearest_name(name, names);
}

/* ---- describing ---- */

static json_t *annotations(const struct tool *tool)
{
	return must(json_pack("{s:s, s:b, s:b, s:b, s:b}", "title", tool->title, "readOnlyHint",
		!!(tool->hints & TOOL_READS_ONLY), "destructiveHint",
		!!(tool->hints & TOOL_DESTROYS), "idempotentHint",
		!!(tool->hints & TOOL_REPEATABLE), "openWorldHint",
		!!(tool->hints & TOOL_OPEN_WORLD)));
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
