#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include "base/field.h"
#include "tools/call.h"

enum tool_hint {
	TOOL_READS_ONLY = 1 << 0,
	TOOL_DESTROYS = 1 << 1,
	TOOL_REPEATABLE = 1 << 2,  /* doing it twice is the same as once */
	TOOL_OPEN_WORLD = 1 << 3,  /* reaches beyond the sandbox */
	TOOL_ALWAYS_LOAD = 1 << 4, /* a main tool: clients should not hide it behind a search */
	TOOL_TAKES_TIME = 1 << 5,  /* perhaps: a client that knows tasks may be given one */
	TOOL_NEEDS_TASK = 1 << 6,  /* always: other clients are refused */
};

/* When a call may begin, beside others that its client sent for the same sandbox before it. */
enum tool_order {
	TOOL_ANY_TIME, /* at once; nor does anybody wait for it */
	TOOL_LOOKS,    /* after all but other looks */
	TOOL_ACTS,     /* after all but other input, which the agent puts in line */
	TOOL_IN_TURN,  /* after all */
	TOOL_RUNS,     /* after all; later ones wait for it for a moment only */
	TOOL_WAITS,    /* after all; nobody waits for it */
};

/*
 * One MCP tool.  The same field table decodes, checks and describes its arguments.  A new tool is
 * one of these in the file of its family, and one row in registry.c.
 */
struct tool {
	const char *name, *title, *help;
	const char *toolset; /* "computer", "shell", ...: what --tools selects */
	unsigned hints;
	enum tool_order order; /* only for those that take `sandbox` */
	int max_chars;         /* a result may be this long; 0: clients' usual bounds do */
	const struct field *fields;
	const char *schema; /* JSON, where a table of fields cannot say it; NULL: what fields say */
	size_t args_size;
	/* Optional: the arguments were refused; may replace the reason by one that says more. */
	void (*advise)(const json_t *args, struct err *err);
	/* Must end in call_reply() or call_fail(), now or later.  args and what it points to live
	 * as long as the call. */
	void (*run)(struct call *call, const void *args);
};

/* What --tools selects: toolset names and tool names, comma-separated; "all".  Unknown words are
 * errors naming the nearest. */
struct tool_set;
struct tool_set *tool_set_new(const char *selection, struct err *err) NODISCARD;
/* Adds tools of a program's own, which --tools knows nothing of, after the others; NULL-ended. */
void tool_set_add(struct tool_set *set, const struct tool *const *more);
void tool_set_free(struct tool_set *set);

const struct tool *tool_find(const struct tool_set *set, const char *name);
/* The i-th in the fixed order, NULL past the end. */
const struct tool *tool_at(const struct tool_set *set, size_t i);
/* {name, title, description, inputSchema, annotations, _meta?} */
json_t *tool_describe(const struct tool *tool);
/* A name near to a wrong one, or NULL. */
const char *tool_nearest(const struct tool_set *set, const char *name);

#endif
