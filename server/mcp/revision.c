/* All differences between the protocol revisions.  No other part of the server compares dates. */
#include "server/mcp/revision.h"

#include "server/mcp/rpc.h"

#include <string.h>

/* Oldest first. */
static const struct mcp_revision revisions[] = {
	{ "2024-11-05", MCP_LEGACY },
	{ "2025-03-26", MCP_LEGACY },
	{ "2025-06-18", MCP_LEGACY },
	{ "2025-11-25", MCP_LEGACY },
	{ "2026-07-28", MCP_MODERN },
};
#define N_REVISIONS (sizeof(revisions) / sizeof(revisions[0]))

static bool since(const struct mcp_revision *revision, const char *date)
{
	return strcmp(revision->name, date) >= 0;
}

const struct mcp_revision *mcp_revision_find(const char *name, unsigned eras)
{
	for (size_t i = 0; i < N_REVISIONS; i++) {
		if ((revisions[i].era & eras) && strcmp(revisions[i].name, name) == 0) {
			return &revisions[i];
		}
	}
	return NULL;
}

const struct mcp_revision *mcp_revision_latest(enum mcp_era era)
{
	size_t i = N_REVISIONS;
	while (revisions[--i].era != era) {
	}
	return &revisions[i];
}

json_t *mcp_modern_versions(void)
{
	json_t *list = json_array();
	for (size_t i = 0; i < N_REVISIONS; i++) {
		if (revisions[i].era == MCP_MODERN) {
			json_array_append_new(list, json_string(revisions[i].name));
		}
	}
	return list;
}

/* ---- properties ---- */

bool mcp_takes_batches(const struct mcp_revision *revision)
{
	return strcmp(revision->name, "2025-03-26") == 0;
}

/* JSON-RPC requires null; the schema of 2025-11-25 allows to omit an error's id, but not null. */
bool mcp_leaves_out_id(const struct mcp_revision *revision)
{
	return since(revision, "2025-11-25");
}

bool mcp_primes_streams(const struct mcp_revision *revision)
{
	return revision && since(revision, "2025-11-25");
}

bool mcp_has_completions(const struct mcp_revision *revision)
{
	return since(revision, "2025-03-26");
}

bool mcp_progress_has_message(const struct mcp_revision *revision)
{
	return since(revision, "2025-03-26");
}

int mcp_not_found(const struct mcp_revision *revision)
{
	return revision->era == MCP_MODERN ? (int)RPC_INVALID_PARAMS : (int)MCP_RESOURCE_NOT_FOUND;
}

int mcp_http_status(const struct mcp_revision *revision, int code, bool by_method)
{
	if (revision->era == MCP_LEGACY) {
		return 200;
	}
	switch (code) {
	case RPC_METHOD_NOT_FOUND:
		return 404;
	case RPC_INVALID_PARAMS:
		return by_method ? 200 : 400;
	case RPC_INVALID_REQUEST:
	case MCP_HEADER_MISMATCH:
	case MCP_MISSING_CAPABILITY:
	case MCP_UNSUPPORTED_VERSION:
		return 400;
	default:
		return 200;
	}
}

/* ---- output ---- */

json_t *mcp_server_info(const struct mcp_revision *revision)
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

/* A client without audio blocks gets the bytes as an embedded resource. */
static void embed_audio(json_t *content)
{
	size_t i;
	json_t *block;
	json_array_foreach(content, i, block)
	{
		const char *type = json_string_value(json_object_get(block, "type"));
		if (type && strcmp(type, "audio") == 0) {
			json_array_set_new(content, i,
				json_pack("{s:s, s:{s:s, s:O, s:O}}", "type", "resource",
					"resource", "uri", "data:audio", "mimeType",
					json_object_get(block, "mimeType"), "blob",
					json_object_get(block, "data")));
		}
	}
}

void mcp_finish_result(const struct mcp_revision *revision, json_t *result, int ttl_ms)
{
	if (!since(revision, "2025-03-26")) {
		embed_audio(json_object_get(result, "content"));
	}
	if (revision->era == MCP_LEGACY) {
		return;
	}
	bool complete = !json_object_get(result, "resultType");
	if (complete) {
		json_object_set_new(result, "resultType", json_string("complete"));
	}
	if (complete && ttl_ms >= 0) {
		json_object_set_new(result, "ttlMs", json_integer(ttl_ms));
		json_object_set_new(result, "cacheScope", json_string("private"));
	}
	json_t *meta = json_object_get(result, "_meta");
	if (!meta) {
		json_object_set_new(result, "_meta", meta = json_object());
	}
	json_object_set_new(meta, MCP_META "serverInfo", mcp_server_info(revision));
}

void mcp_fit(const struct mcp_revision *revision, json_t *definition)
{
	static const struct {
		const char *member, *since;
	} members[] = {
		{ "annotations", "2025-03-26" },
		{ "title", "2025-06-18" },
		{ "_meta", "2025-06-18" },
	};
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (!since(revision, members[i].since)) {
			json_object_del(definition, members[i].member);
		}
	}
}

/* ---- levels ---- */

static const char *const levels[] = { "debug", "info", "notice", "warning", "error", "critical",
	"alert", "emergency" };

int mcp_level_from(const char *word)
{
	for (int i = 0; word && i < MCP_SILENT; i++) {
		if (strcmp(levels[i], word) == 0) {
			return i;
		}
	}
	return -1;
}

const char *mcp_level_word(enum mcp_level level)
{
	return levels[level];
}
