// USES server
/* The names of templates: normalized, kept by owner, and there for the next server. */
#include "server/e2b/template/names.h"

#include "base/buf.h"
#include "tests/support/scratch.h"

TestSuite(e2b_names, .init = scratch_make, .fini = scratch_remove);

static struct err err;

static struct e2b_names_kept *opened(void)
{
	struct e2b_names_kept *names = e2b_names_open(in_scratch("state"), &err);
	cr_assert(names, "%s", err.text);
	return names;
}

static void set(struct e2b_names_kept *names, const char *owner, const char *name, const char *to)
{
	const struct e2b_name row = { .name = name, .snapshot = to, .build = "b" };
	cr_assert(e2b_name_set(names, owner, &row, &err), "%s", err.text);
}

/* to NULL: there is none. */
static void expect(
	const struct e2b_names_kept *names, const char *owner, const char *text, const char *to)
{
	struct e2b_name found;
	bool is = e2b_name_find(names, owner, text, &found);
	cr_expect_eq(is, to != NULL, "%s", text);
	cr_expect(!is || !to || strcmp(found.snapshot, to) == 0, "%s", text);
}

Test(e2b_names, forms)
{
	static const struct {
		const char *text, *name;
	} rows[] = {
		{ "mine", "mine:default" },
		{ "mine:v1", "mine:v1" },
		{ "space/mine:v1", "mine:v1" },
		{ "space/mine", "mine:default" },
		{ "", NULL },
		{ ":v1", NULL },
		{ "mine:", NULL },
		{ "/mine", NULL },
		{ "mine:a:b", NULL },
		{ "a/b/c", NULL },
		{ "mi ne", NULL },
		{ "../mine", "mine:default" },
		{ "mine\n", NULL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[E2B_NAME_MAX + 1] = "";
		bool is = e2b_name_normalize(rows[i].text, name, &err);
		cr_expect_eq(is, rows[i].name != NULL, "%s", rows[i].text);
		cr_expect(!is || strcmp(name, rows[i].name) == 0, "%s: %s", rows[i].text, name);
	}
	char longest[E2B_NAME_MAX + 10], name[E2B_NAME_MAX + 1];
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	cr_expect_not(e2b_name_normalize(longest, name, &err));
}

Test(e2b_names, belong_to_their_owner_and_are_kept)
{
	struct e2b_names_kept *names = opened();
	set(names, "ann", "mine:default", "one");
	set(names, "ann", "mine:v1", "one");
	set(names, "bob", "mine:default", "two");
	e2b_names_close(names);
	names = opened();
	expect(names, "ann", "mine", "one");
	expect(names, "ann", "x/mine:v1", "one");
	expect(names, "bob", "mine", "two");
	expect(names, "bob", "mine:v1", NULL);
	expect(names, "eve", "mine", NULL);
	e2b_names_close(names);
}

Test(e2b_names, go_with_their_snapshot)
{
	struct e2b_names_kept *names = opened();
	set(names, "ann", "mine:default", "one");
	set(names, "ann", "mine:v1", "two");
	set(names, "ann", "other:default", "one");
	e2b_names_forget(names, "ann", "one");
	expect(names, "ann", "mine", NULL);
	expect(names, "ann", "other", NULL);
	expect(names, "ann", "mine:v1", "two");
	e2b_name_remove(names, "ann", "mine:v1");
	expect(names, "ann", "mine:v1", NULL);
	e2b_names_close(names);
}

Test(e2b_names, two_servers_do_not_overwrite_each_other)
{
	struct e2b_names_kept *one = opened(), *two = opened();
	set(one, "ann", "a:default", "x");
	set(two, "ann", "b:default", "y");
	expect(two, "ann", "a", "x");
	e2b_names_close(one);
	e2b_names_close(two);
}

Test(e2b_names, a_broken_file_is_not_overwritten)
{
	static const char *const broken[] = { "", "[]", "{\"ann\":1}", "{\"ann\":{\"a:b\":{}}}",
		"{" };
	e2b_names_close(opened());
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		put_text(in_scratch("state/e2b-names.json"), broken[i]);
		cr_expect_null(e2b_names_open(in_scratch("state"), &err), "%s", broken[i]);
		cr_expect(strstr(err.text, "e2b-names.json"), "%s", err.text);
	}
}

Test(e2b_names, are_bounded)
{
	auto_buf struct buf text = { 0 };
	buf_printf(&text, "{\"ann\":{");
	for (int i = 0; i < E2B_NAMES_MAX; i++) {
		buf_printf(&text, "%s\"t%d:default\":{\"snapshot\":\"x\",\"build\":\"b\"}",
			i ? "," : "", i);
	}
	buf_printf(&text, "}}");
	e2b_names_close(opened());
	put_text(in_scratch("state/e2b-names.json"), buf_text(&text));
	struct e2b_names_kept *names = opened();
	const struct e2b_name one_more = { .name = "more:default", .snapshot = "x", .build = "b" };
	cr_expect_not(e2b_name_set(names, "ann", &one_more, &err));
	cr_expect_eq(err.kind, ERR_LIMIT);
	set(names, "ann", "t7:default", "another");
	expect(names, "ann", "t7", "another");
	e2b_names_close(names);
}
