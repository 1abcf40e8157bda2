/* JSON-RPC 2.0: classifies and checks messages, and writes responses. */
#include "server/mcp/rpc.h"

#include "base/cleanup.h"
#include "server/mcp/json_write.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 100000 /* per message */

bool rpc_fault(struct rpc_fault *fault, int code, json_t *data, const char *fmt, ...)
{
	*fault = (struct rpc_fault){ .code = code, .data = data };
	va_list args;
	va_start(args, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, args);
	va_end(args);
	return false;
}

/* Counts values outside of strings, approximately: an empty array of two bytes needs a hundred when
 * parsed. */
static size_t count_values(const char *text, size_t len)
{
	size_t n = 0;
	bool quoted = false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"') {
			quoted = !quoted;
		} else if (text[i] == '\\') {
			i++;
		} else if (!quoted) {
			n += text[i] == ',' || text[i] == '[' || text[i] == '{';
		}
	}
	return n;
}

/* What to do, if the reason alone does not say it. */
static const char *hint_for(const json_error_t *why)
{
	enum json_error_code code = json_error_code(why);
	if (code == json_error_null_character || strstr(why->text, "invalid Unicode")) {
		return "a string must not contain U+0000 or half of a surrogate pair; remove it, "
		       "and send complete characters";
	}
	return code == json_error_numeric_overflow
		       ? "a number is too large; integers have at most 64 bits"
		       : NULL;
}

/* An integer sent as 3.0 is valid. */
static bool is_whole(const json_t *value)
{
	double number = json_real_value(value);
	return json_is_real(value) && fabs(number) < 1e15 && number == floor(number);
}

/* Whether it can be returned, valid or not. */
static bool is_echoed(const json_t *id)
{
	return rpc_is_id(id) || json_is_real(id);
}

json_t *rpc_parse(const char *text, size_t len, struct rpc_fault *fault)
{
	if (len > VALUES_MAX && count_values(text, len) > VALUES_MAX) {
		rpc_fault(fault, RPC_INVALID_REQUEST, NULL,
			"a message must not contain more than %d values; split it into several messages",
			VALUES_MAX);
		return NULL;
	}
	json_error_t why;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!json) {
		const char *hint = hint_for(&why);
		rpc_fault(fault, RPC_PARSE_ERROR, NULL, "not a JSON message: %s (at byte %d); %s",
			why.text, why.position, hint ? hint : "send one JSON-RPC 2.0 object");
	}
	return json;
}

/* ---- the id of a message that could not be parsed ---- */

/* Returns the end of the string that begins at `at`, or end if it is unterminated. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++) {
		at += *at == '\\';
	}
	return at < end ? at + 1 : end;
}

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && strchr(" \t\r\n", *at) && *at) {
		at++;
	}
	return at;
}

static const char *skip_value(const char *at, const char *end)
{
	if (at < end && *at == '"') {
		return skip_string(at, end);
	}
	while (at < end && !(strchr(",}] \t\r\n", *at) && *at)) {
		at++;
	}
	return at;
}

/* Counts the members of the outermost object with this name, and finds the first one's value. */
static size_t find_member(const char *text, size_t len, const char *name, const char **ret_value)
{
	const char *end = text + len;
	size_t depth = 0, found = 0;
	bool key = false;
	for (const char *at = text; at < end;) {
		char c = *at;
		if (c != '"') {
			depth += c == '{' || c == '[';
			depth -= depth && (c == '}' || c == ']');
			key = depth == 1 &&
			      (c == ',' || c == '{' || (key && c && strchr(" \t\r\n", c)));
			at++;
			continue;
		}
		const char *behind = skip_string(at, end), *value = skip_space(behind, end);
		bool is_it = key && (size_t)(behind - at) == strlen(name) + 2 &&
			     memcmp(at + 1, name, strlen(name)) == 0;
		if (is_it && value < end && *value == ':' && found++ == 0) {
			*ret_value = skip_space(value + 1, end);
		}
		key = false;
		at = behind;
	}
	return found;
}

