/*
 * Hides host paths from clients.  Errors name files for operators; in errors for models, paths are
 * replaced by descriptions.
 */
#include "vm/core/vm.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "vm/core/core.h"
#include "vm/state/state.h"

#include <string.h>

/* Whether the path ends there or continues below. */
static bool is_end_of_path(char c)
{
	return !c || strchr("/'\" :;,.()", c);
}

/* Avoids a duplicate, as in "the state directory /srv/state". */
static void add_words(struct buf *text, const char *words)
{
	size_t len = strlen(words);
	if (text->len > len && memcmp(text->data + text->len - len - 1, words, len) == 0) {
		text->len--;
	} else {
		buf_printf(text, "%s", words);
	}
}

static void hide(struct err *err, const char *path, const char *words)
{
	auto_buf struct buf text = { 0 };
	size_t len = path ? strlen(path) : 0;
	const char *from = err->text, *at = from;
	while (len > 1 && (at = strstr(at, path))) {
		at += len;
		if (is_end_of_path(*at)) {
			buf_append(&text, from, (size_t)(at - from) - len);
			add_words(&text, words);
			from = at;
		}
	}
	if (from > err->text) {
		int sys = err->sys;
		buf_printf(&text, "%s", from);
		err_set(err, err->kind, "%s", buf_text(&text));
		err->sys = sys;
	}
}

void vm_hide_paths(const struct vm_pool *pool, struct err *err)
{
	struct err none;
	if (!pool) {
		return;
	}
	const char *given = pool->config.state_dir;
	auto_free char *usual = given ? NULL : state_default_dir(&none);
	hide(err, pool->state ? state_dir(pool->state) : NULL, "the state directory");
	hide(err, given ? given : usual, "the state directory");
	hide(err, pool->config.agent, "the agent's program");
	hide(err, VITRINE_LIBEXECDIR, "the server's directory");
	hide(err, "/sys/fs/cgroup", "the cgroups");
}
