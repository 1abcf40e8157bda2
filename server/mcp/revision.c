/*
 * Every difference between the protocol revisions, and the one table of methods.  The rest of the
 * server asks here and never compares a date.
 */
#include "server/mcp/revision.h"

#include "base/cleanup.h"
#include "base/nearest.h"
#include "server/mcp/json_write.h"
#include "server/mcp/session.h"

#include <string.h>

#define VERSION_HEADER "MCP-Protocol-Version"
#define META "io.modelcontextprotocol/"

/* Oldest first. */
static const struct mcp_revision revisions[] = {
	{ "2024-11-05", MCP_LEGACY },
	{ "2025-03-26", MCP_LEGACY },
	{ "2025-06-18", MCP_LEGACY },
	{ "2025-11-25", MCP_LEGACY },
	{ "2026-07-28", MCP_MODERN },
};
#define N_REVISIONS (sizeof(revisions) / sizeof(revisions[0]))

static void run_initialize(struct request *request);
static void run_discover(struct request *request);
static void run_ping(struct request *request);

#define HOUR_MS 3600000

static const struct mcp_method methods[] = {
	{ "initialize", MCP_LEGACY, run_initialize },
	{ "ping", MCP_LEGACY, run_ping },
	{ "server/discover", MCP_MODERN, run_discover, true, HOUR_MS },
	{ "tools/list", MCP_BOTH, call_method_list, true, HOUR_MS },
	{ "tools/call", MCP_BOTH, call_method_call },
	{ "resources/list", MCP_BOTH, resource_method_list, true, 0 },
	{ "resources/templates/list", MCP_BOTH, resource_method_templates, true, HOUR_MS },
	{ "resources/read", MCP_BOTH, resource_method_read, true, 0 },
	{ "resources/subscribe", MCP_LEGACY, listen_method_subscribe },
	{ "resources/unsubscribe", MCP_LEGACY, listen_method_unsubscribe },
	{ "subscriptions/listen", MCP_MODERN, listen_method_listen },
	{ "prompts/list", MCP_BOTH, prompt_method_list, true, HOUR_MS },
	{ "prompts/get", MCP_BOTH, prompt_method_get },
	{ "completion/complete", MCP_BOTH, completion_method_complete },
	{ "logging/setLevel", MCP_LEGACY, log_method_set_level },
};
#define N_METHODS (sizeof(methods) / sizeof(methods[0]))

static bool since(const struct mcp_revision *revision, const char *date)
{
	return strcmp(revision->name, date) >= 0;
}

static const struct mcp_revision *find_revision(const char *name, unsigned eras)
{
	for (size_t i = 0; i < N_REVISIONS; i++) {
		if ((revisions[i].era & eras) && strcmp(revisions[i].name, name) == 0) {
			return &revisions[i];
		}
	}
	return NULL;
}

/* Some clients write null for what they leave out. */
static const json_t *member(const json_t *of, const char *name)
{
	const json_t *value = json_object_get(of, name);
	return json_is_null(value) ? NULL : value;
}

static const struct mcp_revision *latest(enum mcp_era era)
{
	size_t i = N_REVISIONS;
	while (revisions[--i].era != era) {
	}
	return &revisions[i];
}

/*
 * What an old connection speaks.  Before `initialize` a client should send nothing but pings; it is
 * a rule for clients, and real servers answer all the same, which lets a person try a request by
 * hand.  So do we, as our latest legacy revision.
 */
static const struct mcp_revision *revision_of(const struct session *session)
{
	return session->revision ? session->revision : latest(MCP_LEGACY);
}

bool mcp_takes_batches(const struct session *session)
{
	return strcmp(revision_of(session)->name, "2025-03-26") == 0;
}

const json_t *mcp_no_id(const struct conn *conn)
{
	/* JSON-RPC says null; the schema of 2025-11-25 lets an error have no id, but no null. */
	const struct mcp_revision *revision = conn->session->revision;
	bool left_out = revision ? since(revision, "2025-11-25") : conn->kind != TRANSPORT_DUPLEX;
	return left_out ? NULL : json_null();
}

/* ---- the envelope ---- */

static json_t *modern_versions(void)
{
	json_t *list = json_array();
	for (size_t i = 0; i < N_REVISIONS; i++) {
		if (revisions[i].era == MCP_MODERN) {
			json_array_append_new(list, json_string(revisions[i].name));
		}
	}
	return list;
}

