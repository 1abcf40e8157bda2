#include "vm/agent/files/glob.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <glib.h>
#include <string.h>

/* Steps of the matcher for one text: some milliseconds. */
#define LIMITS "(*LIMIT_MATCH=100000)(*LIMIT_DEPTH=2000)"

struct pattern {
	GRegex *regex;
	char *literal;
};

static struct pattern *compile(
	const char *what, const char *shown, const char *text, bool ignore_case, struct err *err)
{
	auto_buf struct buf limited = { 0 };
	GError *why = NULL;
	buf_printf(&limited, LIMITS "%s", text);
	GRegex *regex = g_regex_new(buf_text(&limited),
		G_REGEX_OPTIMIZE | G_REGEX_DOLLAR_ENDONLY | (ignore_case ? G_REGEX_CASELESS : 0), 0,
		&why);
	if (!regex) {
		/* Before the last colon, it quotes the pattern with our limits. */
		const char *reason = strrchr(why->message, ':');
		err_set(err, ERR_ARGUMENT, "%s '%.100s' is invalid: %.200s", what, shown,
			reason ? reason + 2 : why->message);
		g_error_free(why);
		return NULL;
	}
	struct pattern *pattern = must(calloc(1, sizeof(*pattern)));
	pattern->regex = regex;
	return pattern;
}

struct pattern *pattern_of_regex(const char *regex, bool ignore_case, struct err *err)
{
	struct pattern *pattern = compile("the regular expression", regex, regex, ignore_case, err);
	if (pattern && !ignore_case && !strpbrk(regex, "\\^$.[]|()?*+{}")) {
		pattern->literal = must(strdup(regex));
	}
	return pattern;
}

const char *pattern_literal(const struct pattern *pattern)
{
	return pattern->literal;
}

void pattern_free(struct pattern *pattern)
{
	if (pattern) {
		g_regex_unref(pattern->regex);
		free(pattern->literal);
		free(pattern);
	}
}

enum pattern_result pattern_match(
	const struct pattern *pattern, const char *text, size_t len, size_t *ret_at)
{
	GMatchInfo *info = NULL;
	GError *why = NULL;
	int at = 0;
	bool found = g_regex_match_full(pattern->regex, text, (gssize)len, 0, 0, &info, &why);
	enum pattern_result result = why ? PATTERN_TOO_LONG : found ? PATTERN_YES : PATTERN_NO;
	if (found && g_match_info_fetch_pos(info, 0, &at, NULL) && at >= 0) {
		*ret_at = (size_t)at;
	}
	g_match_info_free(info);
	g_clear_error(&why);
	return result;
}

/* ---- globs ---- */

static void add_literal(struct buf *out, char c)
{
	bool plain = g_ascii_isalnum(c) || c == '_' || c == '/' || (c & 0x80);
	buf_printf(out, plain ? "%c" : "\\%c", c);
}

/* A set from "[" on.  Returns its length, 0 if it is not closed. */
static size_t add_set(struct buf *out, const char *glob)
{
	size_t at = 1 + (glob[1] == '!' || glob[1] == '^');
	size_t end = at + (glob[at] == ']');
	end += strcspn(glob + end, "]");
	if (!glob[end]) {
		return 0;
	}
	buf_printf(out, at == 2 ? "(?!/)[^" : "[");
	for (size_t i = at; i < end; i++) {
		buf_printf(out, strchr("\\[]^&~", glob[i]) ? "\\%c" : "%c", glob[i]);
	}
	buf_printf(out, "]");
	return end + 1;
}

static size_t add_stars(struct buf *out, const char *glob, bool begins)
{
	if (glob[1] != '*') {
		buf_printf(out, "[^/]*");
		return 1;
	}
	if (begins && glob[2] == '/') {
		buf_printf(out, "(?:.*/)?");
		return 3;
	}
	buf_printf(out, ".*");
	return 2;
}

/* Returns the length of what was translated. */
static size_t add_part(struct buf *out, const char *glob, bool begins, int *depth)
{
	size_t n;
	switch (*glob) {
	case '*':
		return add_stars(out, glob, begins);
	case '?':
		buf_printf(out, "[^/]");
		return 1;
	case '[':
		n = add_set(out, glob);
		if (n == 0) {
			add_literal(out, '[');
		}
		return n ? n : 1;
	case '{':
		++*depth;
		buf_printf(out, "(?:");
		return 1;
	case '}':
	case ',':
		if (*depth > 0) {
			*depth -= *glob == '}';
			buf_printf(out, *glob == '}' ? ")" : "|");
			return 1;
		}
		break;
	case '\\':
		if (glob[1] && strchr("*?[]{},\\", glob[1])) {
			add_literal(out, glob[1]);
			return 2;
		}
		break;
	default:
		break;
	}
	add_literal(out, *glob);
	return 1;
}

struct pattern *pattern_of_glob(const char *glob, bool ignore_case, struct err *err)
{
	auto_buf struct buf regex = { 0 };
	int depth = 0;
	buf_printf(&regex, "(?s)^");
	for (size_t at = 0; glob[at];) {
		at += add_part(&regex, glob + at, at == 0 || glob[at - 1] == '/', &depth);
	}
	buf_printf(&regex, "$");
	if (depth > 0) {
		err_set(err, ERR_ARGUMENT, "the glob '%.100s' has a '{' that is not closed", glob);
		return NULL;
	}
	return compile("the glob", glob, buf_text(&regex), ignore_case, err);
}
