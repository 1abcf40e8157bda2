/*
 * The common members of each request: its revision, method and subscriptions.  A legacy request
 * uses the revision of its session; a modern request is self-contained.
 */
#include "server/mcp/envelope.h"

#include "base/nearest.h"
#include "server/mcp/json_write.h"
#include "server/mcp/session.h"

#include <string.h>

#define METHODS_MAX 64 /* to suggest a name from */

/* Some clients write null for absent members. */
static const json_t *member(const json_t *of, const char *name)
{
	const json_t *value = json_object_get(of, name);
	return json_is_null(value) ? NULL : value;
}

/* A request with any of the per-request members is modern. */
static bool claims_modern(const json_t *meta)
{
	static const char *const keys[] = { MCP_META "protocolVersion",
		MCP_META "clientCapabilities", MCP_META "clientInfo", MCP_META "logLevel" };
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (json_object_get(meta, keys[i])) {
			return true;
		}
	}
	return false;
}

bool mcp_is_modern(const struct conn *conn, const json_t *message)
{
	const char *version = conn_header(conn, MCP_VERSION_HEADER);
	return claims_modern(json_object_get(json_object_get(message, "params"), "_meta")) ||
	       (version && mcp_revision_find(version, MCP_MODERN) && !mcp_is_initialize(message));
}

bool mcp_is_initialize(const json_t *message)
{
	const char *method = json_string_value(json_object_get(message, "method"));
	return method && strcmp(method, "initialize") == 0;
}

/* ---- a modern request ---- */

static bool read_version(struct request *request, const json_t *meta, struct rpc_fault *fault)
{
	const char *version = json_string_value(json_object_get(meta, MCP_META "protocolVersion"));
	if (!version) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"params._meta must contain the string \"" MCP_META "protocolVersion\"");
	}
	if (request->conn->kind != TRANSPORT_DUPLEX &&
		!mcp_check_header(request->conn, MCP_VERSION_HEADER, version, fault)) {
		return false;
	}
	const struct mcp_revision *revision = mcp_revision_find(version, MCP_MODERN);
	if (!revision) {
		char requested[64] = "";
		strncat(requested, version, sizeof(requested) - 1);
		return rpc_fault(fault, MCP_UNSUPPORTED_VERSION,
			json_pack("{s:o, s:o}", "supported", mcp_modern_versions(), "requested",
				json_text(requested)),
			"protocol version \"%s\" is not supported; send %s, or `initialize` for an "
			"older one",
			requested, mcp_revision_latest(MCP_MODERN)->name);
	}
	request->revision = revision;
	return true;
}

static bool read_modern(
	struct request *request, const json_t *meta, const char *method, struct rpc_fault *fault)
{
	request->revision = mcp_revision_latest(MCP_MODERN); /* used for errors, too */
	if (!read_version(request, meta, fault) || !mcp_check_headers(request, method, fault)) {
		return false;
	}
	if (!json_is_object(json_object_get(meta, MCP_META "clientCapabilities"))) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"params._meta must contain the object \"" MCP_META "clientCapabilities\"");
	}
	const json_t *info = member(meta, MCP_META "clientInfo");
	if (info && !json_is_object(info)) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"params._meta[\"" MCP_META "clientInfo\"] must be an object");
	}
	const json_t *level = member(meta, MCP_META "logLevel");
	if (level) {
		request->log_level = mcp_level_from(json_string_value(level));
		if (request->log_level < 0) {
			return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
				"params._meta[\"" MCP_META
				"logLevel\"] must be one of debug, info, notice, "
				"warning, error, critical, alert, emergency");
		}
	}
	return true;
}

static bool read_method(struct request *request, const char *name, struct rpc_fault *fault)
{
	const char *known[METHODS_MAX + 1] = { NULL };
	const struct mcp_method *method = request->server->options.methods->table;
	size_t n = 0;
	unsigned eras = 0;
	for (; method->name; method++) {
		if ((method->eras & request->revision->era) && n < METHODS_MAX) {
			known[n++] = method->name;
		}
		if (strcmp(method->name, name) == 0) {
			eras = method->eras;
			request->method = method;
		}
	}
	if (eras & request->revision->era) {
		return true;
	}
	if (eras == MCP_MODERN) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"%s requires params._meta with \"" MCP_META
			"protocolVersion\": \"%s\" and \"" MCP_META "clientCapabilities\"",
			name, mcp_revision_latest(MCP_MODERN)->name);
	}
	const char *near = nearest_name(name, known);
	return rpc_fault(fault, RPC_METHOD_NOT_FOUND, NULL, "unknown method \"%.80s\" in %s%s%s%s",
		name, request->revision->name, near ? "; did you mean \"" : "", near ? near : "",
		near ? "\"?" : "");
}

bool mcp_read(struct request *request, const char *method, struct rpc_fault *fault)
{
	const json_t *meta = member(request->params, "_meta");
	request->revision = session_revision(request->session);
	if (meta && !json_is_object(meta)) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL, "params._meta must be an object");
	}
	if (mcp_is_modern(request->conn, request->message) &&
		!read_modern(request, meta, method, fault)) {
		return false;
	}
	if (request->batch &&
		(request->revision->era == MCP_MODERN || strcmp(method, "initialize") == 0)) {
		return rpc_fault(fault, RPC_INVALID_REQUEST, NULL,
			"%.80s is not allowed in a batch; send it separately", method);
	}
	request->progress_token = member(meta, "progressToken");
	if (request->progress_token && !rpc_is_id(request->progress_token)) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"params._meta.progressToken must be an integer or a string of at most %d "
			"bytes",
			RPC_ID_MAX);
	}
	return read_method(request, method, fault);
}

const json_t *mcp_client_capabilities(const struct request *request)
{
	return request->revision->era == MCP_MODERN
		       ? json_object_get(json_object_get(request->params, "_meta"),
				 MCP_META "clientCapabilities")
		       : request->session->capabilities;
}
