#ifndef SERVER_METHODS_PROMPTS_H
#define SERVER_METHODS_PROMPTS_H

#include "base/field.h"
#include "server/mcp/session.h"

/* One MCP prompt, with one row in prompts.c.  Arguments are strings, and so are its fields. */
struct prompt {
	const char *name, *title, *help;
	const struct field *fields;
	size_t args_size;
	/* Must call request_reply() or request_fail(), now or later.  args is valid during the
	 * call, its texts as long as the request. */
	void (*run)(struct request *request, const struct prompt *prompt, const void *args);
};

const struct prompt *prompt_find(const struct server *server, const char *name);
/* Returns {description, messages: [{role: "user", content}]}; takes content. */
json_t *prompt_result(const struct prompt *prompt, json_t *content);

#endif
