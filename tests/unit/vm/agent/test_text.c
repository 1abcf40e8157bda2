// USES agent
/* From the table of an OCR program to the place of a text: what is read of hostile rows, which words
 * are a line, and which texts match. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "vm/agent/text/languages.h"
#include "vm/agent/text/match.h"
#include "vm/agent/text/ocr.h"
#include "vm/agent/text/renew.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define HEADER \
	"level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
#define WORD(place, text) "5\t1\t1\t1\t1\t1\t" place "\t" text "\n"

static const struct size picture = { 640, 480 };

static struct words read_words(const char *table)
{
	struct words words;
	words_read(table, strlen(table), picture, &words);
	return words;
}

/* ---- words ---- */

Test(words, are_read)
{
	struct words words = read_words(HEADER "1\t1\t0\t0\t0\t0\t0\t0\t640\t480\t-1\t\n" WORD(
		"10\t20\t30\t8\t96.53", "Save") WORD("600\t472\t40\t8\t0", "as…"));
	cr_assert_eq(words.n, 2);
	cr_expect_str_eq(words.at[0].text, "Save");
	cr_expect_eq(words.at[0].confidence, 96);
	cr_expect(rect_equal(words.at[0].at, (struct rect){ 10, 20, 30, 8 }));
	cr_expect_str_eq(words.at[1].text, "as…");
	words_done(&words);
}

Test(words, that_cannot_be_are_left_out)
{
	static const char *const rows[] = {
		WORD("10\t20\t30\t8\t-1", "x"), /* its confidence says that it is none */
		WORD("10\t20\t30\t8\t101", "x"),
		WORD("10\t20\t30\t8\tnan", "x"),
		WORD("10\t20\t30\t8\t1e2", "x"),
		WORD("10\t20\t30\t8\t96.5.5", "x"),
		WORD("-1\t20\t30\t8\t96", "x"),
		WORD("10\t20\t0\t8\t96", "x"),
		WORD("10\t20\t631\t8\t96", "x"), /* it leaves the picture */
		WORD("10\t473\t30\t8\t96", "x"),
		WORD("99999999999\t20\t30\t8\t96", "x"),
		WORD(" 10\t20\t30\t8\t96", "x"),
		WORD("10\t20\t30\t8\t96", ""),
		WORD("10\t20\t30\t8\t96", " \u00ad\u202e"), /* nothing to see */
		WORD("10\t20\t30\t8\t96", "x\ty"),          /* a column too many */
		"5\t1\t1\t1\t1\t1\t10\t20\t30\t8\t96\n",
		"4\t1\t1\t1\t1\t1\t10\t20\t30\t8\t96\tx\n",
		"55\t1\t1\t1\t1\t1\t10\t20\t30\t8\t96\tx\n",
		"\n\t\t\t\t\t\t\t\t\t\t\t\n",
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct words words = read_words(rows[i]);
		cr_expect_eq(words.n, 0, "%s", rows[i]);
		words_done(&words);
	}
}

Test(words, are_plain_and_bounded)
{
	char row[1200];
	struct words words = read_words(WORD("1\t1\t9\t9\t50", "a\x01\u202e\xff"
							       "b"));
	cr_assert_eq(words.n, 1);
	cr_expect_str_eq(words.at[0].text, "a ?b");
	words_done(&words);
	snprintf(row, sizeof(row), WORD("1\t1\t9\t9\t50", "%0*d"), 500, 1);
	words = read_words(row);
	cr_assert_eq(words.n, 1);
	cr_expect_eq(strlen(words.at[0].text), WORD_BYTES_MAX + 3, "cut, with ...");
	words_done(&words);
	snprintf(row, sizeof(row), WORD("1\t1\t9\t9\t50", "%0*d"), 1100, 1);
	words = read_words(row);
	cr_expect_eq(words.n, 0, "a row is too long");
	words_done(&words);
}

Test(words, end_at_a_limit)
{
	static const char row[] = WORD("1\t1\t9\t9\t50", "x");
	size_t len = sizeof(row) - 1, n = WORDS_MAX + 10;
	auto_free char *table = must(malloc(len * n));
	for (size_t i = 0; i < n; i++) {
		memcpy(table + i * len, row, len);
	}
	struct words words;
	words_read(table, len * n, picture, &words);
	cr_expect_eq(words.n, WORDS_MAX);
	words_done(&words);
}

/* ---- matches ---- */

struct page {
	struct words words;
	struct lines lines;
	struct matches matches;
};

static void find_in(struct page *page, const char *table, struct rect area, const char *text)
{
	page->words = read_words(table);
	lines_make(&page->words, &page->lines);
	match_find(&page->words, &page->lines, area, text, &page->matches);
}

static void page_done(struct page *page)
{
	matches_done(&page->matches);
	lines_done(&page->lines);
	words_done(&page->words);
}

static const struct rect everywhere = { 0, 0, 640, 480 };

