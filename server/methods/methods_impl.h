#ifndef SERVER_METHODS_METHODS_IMPL_H
#define SERVER_METHODS_METHODS_IMPL_H

#include "server/mcp/session.h"
#include "tools/call/tool.h"

/* Shared by the files of server/methods/. */

/* ---- one function per method, by file ---- */

void call_method_list(struct request *request);
void call_method_call(struct request *request);
void task_method_get(struct request *request);
void task_method_update(struct request *request);
void task_method_cancel(struct request *request);
void resource_method_list(struct request *request);
void resource_method_templates(struct request *request);
void resource_method_read(struct request *request);
void listen_method_subscribe(struct request *request);
void listen_method_unsubscribe(struct request *request);
void listen_method_listen(struct request *request);
void prompt_method_list(struct request *request);
void prompt_method_get(struct request *request);
void completion_method_complete(struct request *request);
void log_method_set_level(struct request *request);

/* ---- methods.c ---- */

/* Whether the lists of tools and prompts change at run time. */
bool methods_lists_change(const struct server *server);
/* The capabilities to store for a client: those that are used later. */
json_t *methods_keep_capabilities(const json_t *declared);

/* ---- tools_call.c: tools/call, initially attached to its request ---- */

struct request *call_request(struct call *call); /* NULL once answered */
/* The result of a call that failed before, or apart from, its tool. */
json_t *call_refusal(const struct err *why);
const struct tool *call_tool(const struct call *call);

/* ---- task_methods.c: calls that continue without their request ---- */

extern const struct session_part tasks_part;

/* ---- subscriptions.c: notifications of screen changes ---- */

enum listen_list { LISTEN_TOOLS, LISTEN_PROMPTS, LISTEN_LISTS };
void listen_list_changed(struct server *server, enum listen_list which);
extern const struct session_part subscriptions_part;

/* ---- logging.c: notifications/message ---- */

/* Takes data. */
void request_log(struct request *request, enum mcp_level level, const char *logger, json_t *data);
extern const struct session_part logging_part;

/* ---- pagination.c ---- */

/* The part of a list of `count` that the request's cursor selects; false: the request has
 * failed. */
bool page_read(struct request *request, size_t count, size_t *ret_from, size_t *ret_to);
/* Adds nextCursor to a result if more items follow. */
void page_mark(json_t *result, size_t to, size_t count);

/* ---- prompts.c ---- */

/* Instructions for the model: `instructions` and the prompt.  To free(). */
char *instructions_make(const struct tool_set *tools);

#endif
