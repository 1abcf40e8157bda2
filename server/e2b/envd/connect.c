#include "server/e2b/envd/connect.h"

#include "base/bytes.h"
#include "base/cleanup.h"

#include <string.h>

#define DIGITS_MAX 10

static const struct {
	const char *name;
	int status;
} codes[] = {
	[CONNECT_CANCELED] = { "canceled", 499 },
	[CONNECT_UNKNOWN] = { "unknown", 500 },
	[CONNECT_INVALID_ARGUMENT] = { "invalid_argument", 400 },
	[CONNECT_DEADLINE_EXCEEDED] = { "deadline_exceeded", 504 },
	[CONNECT_NOT_FOUND] = { "not_found", 404 },
	[CONNECT_ALREADY_EXISTS] = { "already_exists", 409 },
	[CONNECT_PERMISSION_DENIED] = { "permission_denied", 403 },
	[CONNECT_RESOURCE_EXHAUSTED] = { "resource_exhausted", 429 },
	[CONNECT_FAILED_PRECONDITION] = { "failed_precondition", 400 },
	[CONNECT_UNIMPLEMENTED] = { "unimplemented", 501 },
	[CONNECT_INTERNAL] = { "internal", 500 },
	[CONNECT_UNAVAILABLE] = { "unavailable", 503 },
	[CONNECT_UNAUTHENTICATED] = { "unauthenticated", 401 },
};

const char *connect_code_name(enum connect_code code)
{
	return codes[code].name;
}

int connect_code_status(enum connect_code code)
{
	return codes[code].status;
}

enum connect_code connect_code_of(const struct err *err)
{
	static const enum connect_code kinds[] = {
		[ERR_NONE] = CONNECT_UNKNOWN,
		[ERR_ARGUMENT] = CONNECT_INVALID_ARGUMENT,
		[ERR_NOT_FOUND] = CONNECT_NOT_FOUND,
		[ERR_STATE] = CONNECT_INTERNAL,
		[ERR_LIMIT] = CONNECT_RESOURCE_EXHAUSTED,
		[ERR_UNSUPPORTED] = CONNECT_UNIMPLEMENTED,
		[ERR_TIMEOUT] = CONNECT_DEADLINE_EXCEEDED,
		[ERR_CANCELLED] = CONNECT_CANCELED,
		[ERR_GONE] = CONNECT_UNAVAILABLE,
		[ERR_HOST] = CONNECT_INTERNAL,
	};
	return kinds[err->kind];
}

json_t *connect_error(enum connect_code code, const char *message)
{
	json_t *text = json_string(message);
	return must(json_pack("{s:s, s:o}", "code", codes[code].name, "message",
		text ? text : must(json_string("the request failed"))));
}

/* ---- envelopes ---- */

void connect_envelope_append(struct buf *to, unsigned flags, const void *message, size_t len)
{
	const uint8_t byte = (uint8_t)flags;
	buf_append(to, &byte, 1);
	bytes_append_u32(to, (uint32_t)len);
	buf_append(to, message, len);
}

bool connect_envelope_read(
	const void *body, size_t len, const char **ret_message, size_t *ret_len, struct err *err)
{
	const uint8_t *bytes = body;
	if (len < CONNECT_HEADER) {
		return err_set(err, ERR_ARGUMENT,
			"the body must be an envelope of at least %d bytes; got %zu",
			CONNECT_HEADER, len);
	}
	if (bytes[0] & CONNECT_FLAG_COMPRESSED) {
		return err_set(err, ERR_UNSUPPORTED,
			"the envelope is compressed; send it without compression");
	}
	if (bytes[0]) {
		return err_set(err, ERR_ARGUMENT, "the envelope's flags must be 0; got %u",
			(unsigned)bytes[0]);
	}
	size_t claimed = bytes_get_u32(bytes + 1), rest = len - CONNECT_HEADER;
	if (claimed != rest) {
		return err_set(err, ERR_ARGUMENT,
			"the envelope says that its message has %zu bytes; %zu follow", claimed,
			rest);
	}
	*ret_message = (const char *)bytes + CONNECT_HEADER;
	*ret_len = rest;
	return true;
}

bool connect_number_read(const char *name, const char *value, int64_t *ret_number, struct err *err)
{
	if (!value) {
		*ret_number = -1;
		return true;
	}
	size_t digits = strspn(value, "0123456789");
	if (!digits || digits > DIGITS_MAX || value[digits]) {
		return err_set(err, ERR_ARGUMENT,
			"the header %s must be a number of at most %d digits; got '%.60s'", name,
			DIGITS_MAX, value);
	}
	*ret_number = strtoll(value, NULL, 10);
	return true;
}