/* A menu, a line that another column continues, and a path. */
#define PAGE \
	WORD("10\t10\t30\t10\t90", "File") \
	WORD("60\t10\t30\t10\t80", "Edit") \
	WORD("10\t40\t40\t10\t95", "Save") \
	WORD("60\t42\t20\t8\t85", "As…") \
	WORD("400\t40\t40\t10\t70", "saved") \
	WORD("10\t70\t300\t10\t60", "/home/user/Documents/report.odt")

static void expect(const char *text, enum match_kind kind, struct rect at, int confidence)
{
	struct page page;
	find_in(&page, PAGE, everywhere, text);
	cr_assert_geq(page.matches.n, 1, "'%s'", text);
	const struct match *m = &page.matches.at[0];
	cr_expect_eq(m->kind, kind, "'%s': %d", text, m->kind);
	cr_expect(rect_equal(m->at, at), "'%s': %d %d %d %d", text, m->at.x, m->at.y, m->at.width,
		m->at.height);
	cr_expect_eq(m->confidence, confidence, "'%s': %d", text, m->confidence);
	page_done(&page);
}

Test(match, words_in_any_case_and_with_any_spaces)
{
	expect("save", MATCH_WORDS, (struct rect){ 10, 40, 40, 10 }, 95);
	expect("  SAVE \t as...", MATCH_WORDS, (struct rect){ 10, 40, 70, 10 }, 90);
	expect("File Edit", MATCH_WORDS, (struct rect){ 10, 10, 80, 10 }, 85);
}

Test(match, a_part_of_a_word_is_where_it_is_in_it)
{
	struct page page;
	/* 11 of 31 characters of 300 pixels are before it. */
	expect("Documents", MATCH_WORDS, (struct rect){ 116, 70, 87, 10 }, 60);
	expect("ocument", MATCH_PART, (struct rect){ 126, 70, 67, 10 }, 60);
	find_in(&page,
		WORD("10\t10\t90\t10\t99", "file_name.gz") WORD("10\t40\t30\t10\t50", "File"),
		everywhere, "file");
	cr_assert_eq(page.matches.n, 2);
	cr_expect_str_eq(page.matches.at[0].text, "File", "a name is one word");
	page_done(&page);
	find_in(&page, PAGE, everywhere, "save");
	cr_assert_eq(page.matches.n, 2);
	cr_expect_eq(page.matches.at[1].kind, MATCH_PART, "saved comes after save");
	page_done(&page);
}

Test(match, similar_words_only_without_equal_ones)
{
	struct page page;
	expect("5ave", MATCH_SIMILAR, (struct rect){ 10, 40, 40, 10 }, 72);
	expect("Fi1e", MATCH_SIMILAR, (struct rect){ 10, 10, 30, 10 }, 90);
	find_in(&page, PAGE, everywhere, "Exit");
	cr_assert_eq(page.matches.n, 1, "of four characters, one may differ");
	cr_expect_str_eq(page.matches.at[0].text, "Edit");
	page_done(&page);
	find_in(&page, PAGE, everywhere, "Fit");
	cr_expect_eq(page.matches.n, 0, "of three, none");
	page_done(&page);
}

Test(match, without_any_the_nearest_lines_are_told)
{
	struct page page;
	find_in(&page, PAGE, everywhere, "saving us");
	cr_expect_eq(page.matches.n, 0);
	cr_assert_geq(page.matches.n_near, 1);
	cr_expect_str_eq(page.matches.near[0], "Save As…");
	page_done(&page);
	find_in(&page, PAGE, everywhere, "zzzzzz");
	cr_expect_eq(page.matches.n + page.matches.n_near, 0);
	page_done(&page);
}

Test(match, the_words_of_a_link_are_apart)
{
	struct page page;
	find_in(&page, WORD("10\t10\t140\t10\t90", "Privacy_policy"), everywhere, "privacy policy");
	cr_assert_eq(page.matches.n, 1);
	cr_expect_eq(page.matches.at[0].kind, MATCH_WORDS);
	page_done(&page);
	find_in(&page, WORD("10\t10\t140\t10\t90", "Privacy policy"), everywhere, "privacy_policy");
	cr_assert_eq(page.matches.n, 1);
	cr_expect_eq(page.matches.at[0].kind, MATCH_SIMILAR);
	page_done(&page);
}

Test(match, only_in_the_area)
{
	struct page page;
	find_in(&page, PAGE, (struct rect){ 300, 0, 300, 100 }, "save");
	cr_assert_eq(page.matches.n, 1);
	cr_expect_eq(page.matches.at[0].at.x, 400);
	page_done(&page);
	find_in(&page, PAGE, (struct rect){ 300, 0, 300, 100 }, "file");
	cr_expect_eq(page.matches.n, 0);
	page_done(&page);
}

Test(match, a_wide_gap_ends_a_line)
{
	struct page page;
	find_in(&page, PAGE, everywhere, "as… saved");
	cr_expect_eq(page.matches.n, 0);
	page_done(&page);
}

