#ifndef VM_AGENT_FILES_GLOB_H
#define VM_AGENT_FILES_GLOB_H

#include "base/err.h"

#include <stddef.h>

/* Patterns for names and lines.  They come from outside: what takes too long is an error of the one
 * comparison. */
struct pattern;

/* A pattern for names: `*`, `?`, `[a-z]`, `[!a]`, `{a,b}`; `**` also matches slashes.  NULL: err. */
struct pattern *pattern_of_glob(const char *glob, bool ignore_case, struct err *err);
/* A regular expression (PCRE). */
struct pattern *pattern_of_regex(const char *regex, bool ignore_case, struct err *err);
void pattern_free(struct pattern *pattern);
/* What every match consists of, if the expression has no special characters; NULL: unknown. */
const char *pattern_literal(const struct pattern *pattern);

enum pattern_result { PATTERN_NO, PATTERN_YES, PATTERN_TOO_LONG };
/* text is valid UTF-8 without NUL; ret_at: where the match begins. */
enum pattern_result pattern_match(
	const struct pattern *pattern, const char *text, size_t len, size_t *ret_at);

#endif
