/* Parses the words; a value may be in double quotes, which the kernel leaves in place. */
#include "vm/agent/init/cmdline.h"

#include <string.h>

#define OURS "vitrine."
#define BLANKS " \t\n"

/* Names on a command line that differ from the option. */
static const struct {
	const char *name, *option; /* NULL: used by vitrine-init only */
} others[] = {
	{ "disk", NULL },
	{ "log", "log-level" },
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

/* The option's name; NULL: not an option. */
static const char *option_of(const char *name, size_t len, size_t *ret_len)
{
	*ret_len = len;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (strlen(others[i].name) == len && memcmp(others[i].name, name, len) == 0) {
			*ret_len = others[i].option ? strlen(others[i].option) : 0;
			return others[i].option;
		}
	}
	return name;
}

static void put_name(struct writer *w, const char *name, size_t len)
{
	begin_arg(w);
	put(w, "--", 2);
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
			"the kernel's command line has more than %d options of vitrine",
			CMDLINE_ARGS / 2);
	}
	size_t name_len;
	const char *name = option_of(word, (size_t)(equals - word), &name_len);
	if (name) {
		put_name(w, name, name_len);
		put_value(w, equals + 1, len - (size_t)(equals + 1 - word));
	}
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
