#ifndef SERVER_MCP_REVISION_H
#define SERVER_MCP_REVISION_H

#include <jansson.h>
#include <stdbool.h>

/*
 * The protocol revisions, and everything that differs between them.  Two eras: modern (2026-07-28;
 * each request says its revision in params._meta, nothing is remembered) and legacy (`initialize`
 * agrees on a revision for the connection).  Nothing here knows a connection or a request.
 */

#define MCP_META "io.modelcontextprotocol/" /* how the protocol's own keys of _meta begin */

enum mcp_era {
	MCP_LEGACY = 1 << 0,
	MCP_MODERN = 1 << 1,
	MCP_BOTH = MCP_LEGACY | MCP_MODERN,
};

struct mcp_revision {
	const char *name; /* its date; later ones compare greater */
	enum mcp_era era;
};

enum mcp_code {
	MCP_RESOURCE_NOT_FOUND = -32002, /* legacy only */
	MCP_HEADER_MISMATCH = -32020,
	MCP_MISSING_CAPABILITY = -32021, /* data.requiredCapabilities: an object */
	MCP_UNSUPPORTED_VERSION = -32022,
};

/* NULL: there is none of that name in these eras. */
const struct mcp_revision *mcp_revision_find(const char *name, unsigned eras);
const struct mcp_revision *mcp_revision_latest(enum mcp_era era);
json_t *mcp_modern_versions(void); /* an array of names */

/* ---- what a revision knows ---- */

/* Has it arrays of messages? */
bool mcp_takes_batches(const struct mcp_revision *revision);
/* May an error answer leave out its id (else it is null)? */
bool mcp_leaves_out_id(const struct mcp_revision *revision);
/* Do its streams begin with an event that has an id and no data?  NULL (not agreed on yet): no. */
bool mcp_primes_streams(const struct mcp_revision *revision);
bool mcp_has_completions(const struct mcp_revision *revision);
bool mcp_progress_has_message(const struct mcp_revision *revision);
int mcp_not_found(const struct mcp_revision *revision); /* the code for an unknown resource */
/* The HTTP status of an answer with this error.  by_method: the envelope was good. */
int mcp_http_status(const struct mcp_revision *revision, int code, bool by_method);

/* ---- what goes out ---- */

/* Takes out of a definition (tool, resource, prompt) what it does not know. */
void mcp_fit(const struct mcp_revision *revision, json_t *definition);
/* Puts into a result what it wants there.  ttl_ms: how long a complete one may be kept; -1: it may
 * not. */
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
	MCP_SILENT, /* nobody asked */
};
int mcp_level_from(const char *word); /* -1: no such level */
const char *mcp_level_word(enum mcp_level level);

#endif
