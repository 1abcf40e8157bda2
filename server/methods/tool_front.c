/* What a tool asks of MCP while its call runs: its struct call_impl. */
#include "server/mcp/client_request.h"
#include "server/mcp/json_write.h"
#include "server/methods/methods_impl.h"
#include "server/methods/tool_call.h"

static struct tool_call *of(struct call *call)
{
	return (struct tool_call *)call;
}

bool tool_call_stream_base(
	struct tool_call *call, const char *host, char **ret_url, struct err *err)
{
	const struct server *server = call->principal->server;
	if (!server || !server->options.stream_base) {
		return err_set(err, ERR_UNSUPPORTED, "this server does not serve the viewer page");
	}
	return server->options.stream_base(host, ret_url, err, server->options.data);
}

static bool stream_base(struct call *call, char **ret_url, struct err *err)
{
	const char *host = conn_header(of(call)->request->conn, "Host");
	return tool_call_stream_base(of(call), host, ret_url, err);
}

const char *tool_call_stream_vnc(const struct tool_call *call)
{
	const struct server *server = call->principal->server;
	return server && server->options.stream_vnc
		       ? server->options.stream_vnc(server->options.data)
		       : NULL;
}

static const char *stream_vnc(struct call *call)
{
	return tool_call_stream_vnc(of(call));
}

static void progress(struct call *call, double step, double total, const char *message)
{
	request_progress(of(call)->request, step, total, message);
}

static void set_describe(struct call *call, const char *(*describe)(void *data), void *data)
{
	request_describe(of(call)->request, describe, data);
}

static void log_text(struct call *call, enum log_level level, const char *text)
{
	static const enum mcp_level levels[] = {
		[LOG_LEVEL_ERROR] = MCP_ERROR,
		[LOG_LEVEL_WARNING] = MCP_WARNING,
		[LOG_LEVEL_INFO] = MCP_INFO,
		[LOG_LEVEL_DEBUG] = MCP_DEBUG,
	};
	struct request *request = of(call)->request;
	if (request_logs(request, levels[level])) {
		request_log(request, levels[level], call->tool->name, json_text(text));
	}
}

static bool client_supports(
	const struct call *call, const struct call_client_request *client_request)
{
	return client_request_is_supported(
		((const struct tool_call *)call)->request, client_request);
}

static void on_answers(const json_t *answers, const struct err *why, void *data)
{
	call_answered(data, answers, why);
}

static void request_client(
	struct call *call, const struct call_client_request *client_requests, size_t n)
{
	client_request_send(of(call)->request, client_requests, n, on_answers, call);
}

static void close_stream(struct call *call, unsigned retry_ms)
{
	http_session_close_stream(of(call)->request->conn, retry_ms);
}

const struct call_impl tool_call_impl = {
	.answer = tool_call_answer,
	.stream_base = stream_base,
	.stream_vnc = stream_vnc,
	.progress = progress,
	.describe = set_describe,
	.log = log_text,
	.client_supports = client_supports,
	.request_client = request_client,
	.close_stream = close_stream,
	.free = tool_call_free,
};
