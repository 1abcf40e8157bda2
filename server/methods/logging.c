/* logging/setLevel and notifications/message: log messages for clients that request them. */
#include "server/methods/methods_impl.h"

#include "base/cleanup.h"
#include "server/mcp/json_write.h"

#include <string.h>

void request_log(struct request *request, enum mcp_level level, const char *logger, json_t *data)
{
	if (!request_logs(request, level)) {
		json_decref(data);
		return;
	}
	conn_notify(request->conn, "notifications/message",
		json_pack("{s:s, s:s, s:o}", "level", mcp_level_word(level), "logger", logger,
			"data", data));
}

/* It belongs to no request, so only legacy connections receive it. */
static void on_notice(struct vm *vm, const char *text, void *data)
{
	struct server *server = data;
	struct session *session;
	LIST_FOREACH(session, &server->sessions, link)
	{
		if (session->log_level <= MCP_WARNING && conn_listens(session->notifications) &&
			strcmp(session->owner, vm_owner(vm)) == 0) {
			conn_notify(session->notifications, "notifications/message",
				json_pack("{s:s, s:s, s:{s:s, s:o}}", "level",
					mcp_level_word(MCP_WARNING), "logger", "sandbox", "data",
					"sandbox", vm_id(vm), "text", json_text(text)));
		}
	}
}

static const struct vm_listener vm_listener = { .notice = on_notice };

static void started(struct server *server)
{
	if (server->options.vms) {
		listener_add(vm_listeners(server->options.vms), &server->notifications,
			&vm_listener, server);
	}
}

static void stopped(struct server *server)
{
	listener_remove(&server->notifications);
}

const struct session_part logging_part = { .started = started, .stopped = stopped };

void log_method_set_level(struct request *request)
{
	const char *word = request_text(request, "level");
	if (!word) {
		return;
	}
	int level = mcp_level_from(word);
	if (level < 0) {
		request_fail(request, RPC_INVALID_PARAMS, NULL,
			"params.level must be one of debug, info, notice, warning, error, "
			"critical, alert, "
			"emergency; got \"%.40s\"",
			word);
		return;
	}
	request->session->log_level = level;
	request_reply(request, json_object());
}
