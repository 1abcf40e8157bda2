/* The table of methods, and the methods that start a session: initialize, discover, ping. */
#include "server/methods/methods.h"

#include "base/cleanup.h"
#include "server/methods/methods_impl.h"
#include "server/methods/tool_call.h"

#define HOUR_MS 3600000

/* ---- negotiation ---- */

bool methods_lists_change(const struct server *server)
{
	return server->options.addition && server->options.addition->lists_change;
}

static json_t *capabilities(const struct server *server, const struct mcp_revision *revision)
{
	json_t *all = json_pack("{s:{}, s:{s:b}, s:{}, s:{}}", "tools", "resources", "subscribe", 1,
		"prompts", "logging");
	if (methods_lists_change(server)) {
		json_object_set_new(json_object_get(all, "tools"), "listChanged", json_true());
		json_object_set_new(json_object_get(all, "prompts"), "listChanged", json_true());
	}
	if (mcp_has_completions(revision)) {
		json_object_set_new(all, "completions", json_object());
	}
	if (revision->era == MCP_MODERN) {
		json_object_set_new(all, "extensions", json_pack("{s:{}}", TASKS_EXTENSION));
	}
	return all;
}

json_t *methods_keep_capabilities(const json_t *declared)
{
	static const char *const paths[][2] = { { "elicitation" }, { "elicitation", "form" },
		{ "elicitation", "url" }, { "sampling" }, { "roots" } };
	json_t *kept = json_object();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const char *outer = paths[i][0], *inner = paths[i][1];
		const json_t *from = json_object_get(declared, outer);
		if (!json_is_object(inner ? json_object_get(from, inner) : from)) {
			continue;
		}
		json_object_set_new(inner ? json_object_get(kept, outer) : kept,
			inner ? inner : outer, json_object());
	}
	return kept;
}

/* A second `initialize` negotiates again, because clients that probe first may send one. */
static void run_initialize(struct request *request)
{
	const char *wanted = request_text(request, "protocolVersion");
	if (!wanted) {
		return;
	}
	const struct mcp_revision *revision = mcp_revision_find(wanted, MCP_LEGACY);
	revision = revision ? revision : mcp_revision_latest(MCP_LEGACY);
	request->session->revision = revision;
	json_decref(request->session->capabilities);
	request->session->capabilities =
		methods_keep_capabilities(json_object_get(request->params, "capabilities"));
	http_session_keep(request->conn);
	request_reply(request,
		json_pack("{s:s, s:o, s:o, s:s}", "protocolVersion", revision->name, "capabilities",
			capabilities(request->server, revision), "serverInfo",
			mcp_server_info(revision), "instructions", request->server->instructions));
}

static void run_discover(struct request *request)
{
	request_reply(
		request, json_pack("{s:o, s:o, s:s}", "supportedVersions", mcp_modern_versions(),
				 "capabilities", capabilities(request->server, request->revision),
				 "instructions", request->server->instructions));
}

static void run_ping(struct request *request)
{
	request_reply(request, json_object());
}

/* ---- the table ---- */

#define NOT_KEPT -1
static const struct mcp_method methods[] = {
	{ "initialize", MCP_LEGACY, run_initialize, NOT_KEPT },
	{ "ping", MCP_LEGACY, run_ping, NOT_KEPT },
	{ "server/discover", MCP_MODERN, run_discover, HOUR_MS },
	{ "tools/list", MCP_BOTH, call_method_list, HOUR_MS },
	{ "tools/call", MCP_BOTH, call_method_call, NOT_KEPT, call_refusal },
	{ "tasks/get", MCP_MODERN, task_method_get, NOT_KEPT },
	{ "tasks/update", MCP_MODERN, task_method_update, NOT_KEPT },
	{ "tasks/cancel", MCP_MODERN, task_method_cancel, NOT_KEPT },
	{ "resources/list", MCP_BOTH, resource_method_list, 0 },
	{ "resources/templates/list", MCP_BOTH, resource_method_templates, HOUR_MS },
	{ "resources/read", MCP_BOTH, resource_method_read, 0 },
	{ "resources/subscribe", MCP_LEGACY, listen_method_subscribe, NOT_KEPT },
	{ "resources/unsubscribe", MCP_LEGACY, listen_method_unsubscribe, NOT_KEPT },
	{ "subscriptions/listen", MCP_MODERN, listen_method_listen, NOT_KEPT },
	{ "prompts/list", MCP_BOTH, prompt_method_list, HOUR_MS },
	{ "prompts/get", MCP_BOTH, prompt_method_get, NOT_KEPT },
	{ "completion/complete", MCP_BOTH, completion_method_complete, NOT_KEPT },
	{ "logging/setLevel", MCP_LEGACY, log_method_set_level, NOT_KEPT },
	{ 0 },
};
#undef NOT_KEPT

static const struct session_part *const parts[] = { &subscriptions_part, &logging_part, &tasks_part,
	NULL };

const struct server_methods server_methods = {
	.table = methods,
	.parts = parts,
	.instructions = instructions_make,
};