json_t *rpc_rescue_id(const char *text, size_t len)
{
	const char *value, *method;
	if (find_member(text, len, "method", &method) == 0 ||
		find_member(text, len, "id", &value) != 1) {
		return NULL;
	}
	json_t *id = json_loadb(
		value, (size_t)(skip_value(value, text + len) - value), JSON_DECODE_ANY, NULL);
	if (!is_echoed(id)) {
		json_decref(id);
		return NULL;
	}
	return id;
}

bool rpc_is_id(const json_t *value)
{
	return json_is_integer(value) || is_whole(value) ||
	       (json_is_string(value) && json_string_length(value) <= RPC_ID_MAX);
}

static bool check_request(const json_t *id, const json_t *params, struct rpc_fault *fault)
{
	if (!rpc_is_id(id)) {
		return rpc_fault(fault, RPC_INVALID_REQUEST, NULL,
			"id must be an integer or a string of at most %d bytes", RPC_ID_MAX);
	}
	bool none = json_is_null(params) || (json_is_array(params) && !json_array_size(params));
	if (params && !none && !json_is_object(params)) {
		return rpc_fault(fault,
			json_is_array(params) ? RPC_INVALID_PARAMS : RPC_INVALID_REQUEST, NULL,
			"params must be an object");
	}
	return true;
}

enum rpc_kind rpc_read(const json_t *in, struct rpc_message *ret, struct rpc_fault *fault)
{
	*ret = (struct rpc_message){ 0 };
	if (!json_is_object(in)) {
		rpc_fault(fault, RPC_INVALID_REQUEST, NULL,
			"a message must be an object with \"jsonrpc\": \"2.0\"");
		return RPC_INVALID;
	}
	const json_t *id = json_object_get(in, "id");
	const json_t *method = json_object_get(in, "method");
	const json_t *params = json_object_get(in, "params");
	ret->id = is_echoed(id) ? id : NULL;
	if (!method && (json_object_get(in, "result") || json_object_get(in, "error"))) {
		/* never answered, even if invalid: responses to responses could continue forever */
		return RPC_RESPONSE;
	}
	const char *version = json_string_value(json_object_get(in, "jsonrpc"));
	if (!version || strcmp(version, "2.0") != 0) {
		rpc_fault(fault, RPC_INVALID_REQUEST, NULL, "jsonrpc must be \"2.0\"");
		return RPC_INVALID;
	}
	if (!json_is_string(method)) {
		rpc_fault(fault, RPC_INVALID_REQUEST, NULL, "method must be a string");
		return RPC_INVALID;
	}
	ret->method = json_string_value(method);
	ret->params = json_is_object(params) ? params : NULL;
	if (!id) {
		return RPC_NOTIFICATION;
	}
	return check_request(id, params, fault) ? RPC_REQUEST : RPC_INVALID;
}

static void write_text(struct buf *out, const char *text)
{
	buf_append(out, text, strlen(text));
}

static void write_member(struct buf *out, const char *key, const json_t *value)
{
	if (value) {
		buf_printf(out, ",\"%s\":", key);
		json_write(out, value);
	}
}

void rpc_write_result(struct buf *out, const json_t *id, const json_t *result)
{
	write_text(out, "{\"jsonrpc\":\"2.0\"");
	write_member(out, "id", id);
	write_member(out, "result", result);
	write_text(out, "}");
}

void rpc_write_fault(struct buf *out, const json_t *id, const struct rpc_fault *fault)
{
	json_auto_t *text = json_text(fault->text);
	write_text(out, "{\"jsonrpc\":\"2.0\"");
	write_member(out, "id", id);
	buf_printf(out, ",\"error\":{\"code\":%d", fault->code);
	write_member(out, "message", text);
	write_member(out, "data", fault->data);
	write_text(out, "}}");
}

void rpc_write_request(struct buf *out, const json_t *id, const char *method, const json_t *params)
{
	write_text(out, "{\"jsonrpc\":\"2.0\"");
	write_member(out, "id", id);
	buf_printf(out, ",\"method\":\"%s\"", method);
	write_member(out, "params", params);
	write_text(out, "}");
}

void rpc_write_notification(struct buf *out, const char *method, const json_t *params)
{
	buf_printf(out, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\"", method);
	write_member(out, "params", params);
	write_text(out, "}");
}