/* A request that carries any of the per-request members claims to be modern. */
static bool claims_modern(const json_t *meta)
{
	static const char *const keys[] = { META "protocolVersion", META "clientCapabilities",
		META "clientInfo", META "logLevel" };
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (json_object_get(meta, keys[i])) {
			return true;
		}
	}
	return false;
}

bool mcp_is_modern(const struct conn *conn, const json_t *message)
{
	const char *version = conn_header(conn, VERSION_HEADER);
	return claims_modern(json_object_get(json_object_get(message, "params"), "_meta")) ||
	       (version && find_revision(version, MCP_MODERN) && !mcp_is_initialize(message));
}

bool mcp_is_initialize(const json_t *message)
{
	const char *method = json_string_value(json_object_get(message, "method"));
	return method && strcmp(method, "initialize") == 0;
}

bool mcp_is_legacy_version(const char *version)
{
	return find_revision(version, MCP_LEGACY);
}

/* ---- what HTTP says beside the message ---- */

int mcp_http_status(const struct request *request, int code)
{
	if (request->revision->era == MCP_LEGACY) {
		return 200;
	}
	switch (code) {
	case RPC_METHOD_NOT_FOUND:
		return 404;
	case RPC_INVALID_PARAMS: /* the envelope's, or the method's own */
		return request->method ? 200 : 400;
	case RPC_INVALID_REQUEST:
	case MCP_HEADER_MISMATCH:
	case MCP_MISSING_CAPABILITY:
	case MCP_UNSUPPORTED_VERSION:
		return 400;
	default:
		return 200;
	}
}

bool mcp_primes_streams(const struct session *session)
{
	return session->revision && since(session->revision, "2025-11-25");
}

/* ---- the envelope of a modern request ---- */

static bool read_version(struct request *request, const json_t *meta, struct rpc_fault *fault)
{
	const char *version = json_string_value(json_object_get(meta, META "protocolVersion"));
	if (!version) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"params._meta must hold the string \"" META "protocolVersion\"");
	}
	if (request->conn->kind != TRANSPORT_DUPLEX &&
		!mcp_check_header(request->conn, VERSION_HEADER, version, fault)) {
		return false;
	}
	const struct mcp_revision *revision = find_revision(version, MCP_MODERN);
	if (!revision) {
		char requested[64] = "";
		strncat(requested, version, sizeof(requested) - 1);
		return rpc_fault(fault, MCP_UNSUPPORTED_VERSION,
			json_pack("{s:o, s:o}", "supported", modern_versions(), "requested",
				json_text(requested)),
			"protocol version \"%s\" is not supported; send %s, or `initialize` for an "
			"older one",
			requested, latest(MCP_MODERN)->name);
	}
	request->revision = revision;
	return true;
}

static bool read_modern(
	struct request *request, const json_t *meta, const char *method, struct rpc_fault *fault)
{
	request->revision = latest(MCP_MODERN); /* in which a fault is told, too */
	if (!read_version(request, meta, fault) || !mcp_check_headers(request, method, fault)) {
		return false;
	}
	if (!json_is_object(json_object_get(meta, META "clientCapabilities"))) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"params._meta must hold the object \"" META "clientCapabilities\"");
	}
	const json_t *info = member(meta, META "clientInfo");
	if (info && !json_is_object(info)) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"params._meta[\"" META "clientInfo\"] must be an object");
	}
	const json_t *level = member(meta, META "logLevel");
	if (level) {
		request->log_level = mcp_level_from(json_string_value(level));
		if (request->log_level < 0) {
			return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
				"params._meta[\"" META
				"logLevel\"] must be one of debug, info, notice, "
				"warning, error, critical, alert, emergency");
		}
	}
	return true;
}

