/* JSON-RPC 2.0: what kind of message an envelope is, whether it is well formed, and how answers are
 * written. */
#include "server/rpc.h"

#include "base/cleanup.h"
#include "server/json_write.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 100000 /* in one message */

bool rpc_fault(struct rpc_fault *fault, int code, json_t *data, const char *fmt, ...)
{
	*fault = (struct rpc_fault){ .code = code, .data = data };
	va_list args;
	va_start(args, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, args);
	va_end(args);
	return false;
}

/* Values outside of strings, near enough: an empty array of two bytes costs a hundred once it is
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

json_t *rpc_parse(const char *text, size_t len, struct rpc_fault *fault)
{
	if (len > VALUES_MAX && count_values(text, len) > VALUES_MAX) {
		rpc_fault(fault, RPC_INVALID_REQUEST, NULL,
			"a message must not hold more than %d values; send less in one message",
			VALUES_MAX);
		return NULL;
	}
	json_error_t why;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!json) {
		rpc_fault(fault, RPC_PARSE_ERROR, NULL,
			"not a JSON message: %s (at byte %d); send one JSON-RPC 2.0 object a line",
			why.text, why.position);
	}
	return json;
}

/* The code unit of the escape \uXXXX at `at`; -1: there is none. */
static int unit_at(const char *at, const char *end)
{
	char digits[5] = "";
	if (end - at < 6 || at[0] != '\\' || at[1] != 'u') {
		return -1;
	}
	memcpy(digits, at + 2, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? (int)strtol(digits, NULL, 16) : -1;
}

static bool is_between(int unit, int from, int to)
{
	return unit >= from && unit <= to;
}

/* Puts U+FFFD in the place of escapes that are no text; false when there are none. */
static bool replace_bad_escapes(char *text, size_t len)
{
	bool found = false;
	const char *end = text + len;
	for (char *at = text; at < end; at++) {
		int unit = unit_at(at, end);
		if (is_between(unit, 0xd800, 0xdbff) &&
			is_between(unit_at(at + 6, end), 0xdc00, 0xdfff)) {
			at += 11;
		} else if (unit == 0 || is_between(unit, 0xd800, 0xdfff)) {
			memcpy(at + 2, "fffd", 4);
			found = true;
		} else if (*at == '\\') {
			at++;
		}
	}
	return found;
}

static bool is_too_large(const char *number)
{
	errno = 0;
	if (strpbrk(number, ".eE")) {
		return isinf(strtod(number, NULL));
	}
	strtoll(number, NULL, 10);
	return errno == ERANGE;
}

/* Puts null in the place of numbers that do not fit; false when there are none. */
static bool replace_large_numbers(char *text)
{
	bool found = false, quoted = false;
	for (char *at = text; *at; at++) {
		size_t n = quoted ? 0 : strspn(at, "0123456789+-.eE");
		if (*at == '"') {
			quoted = !quoted;
		} else if (quoted && *at == '\\' && at[1]) {
			at++;
		} else if (n > 4) { /* shorter ones fit */
			auto_free char *number = must(strndup(at, n));
			if (is_too_large(number)) {
				memset(at, ' ', n);
				memcpy(at, "null", 4);
				found = true;
			}
			at += n - 1;
		}
	}
	return found;
}

json_t *rpc_rescue_id(const char *text, size_t len, struct rpc_fault *fault)
{
	auto_free char *copy = must(strndup(text, len));
	if (strlen(copy) != len) {
		return NULL;
	}
	bool escapes = replace_bad_escapes(copy, len), numbers = replace_large_numbers(copy);
	if (!escapes && !numbers) {
		return NULL;
	}
	json_auto_t *json = json_loadb(copy, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *id = json_object_get(json, "id");
	if (!rpc_is_id(id) || (json_is_string(id) && strstr(json_string_value(id), "\ufffd"))) {
		return NULL;
	}
	rpc_fault(fault, RPC_PARSE_ERROR, NULL, "%s",
		escapes ? "a string must not hold U+0000 or half of a surrogate pair; leave it "
			  "out, and send whole characters"
			: "a number is too large; integers have at most 64 bits");
	return json_incref(id);
}

bool rpc_is_id(const json_t *value)
{
	return json_is_integer(value) ||
	       (json_is_string(value) && json_string_length(value) <= RPC_ID_MAX);
}

static bool check_request(const struct rpc_message *msg, const json_t *id, const json_t *params,
	struct rpc_fault *fault)
{
	if (id && !msg->id) {
		return rpc_fault(fault, RPC_INVALID_REQUEST, NULL,
			"id must be an integer or a string of at most %d bytes", RPC_ID_MAX);
	}
	if (params && !json_is_object(params)) {
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
	ret->id = rpc_is_id(id) ? id : NULL;
	if (!method && (json_object_get(in, "result") || json_object_get(in, "error"))) {
		return RPC_RESPONSE; /* never answered, not even a broken one: that could go on for
					ever */
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
	return check_request(ret, id, params, fault) ? RPC_REQUEST : RPC_INVALID;
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
