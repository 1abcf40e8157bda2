#ifndef SERVER_E2B_ENVD_PROTO_H
#define SERVER_E2B_ENVD_PROTO_H

#include "base/buf.h"
#include "base/field.h"

/*
 * Requests in proto3's JSON, which allows several forms of one value: names in lowerCamelCase or as
 * in the .proto, integers as texts, bytes in two alphabets.  A table of base/field.h has the names of
 * the .proto.
 */

/*
 * The members of `in` that the table has, decoded into out.  Others are ignored.  out points into
 * *ret_kept, which the caller frees.
 */
bool proto_decode(const struct field *fields, const json_t *in, json_t **ret_kept, void *out,
	struct err *err) NODISCARD;

/* The bytes of a member; NULL is empty. */
bool proto_bytes(const char *name, const json_t *text, struct buf *to, struct err *err) NODISCARD;

#endif