static bool read_method(struct request *request, const char *name, struct rpc_fault *fault)
{
	const char *known[N_METHODS + 1] = { NULL };
	size_t n = 0;
	unsigned eras = 0;
	for (size_t i = 0; i < N_METHODS; i++) {
		if (methods[i].eras & request->revision->era) {
			known[n++] = methods[i].name;
		}
		if (strcmp(methods[i].name, name) == 0) {
			eras = methods[i].eras;
			request->method = &methods[i];
		}
	}
	if (eras & request->revision->era) {
		return true;
	}
	if (eras == MCP_MODERN) {
		return rpc_fault(fault, RPC_INVALID_PARAMS, NULL,
			"%s needs params._meta with \"" META "protocolVersion\": \"%s\" and \"" META
			"clientCapabilities\"",
			name, latest(MCP_MODERN)->name);
	}
	const char *near = nearest_name(name, known);
	return rpc_fault(fault, RPC_METHOD_NOT_FOUND, NULL,
		"there is no method \"%.80s\" in %s%s%s%s", name, request->revision->name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

bool mcp_read(struct request *request, const char *method, struct rpc_fault *fault)
{
	const json_t *meta = member(request->params, "_meta");
	request->revision = revision_of(request->session);
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
			"%.80s must not be part of a batch here; send it alone", method);
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

/* ---- what goes out ---- */

static json_t *server_info(const struct mcp_revision *revision)
{
	json_t *info = json_pack("{s:s, s:s}", "name", "vitrine", "version", VITRINE_VERSION);
	if (since(revision, "2025-06-18")) {
		json_object_set_new(info, "title", json_string("Vitrine"));
	}
	if (since(revision, "2025-11-25")) {
		json_object_set_new(info, "description",
			json_string("An isolated Linux desktop for an AI agent"));
	}
	return info;
}

bool mcp_lists_change(const struct server *server)
{
	return server->options.addition && server->options.addition->lists_change;
}

static json_t *capabilities(const struct server *server, const struct mcp_revision *revision)
{
	json_t *all = json_pack("{s:{}, s:{s:b}, s:{}, s:{}}", "tools", "resources", "subscribe", 1,
		"prompts", "logging");
	if (mcp_lists_change(server)) {
		json_object_set_new(json_object_get(all, "tools"), "listChanged", json_true());
		json_object_set_new(json_object_get(all, "prompts"), "listChanged", json_true());
	}
	if (since(revision, "2025-03-26")) {
		json_object_set_new(all, "completions", json_object());
	}
	return all;
}

void mcp_finish_result(const struct request *request, json_t *result)
{
	if (request->revision->era == MCP_LEGACY) {
		return;
	}
	bool complete = !json_object_get(result, "resultType");
	if (complete) {
		json_object_set_new(result, "resultType", json_string("complete"));
	}
	if (complete && request->method->cached) {
		json_object_set_new(result, "ttlMs", json_integer(request->method->ttl_ms));
		json_object_set_new(result, "cacheScope", json_string("private"));
	}
	json_t *meta = json_object_get(result, "_meta");
	if (!meta) {
		json_object_set_new(result, "_meta", meta = json_object());
	}
	json_object_set_new(meta, META "serverInfo", server_info(request->revision));
}

void mcp_fit(const struct request *request, json_t *definition)
{
	static const struct {
		const char *member, *since;
	} members[] = {
		{ "annotations", "2025-03-26" },
		{ "title", "2025-06-18" },
		{ "_meta", "2025-06-18" },
	};
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (!since(request->revision, members[i].since)) {
			json_object_del(definition, members[i].member);
		}
	}
}

int mcp_not_found(const struct request *request)
{
	return request->revision->era == MCP_MODERN ? (int)RPC_INVALID_PARAMS
						    : (int)MCP_RESOURCE_NOT_FOUND;
}

const json_t *mcp_client_capabilities(const struct request *request)
{
	return request->revision->era == MCP_MODERN
		       ? json_object_get(json_object_get(request->params, "_meta"),
				 META "clientCapabilities")
		       : request->session->capabilities;
}

bool mcp_progress_has_message(const struct request *request)
{
	return since(request->revision, "2025-03-26");
}

/* ---- getting acquainted ---- */

/* What is remembered of a client's capabilities: those that are asked for some time. */
static json_t *keep_capabilities(const json_t *declared)
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

/* A second `initialize` agrees anew: it does no harm, and clients that probe first may send one. */
static void run_initialize(struct request *request)
{
	const char *wanted = request_text(request, "protocolVersion");
	if (!wanted) {
		return;
	}
	const struct mcp_revision *revision = find_revision(wanted, MCP_LEGACY);
	revision = revision ? revision : latest(MCP_LEGACY);
	request->session->revision = revision;
	json_decref(request->session->capabilities);
	request->session->capabilities =
		keep_capabilities(json_object_get(request->params, "capabilities"));
	http_session_keep(request->conn);
	request_reply(request,
		json_pack("{s:s, s:o, s:o, s:s}", "protocolVersion", revision->name, "capabilities",
			capabilities(request->server, revision), "serverInfo",
			server_info(revision), "instructions", request->server->instructions));
}

static void run_discover(struct request *request)
{
	request_reply(
		request, json_pack("{s:o, s:o, s:s}", "supportedVersions", modern_versions(),
				 "capabilities", capabilities(request->server, request->revision),
				 "instructions", request->server->instructions));
}

static void run_ping(struct request *request)
{
	request_reply(request, json_object());
}
