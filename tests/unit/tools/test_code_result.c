// USES tools
/* What code printed and showed, as content blocks: their order, which representation, bounds. */
#include "tools/system/code_result.h"

#include "base/cleanup.h"
#include "vm/wire/messages.h"

#include <criterion/criterion.h>
#include <string.h>

static struct code_blocks blocks;

static void begin(void)
{
	blocks = (struct code_blocks){ 0 };
	code_blocks_init(&blocks, CODE_FORMATS_BEST);
}

static void end(void)
{
	code_blocks_done(&blocks);
}

TestSuite(code_result, .init = begin, .fini = end);

static void print(int name, const char *text)
{
	code_blocks_stream(&blocks, &(struct code_stream){ .name = name, .text = text });
}

/* data: JSON, for which ' is ". */
static void show(const char *data)
{
	auto_free char *json = must(strdup(data));
	for (char *at = json; *at; at++) {
		*at = *at == '\'' ? '"' : *at;
	}
	json_auto_t *value = json_loads(json, 0, NULL);
	cr_assert_not_null(value, "%s", data);
	code_blocks_result(&blocks, &(struct code_result){ .data = value });
}

static const char *text_of(const json_t *block)
{
	const char *type = json_string_value(json_object_get(block, "type"));
	if (strcmp(type, "text") == 0) {
		return json_string_value(json_object_get(block, "text"));
	}
	const json_t *resource = json_object_get(block, "resource");
	return json_string_value(json_object_get(resource ? resource : block, "mimeType"));
}

/* The blocks, each in brackets: a text, or the type of an image or a resource. */
static void expect(const char *all)
{
	json_auto_t *content = code_blocks_finish(&blocks);
	auto_buf struct buf got = { 0 };
	size_t i;
	json_t *block;
	json_array_foreach(content, i, block)
	{
		buf_printf(&got, "<%s>", text_of(block));
	}
	cr_expect_str_eq(buf_text(&got), all);
}

Test(code_result, blocks_have_the_order_of_a_notebook)
{
	print(EXEC_STDOUT, "a\n");
	show("{'image/png':'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAA=','text/plain':'<Figure>'}");
	print(EXEC_STDOUT, "b");
	print(EXEC_STDERR, "e");
	show("{'text/plain':'42'}");
	expect("<a\n><image/png><b\n[stderr]\ne\n[stdout]\n42\n>");
}

Test(code_result, nothing_is_no_block)
{
	expect("");
}

Test(code_result, the_best_representation_is_chosen)
{
	show("{'text/html':'<table>','text/plain':'a 1'}"); /* a table is read as text */
	show("{'text/html':'<b>','text/plain':'<HTML object>'}");
	show("{'text/markdown':'# m','text/plain':'<Markdown object>'}");
	show("{'image/svg+xml':'<svg>','text/plain':'<SVG object>'}");
	expect("<a 1\n><text/html><# m\n><image/svg+xml>");
}

Test(code_result, all_representations_on_request)
{
	blocks.formats = CODE_FORMATS_ALL;
	show("{'text/html':'<table>','text/plain':'a 1'}");
	expect("<text/html><a 1\n>");
}

Test(code_result, what_was_cleared_is_gone)
{
	print(EXEC_STDERR, "a");
	show("{'image/png':'iVBORw0KGgo='}");
	code_blocks_clear(&blocks);
	print(EXEC_STDOUT, "b");
	expect("<b>");
}

Test(code_result, an_error_without_traceback_has_its_name)
{
	code_blocks_error(
		&blocks, &(struct code_error){ .name = "E", .value = "v", .traceback = "" });
	expect("<E: v\n>");
}

static size_t size_of(const json_t *content)
{
	return json_dumpb(content, NULL, 0, JSON_COMPACT);
}

Test(code_result, long_text_is_cut_in_the_middle_between_characters)
{
	auto_free char *text = must(calloc(1, 200001));
	for (size_t i = 0; i < 200000; i += 2) {
		memcpy(text + i, "ä", 2);
	}
	print(EXEC_STDOUT, "x");
	print(EXEC_STDOUT, text);
	print(EXEC_STDOUT, "the end");
	json_auto_t *content = code_blocks_finish(&blocks);
	const char *got = text_of(json_array_get(content, 0));
	cr_expect_eq(json_array_size(content), 1);
	cr_expect_lt(strlen(got), 40000);
	cr_expect_not_null(strstr(got, "bytes omitted]"));
	cr_expect_null(strstr(got, "\ufffd"));
	cr_expect_str_eq(got + strlen(got) - 7, "the end");
}

Test(code_result, many_and_large_things_are_left_out)
{
	auto_free char *big = must(calloc(1, 400001));
	memset(big, 'A', 400000);
	for (int i = 0; i < 3; i++) {
		json_auto_t *data = json_pack("{s:s}", "image/jpeg", big);
		code_blocks_result(&blocks, &(struct code_result){ .data = data });
	}
	for (int i = 0; i < 1000; i++) {
		show("{'text/html':'x'}");
	}
	json_auto_t *content = code_blocks_finish(&blocks);
	size_t n = json_array_size(content);
	cr_expect_leq(n, 61);
	cr_expect_lt(size_of(content), 750000);
	cr_expect_not_null(strstr(text_of(json_array_get(content, n - 1)), "left out"));
}

/* A model's interface refuses a whole conversation because of an image of more than 8000 pixels. */
Test(code_result, a_png_of_too_many_pixels_is_left_out)
{
	show("{'image/png':'iVBORw0KGgoAAAANSUhEUgAAH0EAAAABCAYAAAA='}"); /* 8001 x 1 */
	show("{'image/png':'iVBORw0KGgoAAAANSUhEUgAAH0AAAAABCAYAAAA='}"); /* 8000 x 1 */
	expect("<image/png><[1 image or other result was left out: too large together. Show fewer, "
	       "or write them to files]\n>");
}
