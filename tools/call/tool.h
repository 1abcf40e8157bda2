#ifndef TOOLS_CALL_TOOL_H
#define TOOLS_CALL_TOOL_H

#include "base/buf.h"
#include "base/field.h"
#include "tools/call/call.h"

struct dialect;
struct input_args;
struct input_step;

enum tool_hint {
	TOOL_READS_ONLY = 1 << 0,
	TOOL_DESTROYS = 1 << 1,
	TOOL_REPEATABLE = 1 << 2,  /* repeating the call has no further effect */
	TOOL_OPEN_WORLD = 1 << 3,  /* affects more than the sandbox */
	TOOL_ALWAYS_LOAD = 1 << 4, /* a main tool: clients should not hide it behind a search */
	TOOL_TAKES_TIME = 1 << 5,  /* a client that supports tasks may get one */
	TOOL_NEEDS_TASK = 1 << 6,  /* refused for clients that do not support tasks */
	TOOL_GRID = 1 << 7,        /* coordinates are 0 to 999 on each axis (vm/wire/geometry.h) */
	TOOL_EXTRA = 1 << 8,       /* not in the default selection, see README.md */
};

/* When a call starts, relative to earlier calls of its client on the same sandbox. */
enum tool_order {
	TOOL_ANY_TIME, /* immediately; later calls do not wait for it */
	TOOL_LOOKS,    /* after all calls except other looks */
	TOOL_ACTS,     /* after all calls except other input, which the agent orders */
	TOOL_IN_TURN,  /* after all calls */
	TOOL_RUNS,     /* after all calls; later ones wait for it for a moment only */
	TOOL_WAITS,    /* after all calls; later ones do not wait for it */
};

/*
 * One MCP tool.  The same field table decodes, checks and describes its arguments.  A new tool is
 * one of these in the file of its family, and one row in registry.c.
 */
struct tool {
	const char *name, *title, *help;
	const char *toolset; /* "computer", "shell", ...: selected by --tools */
	unsigned hints;
	enum tool_order order; /* only for tools with the argument 'sandbox' */
	int max_chars;         /* maximum length of a result; 0: clients' usual limit */
	const struct field *fields;
	/* JSON, if a table of fields cannot express it; NULL: generated from fields */
	const char *schema;
	size_t args_size;
	/* Optional: called if the arguments are invalid; may replace the error by a better one. */
	void (*advise)(const json_t *args, struct err *err);
	/* For a tool that performs one action: the action and its acknowledgement.  See tools/desktop/input.h. */
	void (*step)(const struct input_args *args, struct input_step *ret);
	/* For a tool of a dialect: its actions.  See tools/dialect/dialect.h. */
	bool (*translate)(struct dialect *d, const void *args, struct err *err);
	/* Must call call_reply() or call_fail(), now or later.  args and what it points to live as
	 * long as the call. */
	void (*run)(struct call *call, const void *args);
};

#define TOOLS_DEFAULT "default"
/* The tools selected by --tools: names of toolsets and tools, comma-separated; "default", those
 * without TOOL_EXTRA; "all"; and names of dialects, which neither of them contains.  An unknown word
 * is an error that suggests the nearest name; so are two tools of one name. */
struct tool_set;
struct tool_set *tool_set_new(const char *selection, struct err *err) NODISCARD;
/* Appends tools that --tools does not know; NULL-terminated. */
void tool_set_add(struct tool_set *set, const struct tool *const *more);
void tool_set_free(struct tool_set *set);

const struct tool *tool_find(const struct tool_set *set, const char *name);
/* The i-th in the fixed order, NULL after the last. */
const struct tool *tool_at(const struct tool_set *set, size_t i);
/* {name, title, description, inputSchema, annotations, _meta?} */
json_t *tool_describe(const struct tool *tool);
/* Appends why the set has no tool of that name, and what to do: the nearest name, or the value of
 * --tools that selects it. */
void tool_explain_missing(const struct tool_set *set, const char *name, struct buf *out);

#endif
