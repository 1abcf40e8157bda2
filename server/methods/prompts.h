#ifndef SERVER_METHODS_PROMPTS_H
#define SERVER_METHODS_PROMPTS_H

#include "base/field.h"
#include "server/mcp/session.h"

/* One MCP prompt: one of these and one row in prompts.c.  Arguments are strings, so are its fields.
 */
struct prompt {
	const char *name, *title, *help;
	const struct field *fields;
	size_t args_size;
	/* Must end in request_reply() or request_fail(), now or later.  args is valid during the
	 * call, the texts in it as long as the request. */
	void (*run)(struct request *request, const struct prompt *prompt, const void *args);
};

const struct prompt *prompt_find(const struct server *server, const char *name);
/* {description, messages: [{role: "user", content}]}; content is taken. */
json_t *prompt_result(const struct prompt *prompt, json_t *content);

#endif
