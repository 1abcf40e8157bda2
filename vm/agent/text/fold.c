#include "vm/agent/text/fold.h"

#include "base/cleanup.h"

#include <string.h>

static gunichar unify(gunichar ch)
{
	switch (ch) {
	case 0x2018: /* quotation marks */
	case 0x2019:
	case 0x201b:
	case '`':
	case 0xb4:
		return '\'';
	case 0x201c:
	case 0x201d:
	case 0x201e:
		return '"';
	case 0x2010: /* dashes */
	case 0x2011:
	case 0x2012:
	case 0x2013:
	case 0x2014:
	case 0x2212:
		return '-';
	default:
		return g_unichar_isspace(ch) ? ' ' : ch;
	}
}

static bool ends_in_space(const struct fold *fold)
{
	return !fold->n || fold->at[fold->n - 1].ch == ' ';
}

static bool is_wide(const struct fold *fold, size_t i)
{
	return i < fold->n && g_unichar_iswide(fold->at[i].ch);
}

static void push(struct fold *fold, struct fold_char added)
{
	size_t n = fold->n;
	if (added.ch == ' ' && ends_in_space(fold)) {
		return;
	}
	/* The space before it, if it is between two wide characters. */
	if (g_unichar_iswide(added.ch) && n > 1 && ends_in_space(fold) && is_wide(fold, n - 2)) {
		fold->n--;
	}
	if (fold->n == fold->room) {
		fold->room = 2 * fold->room + 64;
		fold->at = must(reallocarray(fold->at, fold->room, sizeof(*fold->at)));
	}
	fold->at[fold->n++] = added;
}

void fold_add(struct fold *fold, const char *text, unsigned from)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autofree char *normal = g_utf8_normalize(valid, -1, G_NORMALIZE_ALL_COMPOSE);
	g_autofree char *folded = g_utf8_casefold(normal ? normal : valid, -1);
	push(fold, (struct fold_char){ ' ', from });
	for (const char *p = folded; *p; p = g_utf8_next_char(p)) {
		push(fold, (struct fold_char){ unify(g_utf8_get_char(p)), from });
	}
	while (fold->n && ends_in_space(fold)) {
		fold->n--;
	}
}

void fold_done(struct fold *fold)
{
	free(fold->at);
	*fold = (struct fold){ 0 };
}

bool fold_equal(const struct fold *a, const struct fold *b)
{
	bool equal = a->n == b->n;
	for (size_t i = 0; equal && i < a->n; i++) {
		equal = a->at[i].ch == b->at[i].ch;
	}
	return equal;
}

gunichar fold_look(gunichar ch)
{
	return ch == '1' || ch == 'i' || ch == '|' || ch == '!' ? 'l' : ch == '0' ? 'o' : ch;
}

bool fold_is_of_word(gunichar ch)
{
	return ch == '_' || (g_unichar_isalnum(ch) && !g_unichar_iswide(ch));
}
