#ifndef TOOLS_DIALECT_CLAUDE_H
#define TOOLS_DIALECT_CLAUDE_H

#include "base/field.h"
#include "tools/call.h"

/* Anthropic's tools beside `computer`, each in a file of its own. */

struct claude_bash_args {
	const char *sandbox, *command;
	bool restart;
};
extern const struct field claude_bash_fields[];
void claude_bash(struct call *call, const void *args);

#endif
