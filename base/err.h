#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

/* What went wrong, in the caller's terms; the MCP layer maps it to the wire. */
enum err_kind {
	ERR_NONE,
	ERR_ARGUMENT, /* the caller sent something unusable */
	ERR_NOT_FOUND,
	ERR_STATE, /* right request, wrong moment */
	ERR_LIMIT, /* a quota or a bound was hit */
	ERR_UNSUPPORTED,
	ERR_TIMEOUT,
	ERR_CANCELLED, /* the caller took the request back */
	ERR_GONE,      /* the sandbox (or the link to it) has ended */
	ERR_HOST,      /* the kernel, a child or a file failed us */
};

struct err {
	enum err_kind kind;
	int sys; /* errno behind ERR_HOST, else 0 */
	char text[480];
};

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Both always return false, so a failing function can `return err_set(...)`. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);
bool err_errno(struct err *err, const char *fmt, ...) PRINTF(2, 3);
/* Puts "what: " in front of the text of an error on its way up. */
bool err_while(struct err *err, const char *fmt, ...) PRINTF(2, 3);
/* The kind's word on the link ("argument", "not-found", ...) and back; an unknown word is ERR_HOST.
 */
const char *err_kind_word(enum err_kind kind);
enum err_kind err_kind_from(const char *word);

#endif
