#include "vm/agent/text/languages.h"

#include "base/buf.h"

#include <glib.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#define SUFFIX ".traineddata"
#define OF_A_SCRIPT_MAX 3
#define SHOWN_BYTES 120

/* Other languages are in Latin script. */
static const struct script {
	GUnicodeScript script;
	const char *name, *languages; /* the most likely first */
} scripts[] = {
	{ G_UNICODE_SCRIPT_ARABIC, "Arabic", "ara fas urd" },
	{ G_UNICODE_SCRIPT_ARMENIAN, "Armenian", "hye" },
	{ G_UNICODE_SCRIPT_BENGALI, "Bengali", "ben asm" },
	{ G_UNICODE_SCRIPT_CYRILLIC, "Cyrillic", "rus ukr bul bel srp mkd kaz mon" },
	{ G_UNICODE_SCRIPT_DEVANAGARI, "Devanagari", "hin mar nep san" },
	{ G_UNICODE_SCRIPT_ETHIOPIC, "Ethiopic", "amh tir" },
	{ G_UNICODE_SCRIPT_GEORGIAN, "Georgian", "kat" },
	{ G_UNICODE_SCRIPT_GREEK, "Greek", "ell grc" },
	{ G_UNICODE_SCRIPT_GUJARATI, "Gujarati", "guj" },
	{ G_UNICODE_SCRIPT_GURMUKHI, "Gurmukhi", "pan" },
	{ G_UNICODE_SCRIPT_HAN, "Chinese", "chi_sim chi_tra jpn" },
	{ G_UNICODE_SCRIPT_HANGUL, "Korean", "kor" },
	{ G_UNICODE_SCRIPT_HEBREW, "Hebrew", "heb yid" },
	{ G_UNICODE_SCRIPT_HIRAGANA, "Japanese", "jpn" },
	{ G_UNICODE_SCRIPT_KANNADA, "Kannada", "kan" },
	{ G_UNICODE_SCRIPT_KATAKANA, "Japanese", "jpn" },
	{ G_UNICODE_SCRIPT_KHMER, "Khmer", "khm" },
	{ G_UNICODE_SCRIPT_LAO, "Lao", "lao" },
	{ G_UNICODE_SCRIPT_MALAYALAM, "Malayalam", "mal" },
	{ G_UNICODE_SCRIPT_MYANMAR, "Burmese", "mya" },
	{ G_UNICODE_SCRIPT_SINHALA, "Sinhala", "sin" },
	{ G_UNICODE_SCRIPT_TAMIL, "Tamil", "tam" },
	{ G_UNICODE_SCRIPT_TELUGU, "Telugu", "tel" },
	{ G_UNICODE_SCRIPT_THAI, "Thai", "tha" },
	{ G_UNICODE_SCRIPT_LATIN, "Latin", "eng deu fra spa" },
};
#define LATIN (sizeof(scripts) / sizeof(*scripts) - 1)

/* ---- installed languages ---- */

/* Not a language: the data for layouts and formulas, and for vertical lines. */
static bool is_language(const char *name)
{
	size_t len = strlen(name);
	return len >= 2 && len < LANGUAGE_BYTES_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == len &&
	       strcmp(name, "osd") != 0 && strcmp(name, "equ") != 0 &&
	       !g_str_has_suffix(name, "_vert");
}

static bool has(const struct languages *there, const char *name, size_t len)
{
	for (size_t i = 0; i < there->n; i++) {
		if (strlen(there->at[i]) == len && memcmp(there->at[i], name, len) == 0) {
			return true;
		}
	}
	return false;
}

static void add_file(struct languages *to, const char *path)
{
	g_autofree char *name = g_path_get_basename(path);
	name[strlen(name) - strlen(SUFFIX)] = '\0';
	if (is_language(name) && to->n < LANGUAGES_MAX && !has(to, name, strlen(name))) {
		snprintf(to->at[to->n++], LANGUAGE_BYTES_MAX, "%s", name);
	}
}

void languages_list(struct languages *ret)
{
	static const char *const places[] = { "/usr/share/tesseract-ocr/*/tessdata/*" SUFFIX,
		"/usr/share/tessdata/*" SUFFIX };
	*ret = (struct languages){ 0 };
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		glob_t found;
		if (glob(places[i], 0, NULL, &found) == 0) {
			for (size_t k = 0; k < found.gl_pathc; k++) {
				add_file(ret, found.gl_pathv[k]);
			}
			globfree(&found);
		}
	}
}

/* ---- those to read with ---- */

struct choice {
	const struct languages *there;
	char *text; /* TEXT_LANGUAGES_MAX + 1 bytes */
};

