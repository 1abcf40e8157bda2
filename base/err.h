#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

/* The kinds of errors, from the caller's view.  The MCP layer maps them to codes. */
enum err_kind {
	ERR_NONE,
	ERR_ARGUMENT, /* the request is invalid */
	ERR_NOT_FOUND,
	ERR_STATE, /* the request is valid, but not in the present state */
	ERR_LIMIT, /* a quota or a bound was reached */
	ERR_UNSUPPORTED,
	ERR_TIMEOUT,
	ERR_CANCELLED, /* the caller cancelled the request */
	ERR_GONE,      /* the sandbox (or the link to it) has ended */
	ERR_HOST,      /* the kernel, a child or a file failed */
};

struct err {
	enum err_kind kind;
	int sys; /* the errno of ERR_HOST, else 0 */
	char text[480];
};

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Both return false, so a failing function can `return err_set(...)`. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);
bool err_errno(struct err *err, const char *fmt, ...) PRINTF(2, 3);
/* Prepends "what: " to the text. */
bool err_while(struct err *err, const char *fmt, ...) PRINTF(2, 3);
/* The kind's name on the link ("argument", "not-found", ...) and back; an unknown name is
 * ERR_HOST. */
const char *err_kind_word(enum err_kind kind);
enum err_kind err_kind_from(const char *word);

#endif
