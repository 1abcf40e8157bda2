#include "tests/support/page_texts.h"

/* One line; white space is folded as a browser does it. */
static void page_text_add(struct buf *out, const char *text, size_t len)
{
	size_t start = out->len;
	for (size_t i = 0; i < len; i++) {
		bool space = isspace((unsigned char)text[i]);
		if (!space) {
			buf_append(out, &text[i], 1);
		} else if (out->len > start && out->data[out->len - 1] != ' ') {
			buf_append(out, " ", 1);
		}
	}
	while (out->len > start && out->data[out->len - 1] == ' ') {
		out->len--;
	}
	if (out->len > start) {
		buf_append(out, "\n", 1);
	}
}

/* ---- HTML: texts between tags, and the attributes that are read or read aloud ---- */

static void page_tag_texts(struct buf *out, const char *tag, size_t len)
{
	static const char *const names[] = { " aria-label=\"", " placeholder=\"", " title=\"" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *at = memmem(tag, len, names[i], strlen(names[i]));
		if (at) {
			at += strlen(names[i]);
			page_text_add(out, at, strcspn(at, "\""));
		}
	}
}

void page_html_texts(struct buf *out, const char *html)
{
	while (*html) {
		size_t text = strcspn(html, "<");
		page_text_add(out, html, text);
		html += text;
		size_t tag = strcspn(html, ">");
		page_tag_texts(out, html, tag);
		html += tag + (html[tag] == '>');
	}
}

/* ---- JavaScript: literals with a capital letter first, or with two words ---- */

static bool page_is_sentence(const char *text, size_t len)
{
	for (size_t i = 1; i + 1 < len; i++) {
		if (text[i] == ' ' && isalpha((unsigned char)text[i - 1]) &&
			isalpha((unsigned char)text[i + 1])) {
			return true;
		}
	}
	return len > 1 && isupper((unsigned char)text[0]) && islower((unsigned char)text[1]);
}

/* The literal's length with its quotes; a template may hold templates. */
static size_t page_literal_len(const char *at)
{
	size_t i = 1;
	for (int depth = 0; at[i] && (depth > 0 || at[i] != *at); i++) {
		if (at[i] == '\\' && at[i + 1]) {
			i++;
		} else if (*at == '`' && at[i] == '$' && at[i + 1] == '{') {
			depth++, i++;
		} else if (depth > 0 && at[i] == '}') {
			depth--;
		} else if (depth > 0 && strchr("'`", at[i])) {
			i += page_literal_len(at + i) - 1;
		}
	}
	return at[i] ? i + 1 : i;
}

void page_script_texts(struct buf *out, const char *script)
{
	while (*script) {
		if (strncmp(script, "//", 2) == 0) {
			script += strcspn(script, "\n");
		} else if (strncmp(script, "/*", 2) == 0) {
			const char *end = strstr(script, "*/");
			script = end ? end + 2 : script + strlen(script);
		} else if (strchr("'`", *script)) {
			size_t len = page_literal_len(script);
			if (len > 2 && page_is_sentence(script + 1, len - 2)) {
				page_text_add(out, script + 1, len - 2);
			}
			script += len;
		} else {
			script++;
		}
	}
}
