#ifndef SERVER_E2B_ENVD_CONNECT_H
#define SERVER_E2B_ENVD_CONNECT_H

#include "base/buf.h"

#include <jansson.h>

/* The Connect protocol with JSON: error codes, envelopes of streams.  Pure functions. */

enum connect_code {
	CONNECT_CANCELED,
	CONNECT_UNKNOWN,
	CONNECT_INVALID_ARGUMENT,
	CONNECT_DEADLINE_EXCEEDED,
	CONNECT_NOT_FOUND,
	CONNECT_ALREADY_EXISTS,
	CONNECT_PERMISSION_DENIED,
	CONNECT_RESOURCE_EXHAUSTED,
	CONNECT_FAILED_PRECONDITION,
	CONNECT_UNIMPLEMENTED,
	CONNECT_INTERNAL,
	CONNECT_UNAVAILABLE,
	CONNECT_UNAUTHENTICATED,
};
const char *connect_code_name(enum connect_code code); /* "not_found" */
int connect_code_status(enum connect_code code);       /* of a unary answer */
/* Of an error of vm/; a method maps kinds that mean something else to it. */
enum connect_code connect_code_of(const struct err *err);

/* {"code", "message"}; a message that is not UTF-8 is replaced. */
json_t *connect_error(enum connect_code code, const char *message);

/* ---- envelopes: flags (1 byte), length (4 bytes, network byte order), JSON ---- */

#define CONNECT_HEADER 5
#define CONNECT_FLAG_COMPRESSED 1u
#define CONNECT_FLAG_END 2u /* the last one: {} or {"error": ...} */

void connect_envelope_append(struct buf *to, unsigned flags, const void *message, size_t len);
/* The message of a request, which is one envelope; it points into body. */
bool connect_envelope_read(const void *body, size_t len, const char **ret_message, size_t *ret_len,
	struct err *err) NODISCARD;

/* Connect-Timeout-Ms, Keepalive-Ping-Interval: digits.  *ret_number is -1 for NULL. */
bool connect_number_read(
	const char *name, const char *value, int64_t *ret_number, struct err *err) NODISCARD;

#endif
