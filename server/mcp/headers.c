/*
 * The headers of a modern HTTP request that repeat members of its message, for routing by proxies.
 * They must match, because a proxy and the server would otherwise act on different values.
 */
#include "server/mcp/envelope.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "server/mcp/session.h"

#include <string.h>

#define BASE64_BEGIN "=?base64?"
#define BASE64_END "?="

/* Returns the decoded value of a header, to free(); NULL: malformed. */
static char *decode_header(const char *value)
{
	size_t len = strlen(value), begin = strlen(BASE64_BEGIN), end = strlen(BASE64_END);
	if (len >= begin + end && strncmp(value, BASE64_BEGIN, begin) == 0 &&
		strcmp(value + len - end, BASE64_END) == 0) {
		auto_free char *inner = must(strndup(value + begin, len - begin - end));
		size_t n;
		auto_free char *bytes = base64_decode(inner, &n);
		return bytes && !memchr(bytes, 0, n) ? must(strndup(bytes, n)) : NULL;
	}
	for (const char *c = value; *c; c++) {
		if ((*c < ' ' && *c != '\t') || *c > '~') {
			return NULL;
		}
	}
	return must(strdup(value));
}

bool mcp_check_header(
	const struct conn *conn, const char *header, const char *value, struct rpc_fault *fault)
{
	const char *raw = conn_header(conn, header);
	if (!raw) {
		return rpc_fault(fault, MCP_HEADER_MISMATCH, NULL,
			"the HTTP header %s is missing; it must be \"%.200s\", as in the message",
			header, value);
	}
	auto_free char *text = decode_header(raw);
	if (!text || strcmp(text, value) != 0) {
		return rpc_fault(fault, MCP_HEADER_MISMATCH, NULL,
			"the HTTP header %s is \"%.100s\", but the message contains \"%.200s\"",
			header, raw, value);
	}
	return true;
}

/* The name or URI in a request; NULL: none, or not valid. */
static const char *subject_of(const struct request *request, const char *method)
{
	static const struct {
		const char *method, *member;
	} subjects[] = {
		{ "tools/call", "name" },
		{ "prompts/get", "name" },
		{ "resources/read", "uri" },
		{ "tasks/get", "taskId" },
		{ "tasks/update", "taskId" },
		{ "tasks/cancel", "taskId" },
	};
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		if (strcmp(subjects[i].method, method) == 0) {
			return json_string_value(
				json_object_get(request->params, subjects[i].member));
		}
	}
	return NULL;
}

bool mcp_check_headers(const struct request *request, const char *method, struct rpc_fault *fault)
{
	const char *subject = subject_of(request, method);
	return request->conn->kind == TRANSPORT_DUPLEX ||
	       (mcp_check_header(request->conn, "Mcp-Method", method, fault) &&
		       (!subject || mcp_check_header(request->conn, "Mcp-Name", subject, fault)));
}

/* Formats an argument as a header value; false: its type has no such form. */
static bool write_param(const json_t *value, struct buf *out)
{
	if (json_is_string(value)) {
		buf_printf(out, "%s", json_string_value(value));
	} else if (json_is_integer(value)) {
		buf_printf(out, "%lld", (long long)json_integer_value(value));
	} else if (json_is_boolean(value)) {
		buf_printf(out, "%s", json_is_true(value) ? "true" : "false");
	} else {
		return false;
	}
	return true;
}

bool mcp_check_params(const struct request *request, const struct field *fields, const json_t *args,
	struct rpc_fault *fault)
{
	const struct conn *conn = request->conn;
	for (const struct field *field = fields; field->name; field++) {
		if (!field->header) {
			continue;
		}
		auto_buf struct buf header = { 0 }, text = { 0 };
		buf_printf(&header, "Mcp-Param-%s", field->header);
		const json_t *value = json_object_get(args, field->name);
		const char *name = buf_text(&header);
		if (write_param(value, &text)) {
			if (!mcp_check_header(conn, name, buf_text(&text), fault)) {
				return false;
			}
		} else if (conn_header(conn, name)) {
			return rpc_fault(fault, MCP_HEADER_MISMATCH, NULL,
				"the HTTP header %s is set, but there is no argument %s that it could "
				"repeat",
				name, field->name);
		}
	}
	return true;
}
