#ifndef TOOLS_DIALECT_CLAUDE_H
#define TOOLS_DIALECT_CLAUDE_H

#include "base/field.h"
#include "tools/call/call.h"

/* Anthropic's tools beside `computer`, each in a file of its own. */

struct claude_bash_args {
	const char *sandbox, *command;
	bool restart;
};
extern const struct field claude_bash_fields[];
void claude_bash(struct call *call, const void *args);

#define CLAUDE_EDIT_TEXT_MAX (512u << 10)
struct claude_edit_args {
	const char *sandbox, *path, *file_text, *old_str, *new_str, *insert_text;
	struct field_ints view_range;
	int64_t insert_line;
	int command;
};
extern const struct field claude_edit_fields[];
void claude_edit(struct call *call, const void *args);

#endif