Test(match, other_scripts)
{
	struct page page;
	find_in(&page, WORD("10\t10\t10\t10\t90", "设") WORD("22\t10\t10\t10\t90", "置"),
		everywhere, "设置");
	cr_assert_eq(page.matches.n, 1, "there are no spaces between words");
	cr_expect_eq(page.matches.at[0].at.width, 22);
	page_done(&page);
	find_in(&page, WORD("10\t10\t30\t10\t90", "עולם") WORD("50\t10\t30\t10\t90", "שלום"),
		everywhere, "שלום עולם");
	cr_expect_eq(page.matches.n, 1, "read from the right");
	page_done(&page);
	find_in(&page, WORD("10\t10\t30\t10\t90", "ФАЙЛ"), everywhere, "файл");
	cr_expect_eq(page.matches.n, 1);
	page_done(&page);
}

Test(match, there_are_at_most_so_many_and_the_best_ones)
{
	auto_buf struct buf table = { 0 };
	for (int i = 0; i < 60; i++) {
		buf_printf(&table, "5\t1\t1\t1\t1\t1\t%d\t%d\t9\t9\t%d\tx\n", 10 + 100 * (i % 5),
			10 + 30 * (i / 5), 30 + i);
	}
	struct page page;
	find_in(&page, buf_text(&table), everywhere, "x");
	cr_assert_eq(page.matches.n, TEXT_MATCHES_MAX);
	for (int i = 0; i < TEXT_MATCHES_MAX; i++) {
		cr_expect_eq(page.matches.at[i].confidence, 89 - i);
	}
	page_done(&page);
}

/* ---- languages ---- */

static void choose(const char *text, const char *want)
{
	static const struct languages there = { 6,
		{ "chi_sim", "deu", "eng", "jpn", "rus", "ukr" } };
	char got[TEXT_LANGUAGES_MAX + 1];
	struct err err = { 0 };
	bool chosen = languages_choose(&there, text, got, &err);
	cr_expect_eq(chosen, want != NULL, "'%s': %s", text, err.text);
	if (want) {
		cr_expect_str_eq(got, want, "'%s': %s", text, got);
	} else {
		cr_expect_eq(err.kind, ERR_UNSUPPORTED);
		cr_expect(strstr(err.text, "tesseract-ocr-"), "%s", err.text);
	}
}

Test(languages, follow_the_scripts_of_the_text)
{
	struct languages none = { 0 };
	char got[TEXT_LANGUAGES_MAX + 1];
	struct err err;
	choose("Save as 12", "eng");
	choose("12:30", "eng");
	choose("Größe", "eng+deu");
	choose("Привет", "rus+ukr");
	choose("Привет, Bob", "rus+ukr+eng");
	choose("设置", "chi_sim+jpn");
	choose("設定する", "jpn");
	choose("שלום", NULL);
	cr_expect(languages_choose(&none, "x", got, &err));
	cr_expect_str_eq(got, "");
}

/* ---- a part that has changed ---- */

Test(renew, the_area_has_the_words_it_touches_as_a_whole)
{
	struct words words = read_words(PAGE);
	struct rect area = renew_area(&words, (struct rect){ 20, 44, 4, 4 }, everywhere);
	for (size_t i = 0; i < words.n; i++) {
		struct rect word = words.at[i].at;
		cr_expect(!rect_overlaps(area, word) || rect_equal(rect_join(area, word), area),
			"%s is cut", words.at[i].text);
	}
	cr_expect(rect_overlaps(area, words.at[2].at));
	cr_expect_not(rect_overlaps(area, words.at[4].at), "the other column is far away");
	area = renew_area(&words, everywhere, everywhere);
	cr_expect(rect_equal(area, everywhere));
	words_done(&words);
}

Test(renew, words_in_the_area_are_replaced_and_others_stay)
{
	struct rect area = { 0, 30, 120, 30 };
	struct words words = read_words(PAGE);
	struct words fresh = read_words(WORD("10\t40\t40\t10\t95", "Open")
			WORD("100\t40\t20\t10\t95", "cut") WORD("0\t50\t5\t5\t95", "edge"));
	renew_words(&words, area, everywhere, &fresh);
	static const char *const want[] = { "File", "Edit", "saved",
		"/home/user/Documents/report.odt", "Open", "edge" };
	cr_assert_eq(words.n, 6);
	for (size_t i = 0; i < 6; i++) {
		cr_expect_str_eq(words.at[i].text, want[i]);
	}
	words_done(&words);
}

/* ---- the program ---- */

Test(ocr, without_a_program_it_is_told_how_to_get_it)
{
	struct err err;
	setenv("PATH", "/nowhere", 1);
	cr_expect_not(ocr_is_there(&err));
	cr_expect_eq(err.kind, ERR_UNSUPPORTED);
	cr_expect(strstr(err.text, "tesseract-ocr"), "%s", err.text);
}
