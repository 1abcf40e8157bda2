/* One walk over the words; a value may stand in double quotes, which the kernel leaves in place. */
#include "vm/agent/cmdline.h"

#include <string.h>

#define OURS "vitrine."
#define BLANKS " \t\n"

/* Short names that stand on a command line, and the option's own. */
static const char *const aliases[][2] = {
	{ "log", "log-level" },
	{ NULL, NULL },
};

static size_t word_length(const char *at)
{
	bool quoted = false;
	size_t len = 0;
	for (; at[len] && (quoted || !strchr(BLANKS, at[len])); len++) {
		quoted ^= at[len] == '"';
	}
	return len;
}

struct writer {
	struct cmdline *cmdline;
	size_t used;
};

static void put(struct writer *w, const char *bytes, size_t len)
{
	memcpy(w->cmdline->text + w->used, bytes, len);
	w->used += len;
}

static void begin_arg(struct writer *w)
{
	w->cmdline->args[w->cmdline->n++] = w->cmdline->text + w->used;
}

static void put_name(struct writer *w, const char *name, size_t len)
{
	begin_arg(w);
	put(w, "--", 2);
	for (size_t i = 0; aliases[i][0]; i++) {
		if (strlen(aliases[i][0]) == len && memcmp(aliases[i][0], name, len) == 0) {
			name = aliases[i][1];
			len = strlen(name);
		}
	}
	put(w, name, len);
	put(w, "", 1);
}

static void put_value(struct writer *w, const char *value, size_t len)
{
	bool quoted = len >= 2 && value[0] == '"' && value[len - 1] == '"';
	begin_arg(w);
	put(w, value + quoted, len - 2 * quoted);
	put(w, "", 1);
}

static bool take(struct writer *w, const char *word, size_t len, struct err *err)
{
	const char *equals = memchr(word, '=', len);
	if (!equals || equals == word) {
		return err_set(err, ERR_ARGUMENT,
			"on the kernel's command line, '" OURS "%.*s' must be " OURS "NAME=VALUE",
			(int)(len < 60 ? len : 60), word);
	}
	if (w->cmdline->n + 2 > CMDLINE_ARGS) {
		return err_set(err, ERR_LIMIT,
			"the kernel's command line has more than %d options of ours",
			CMDLINE_ARGS / 2);
	}
	put_name(w, word, (size_t)(equals - word));
	put_value(w, equals + 1, len - (size_t)(equals + 1 - word));
	return true;
}

bool cmdline_read(const char *line, struct cmdline *ret_cmdline, struct err *err)
{
	struct writer w = { .cmdline = ret_cmdline };
	*ret_cmdline = (struct cmdline){ 0 };
	if (strlen(line) >= CMDLINE_MAX) {
		return err_set(err, ERR_LIMIT, "the kernel's command line has more than %d bytes",
			CMDLINE_MAX - 1);
	}
	for (const char *at = line + strspn(line, BLANKS); *at; at += strspn(at, BLANKS)) {
		size_t len = word_length(at), ours = strlen(OURS);
		if (strncmp(at, OURS, ours) == 0 && !take(&w, at + ours, len - ours, err)) {
			return false;
		}
		at += len;
	}
	return true;
}