static bool is_chosen(const struct choice *c, const char *name, size_t len)
{
	const char *at = c->text;
	while ((at = strstr(at, name))) {
		if ((at == c->text || at[-1] == '+') && (!at[len] || at[len] == '+')) {
			return true;
		}
		at += len;
	}
	return false;
}

static void choose(struct choice *c, const char *name)
{
	size_t used = strlen(c->text), len = strlen(name);
	if (used + 1 + len <= TEXT_LANGUAGES_MAX && !is_chosen(c, name, len)) {
		snprintf(c->text + used, TEXT_LANGUAGES_MAX + 1 - used, "%s%s", used ? "+" : "",
			name);
	}
}

static bool is_of_script(const struct script *script, const char *name)
{
	g_auto(GStrv) known = g_strsplit(script->languages, " ", 20);
	return g_strv_contains((const char *const *)known, name);
}

static bool is_latin(const char *name)
{
	for (size_t i = 0; i < LATIN; i++) {
		if (is_of_script(&scripts[i], name)) {
			return false;
		}
	}
	return true;
}

/* Returns how many are there. */
static int choose_of(struct choice *c, const struct script *script, int max)
{
	g_auto(GStrv) known = g_strsplit(script->languages, " ", 20);
	int n = 0;
	for (char **name = known; *name && n < max; name++) {
		if (has(c->there, *name, strlen(*name))) {
			choose(c, *name);
			n++;
		}
	}
	for (size_t i = 0; script == &scripts[LATIN] && i < c->there->n && n < max; i++) {
		if (is_latin(c->there->at[i]) && !is_of_script(script, c->there->at[i])) {
			choose(c, c->there->at[i]);
			n++;
		}
	}
	return n;
}

static void format_there(struct buf *out, const struct languages *there)
{
	for (size_t i = 0; i < there->n && out->len < SHOWN_BYTES; i++) {
		buf_printf(out, "%s%s", i ? ", " : "", there->at[i]);
	}
}

static bool refuse(
	const struct languages *there, const char *called, const char *package, struct err *err)
{
	struct buf list = { 0 };
	format_there(&list, there);
	err_set(err, ERR_UNSUPPORTED,
		"the OCR program has no data for %s, only for: %s. Install a package such as "
		"tesseract-ocr-%s in the image, or on the server (namespace)",
		called, buf_text(&list), package);
	buf_done(&list);
	return false;
}

static bool choose_script(struct choice *c, const struct script *script, int max, struct err *err)
{
	g_auto(GStrv) known = g_strsplit(script->languages, " ", 2);
	g_strdelimit(known[0], "_", '-');
	return choose_of(c, script, max) > 0 || refuse(c->there, script->name, known[0], err);
}

static bool is_kana(GUnicodeScript script)
{
	return script == G_UNICODE_SCRIPT_HIRAGANA || script == G_UNICODE_SCRIPT_KATAKANA;
}

/* Chinese characters beside Japanese ones are Japanese. */
static GUnicodeScript script_of(gunichar ch, const char *text)
{
	GUnicodeScript script = g_unichar_get_script(ch);
	for (const char *p = text; script == G_UNICODE_SCRIPT_HAN && *p; p = g_utf8_next_char(p)) {
		if (is_kana(g_unichar_get_script(g_utf8_get_char(p)))) {
			return G_UNICODE_SCRIPT_HIRAGANA;
		}
	}
	return script;
}

static bool choose_for(struct choice *c, GUnicodeScript script, bool *ret_other, struct err *err)
{
	for (size_t i = 0; i < LATIN; i++) {
		if (scripts[i].script == script) {
			*ret_other = true;
			return choose_script(c, &scripts[i], OF_A_SCRIPT_MAX, err);
		}
	}
	return true;
}

static bool choose_by_text(struct choice *c, const char *text, struct err *err)
{
	bool other = false, latin = false, accents = false;
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar ch = g_utf8_get_char(p);
		GUnicodeScript script = script_of(ch, valid);
		latin = latin || script == G_UNICODE_SCRIPT_LATIN;
		accents = accents || (latin && ch > 0x7f && script == G_UNICODE_SCRIPT_LATIN);
		if (!choose_for(c, script, &other, err)) {
			return false;
		}
	}
	return other && !latin
		       ? true
		       : choose_script(c, &scripts[LATIN], accents ? OF_A_SCRIPT_MAX : 1, err);
}

bool languages_choose(const struct languages *there, const char *text,
	char ret[TEXT_LANGUAGES_MAX + 1], struct err *err)
{
	struct choice c = { there, ret };
	ret[0] = '\0';
	return !there->n || choose_by_text(&c, text, err);
}
