#ifndef SERVER_MCP_REVISION_H
#define SERVER_MCP_REVISION_H

#include <jansson.h>
#include <stdbool.h>

/*
 * The protocol revisions and their differences.  There are two eras: modern (2026-07-28; each
 * request has its revision in params._meta and is stateless) and legacy (`initialize` negotiates a
 * revision for the connection).  Independent of connections and requests.
 */

#define MCP_META "io.modelcontextprotocol/" /* prefix of the protocol's keys in _meta */

enum mcp_era {
	MCP_LEGACY = 1 << 0,
	MCP_MODERN = 1 << 1,
	MCP_BOTH = MCP_LEGACY | MCP_MODERN,
};

struct mcp_revision {
	const char *name; /* a date; later ones compare greater */
	enum mcp_era era;
};

enum mcp_code {
	MCP_RESOURCE_NOT_FOUND = -32002, /* legacy only */
	MCP_HEADER_MISMATCH = -32020,
	MCP_MISSING_CAPABILITY = -32021, /* data.requiredCapabilities: an object */
	MCP_UNSUPPORTED_VERSION = -32022,
};

/* NULL: no such revision in these eras. */
const struct mcp_revision *mcp_revision_find(const char *name, unsigned eras);
const struct mcp_revision *mcp_revision_latest(enum mcp_era era);
json_t *mcp_modern_versions(void); /* an array of names */

/* ---- properties ---- */

/* Whether it has arrays of messages. */
bool mcp_takes_batches(const struct mcp_revision *revision);
/* Whether an error response may omit its id (otherwise null). */
bool mcp_leaves_out_id(const struct mcp_revision *revision);
/* Whether its streams begin with an event with an id and without data.  NULL (not negotiated):
 * no. */
bool mcp_primes_streams(const struct mcp_revision *revision);
bool mcp_has_completions(const struct mcp_revision *revision);
bool mcp_progress_has_message(const struct mcp_revision *revision);
int mcp_not_found(const struct mcp_revision *revision); /* the code for an unknown resource */
/* The HTTP status of a response with this error.  by_method: the envelope was valid. */
int mcp_http_status(const struct mcp_revision *revision, int code, bool by_method);

/* ---- output ---- */

/* Removes members that it does not define from a definition (tool, resource, prompt). */
void mcp_fit(const struct mcp_revision *revision, json_t *definition);
/* Adds the members that it requires to a result.  ttl_ms: how long a complete result may be cached;
 * -1: not at all. */
void mcp_finish_result(const struct mcp_revision *revision, json_t *result, int ttl_ms);
json_t *mcp_server_info(const struct mcp_revision *revision);

/* ---- levels of notifications/message ---- */

enum mcp_level {
	MCP_DEBUG,
	MCP_INFO,
	MCP_NOTICE,
	MCP_WARNING,
	MCP_ERROR,
	MCP_CRITICAL,
	MCP_ALERT,
	MCP_EMERGENCY,
	MCP_SILENT, /* not requested */
};
int mcp_level_from(const char *word); /* -1: unknown */
const char *mcp_level_word(enum mcp_level level);

#endif
