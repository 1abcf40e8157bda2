// USES image
/* Recipes: what comes with Vitrine, what a person writes, and what is wrong with it; archives. */

#include "base/cleanup.h"
#include "vm/image/cpio.h"
#include "vm/image/plan.h"
#include "vm/image/recipe.h"
#include "vm/image/run.h"

#include "tests/support/image_scratch.h"

#include <sys/mman.h>

TestSuite(image_recipe, .init = image_scratch_make, .fini = image_scratch_remove);

static struct err err;

static void put_recipe(const char *name, const char *json)
{
	mkdir(image_path("%s", name), 0700);
	image_put(image_path("%s/recipe.json", name), json);
}

static bool load(const char *name, struct recipe *ret)
{
	err = (struct err){ 0 };
	return recipe_load(image_path("%s", name), ret, &err);
}

/* ---- what an archive of files holds ---- */

struct look {
	const char *name;
	mode_t mode;
	size_t found;
	char bytes[200];
};

static bool look_at(const struct cpio_entry *entry, void *data, struct err *why)
{
	struct look *look = data;
	(void)why;
	if (strcmp(entry->name, look->name) == 0) {
		look->found++;
		look->mode = entry->mode;
		snprintf(look->bytes, sizeof(look->bytes), "%.*s", (int)entry->len, entry->bytes);
	}
	return true;
}

static struct look file_of(const struct recipe *recipe, const char *name)
{
	struct look look = { .name = name };
	const struct buf *all = &recipe->files; /* recipe_end() was called */
	cr_assert(cpio_each(all->data, all->len, look_at, &look, &err), "%s", err.text);
	return look;
}

static void expect_list(const json_t *list, const char *words)
{
	auto_buf struct buf text = { 0 };
	size_t i;
	const json_t *one;
	json_array_foreach((json_t *)list, i, one)
	{
		buf_printf(&text, "%s%s", i ? " " : "", json_string_value(one));
	}
	cr_assert_str_eq(buf_text(&text), words);
}

/* ---- good ones ---- */

Test(image_recipe, ours_can_be_read)
{
	auto_recipe struct recipe minimal = { 0 }, desktop = { 0 };
	cr_assert(recipe_load("minimal", &minimal, &err), "%s", err.text);
	recipe_end(&minimal);
	cr_assert_str_eq(minimal.name, "minimal");
	cr_assert_eq(file_of(&minimal, "etc/sudoers.d/vitrine").mode, S_IFREG | 0644);
	cr_assert_eq(file_of(&minimal, "etc/vitrine/panel").found, 0);
	cr_assert(recipe_load("desktop", &desktop, &err), "%s", err.text);
	recipe_end(&desktop);
	cr_assert_gt(json_array_size(desktop.packages), json_array_size(minimal.packages));
	cr_assert_eq(file_of(&desktop, "etc/sudoers.d/vitrine").found, 1, "its base's file");
	cr_assert_str_eq(file_of(&desktop, "etc/vitrine/panel").bytes, "xfce4-panel");
	cr_assert_gt(desktop.memory_mib, minimal.memory_mib);
}

Test(image_recipe, builds_upon_another)
{
	auto_recipe struct recipe recipe = { 0 };
	auto_buf struct buf upper = { 0 };
	put_recipe("lower",
		"{\"description\": \"low\", \"packages\": [\"openbox\", \"xterm\"], \"cpus\": 3,"
		" \"users\": [\"ann\"], \"autostart\": [\"first\"]}");
	buf_printf(&upper,
		"{\"description\": \"up\", \"base\": \"%s\", \"packages\": [\"xterm\", "
		"\"mousepad\"],"
		" \"users\": [\"bob\", \"ann\"], \"autostart\": [\"second --now\"]}",
		image_path("lower"));
	put_recipe("upper", buf_text(&upper));
	mkdir(image_path("lower/files"), 0700);
	image_put(image_path("lower/files/motd"), "low");
	mkdir(image_path("upper/files"), 0700);
	image_put(image_path("upper/files/motd"), "up");
	cr_assert(load("upper/", &recipe), "%s", err.text);
	recipe_end(&recipe);
	cr_assert_str_eq(recipe.name, "upper");
	cr_assert_str_eq(recipe.description, "up");
	expect_list(recipe.packages, "openbox xterm mousepad");
	expect_list(recipe.users, "ann bob");
	cr_assert_eq(recipe.cpus, 3);
	cr_assert_str_eq(file_of(&recipe, "etc/vitrine/autostart").bytes, "first\nsecond --now\n");
	struct look motd = file_of(&recipe, "motd");
	cr_assert_eq(motd.found, 2);
	cr_assert_str_eq(motd.bytes, "up", "the upper one's comes last and so wins");
}

Test(image_recipe, without_users_gets_one)
{
	auto_recipe struct recipe recipe = { 0 }, tar = { 0 };
	put_recipe("few", "{\"description\": \"x\"}");
	cr_assert(load("few", &recipe), "%s", err.text);
	expect_list(recipe.users, "user");
	recipe_for_tar("mine", &tar);
	cr_assert_str_eq(tar.name, "mine");
	expect_list(tar.users, "user");
	cr_assert_eq(json_array_size(tar.packages), 0);
}

Test(image_recipe, files_keep_what_they_are)
{
	auto_recipe struct recipe recipe = { 0 };
	put_recipe("r", "{\"description\": \"x\"}");
	mkdir(image_path("r/files"), 0700);
	mkdir(image_path("r/files/bin"), 0711);
	image_put(image_path("r/files/bin/run"), "#!/bin/sh\n");
	chmod(image_path("r/files/bin/run"), 04711);
	cr_assert_eq(symlink("/bin/run", image_path("r/files/link")), 0);
	cr_assert(load("r", &recipe), "%s", err.text);
	recipe_end(&recipe);
	cr_assert_eq(file_of(&recipe, "bin").mode, S_IFDIR | 0755);
	cr_assert_eq(file_of(&recipe, "bin/run").mode, S_IFREG | 0755, "what a checkout keeps");
	struct look link = file_of(&recipe, "link");
	cr_assert_eq(link.mode & S_IFMT, S_IFLNK);
	cr_assert_str_eq(link.bytes, "/bin/run");
	cr_assert_eq(mkfifo(image_path("r/files/pipe"), 0600), 0);
	cr_assert_not(load("r", &recipe));
	cr_assert_not_null(strstr(err.text, "r/files/pipe' is not a file"), "%s", err.text);
}

/* ---- wrong ones ---- */

static const struct {
	const char *json, *says;
} wrong[] = {
	{ "{", "recipe.json is not JSON: line 1" },
	{ "[]", "recipe.json" },
	{ "{}", "description" },
	{ "{\"description\": \"x\", \"description\": \"y\"}", "is not JSON" },
	{ "{\"description\": \"x\", \"pakages\": []}", "packages" },
	{ "{\"description\": 7}", "description" },
	{ "{\"description\": \"x\", \"packages\": \"xterm\"}", "packages must be" },
	{ "{\"description\": \"x\", \"packages\": [\"a b\"]}", "not \"a b\"" },
	{ "{\"description\": \"x\", \"packages\": [\"-o\"]}", "packages[0] must be the name" },
	{ "{\"description\": \"x\", \"packages\": [\"xterm\", 3]}", "packages[1]" },
	{ "{\"description\": \"x\", \"packages\": [\"x\\u0000y\"]}", "is not JSON" },
	{ "{\"description\": \"x\", \"users\": [\"../root\"]}", "users[0]" },
	{ "{\"description\": \"x\", \"users\": [\"Ann\"]}", "a user's name" },
	{ "{\"description\": \"x\", \"autostart\": [\"a\\nb\"]}", "one line" },
	{ "{\"description\": \"x\", \"memory_mib\": 8}", "memory_mib" },
	{ "{\"description\": \"x\", \"cpus\": 0.5}", "cpus" },
	{ "{\"description\": \"x\", \"base\": \"nothing\"}", "unknown recipe 'nothing'" },
};

Test(image_recipe, a_wrong_one_is_refused_with_a_reason)
{
	auto_recipe struct recipe recipe = { 0 };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		put_recipe("w", wrong[i].json);
		cr_assert_not(load("w", &recipe), "%s", wrong[i].json);
		cr_expect_not_null(
			strstr(err.text, wrong[i].says), "%s: %s", wrong[i].json, err.text);
		cr_expect_not_null(strstr(err.text, "w/recipe.json"), "%s", err.text);
	}
}

Test(image_recipe, circles_end)
{
	auto_recipe struct recipe recipe = { 0 };
	auto_buf struct buf json = { 0 };
	buf_printf(&json, "{\"description\": \"x\", \"base\": \"%s\"}", image_path("round"));
	put_recipe("round", buf_text(&json));
	cr_assert_not(load("round", &recipe));
	cr_assert_not_null(strstr(err.text, "cycle"), "%s", err.text);
}

Test(image_recipe, an_unknown_name_is_helped)
{
	auto_recipe struct recipe recipe = { 0 };
	cr_assert_not(recipe_load("minmal", &recipe, &err));
	cr_assert_eq(err.kind, ERR_NOT_FOUND);
	cr_assert_not_null(strstr(err.text, "did you mean 'minimal'?"), "%s", err.text);
	cr_assert_not(recipe_load("zzzz", &recipe, &err));
	cr_assert_not_null(strstr(err.text, "there are desktop, minimal"), "%s", err.text);
	cr_assert_not(recipe_load("..", &recipe, &err));
	cr_assert_not(recipe_load("", &recipe, &err));
	cr_assert_not(load("nowhere", &recipe));
	cr_assert_not_null(strstr(err.text, "cannot open the recipe"), "%s", err.text);
}

/* ---- archives, which cpio(1) understands ---- */

Test(image_recipe, cpio_reads_our_archives)
{
	static const char *const argv[] = { "cpio", "-i", "--to-stdout", "--quiet", "dir/a", NULL };
	static const char *const list[] = { "cpio", "-t", "--quiet", NULL };
	auto_buf struct buf archive = { 0 }, said = { 0 };
	if (access("/usr/bin/cpio", X_OK) < 0 && access("/bin/cpio", X_OK) < 0) {
		cr_skip_test("cpio is not installed");
	}
	cpio_add_dir(&archive, "dir");
	for (size_t len = 0; len < 9; len++) {
		char name[20];
		snprintf(name, sizeof(name), "dir/%.*s", (int)len + 1, "abcdefghij");
		cpio_add(&archive, name, S_IFREG | 0644, "123456789", len + 1);
	}
	cpio_end(&archive);
	auto_close int in = memfd_create("archive", MFD_CLOEXEC);
	cr_assert_eq(write(in, archive.data, archive.len), (ssize_t)archive.len);
	lseek(in, 0, SEEK_SET);
	cr_assert(run_program(&(struct run){ .argv = argv, .in = in, .out = &said }, &err), "%s",
		err.text);
	cr_assert_str_eq(buf_text(&said), "1");
	buf_consume(&said, said.len);
	lseek(in, 0, SEEK_SET);
	cr_assert(run_program(&(struct run){ .argv = list, .in = in, .out = &said }, &err));
	cr_assert_not_null(strstr(buf_text(&said), "dir/abcdefghi\n"), "%s", buf_text(&said));
}

static bool stop(const struct cpio_entry *entry, void *data, struct err *why)
{
	++*(int *)data;
	return err_set(why, ERR_LIMIT, "%s is enough", entry->name);
}

Test(image_recipe, an_archive_may_be_left_in_the_middle)
{
	auto_buf struct buf archive = { 0 };
	int calls = 0;
	cpio_add_dir(&archive, "one");
	cpio_add_dir(&archive, "two");
	cr_assert_not(cpio_each(archive.data, archive.len, stop, &calls, &err));
	cr_assert_eq(calls, 1);
	cr_assert_str_eq(err.text, "one is enough");
}

/* ---- what an id is made of ---- */

static void digest(const char *a, const char *b, char *ret_hex)
{
	struct plan_digest *digest = plan_digest_new();
	plan_digest_add(digest, a, strlen(a));
	plan_digest_add(digest, b, strlen(b));
	plan_digest_end(digest, ret_hex, 16);
}

Test(image_recipe, what_an_id_is_made_of_does_not_run_together)
{
	char one[17], two[17], again[17];
	digest("ab", "c", one);
	digest("a", "bc", two);
	digest("ab", "c", again);
	cr_assert_eq(strspn(one, "0123456789abcdef"), 16);
	cr_assert_str_neq(one, two);
	cr_assert_str_eq(one, again);
}

/* ---- what somebody else's recipe must not do ---- */

Test(image_recipe, files_that_are_a_link_take_nothing_along)
{
	auto_recipe struct recipe recipe = { 0 };
	mkdir(image_path("private"), 0700);
	image_put(image_path("private/key"), "SECRET");
	put_recipe("linked", "{\"description\": \"x\"}");
	cr_assert_eq(symlink("../private", image_path("linked/files")), 0);
	cr_assert_not(load("linked", &recipe));
	cr_assert_not_null(strstr(err.text, "linked/files' must be a directory"), "%s", err.text);
	unlink(image_path("linked/files"));
	mkdir(image_path("linked/files"), 0700);
	cr_assert_eq(symlink("../../private", image_path("linked/files/below")), 0);
	cr_assert(load("linked", &recipe), "%s", err.text);
	recipe_end(&recipe);
	cr_assert_null(memmem(recipe.files.data, recipe.files.len, "SECRET", 6));
	struct look look = file_of(&recipe, "below");
	cr_assert(S_ISLNK(look.mode), "a link below stays one");
}

Test(image_recipe, a_pipe_is_not_waited_for)
{
	auto_recipe struct recipe recipe = { 0 };
	mkdir(image_path("piped"), 0700);
	cr_assert_eq(mkfifo(image_path("piped/recipe.json"), 0600), 0);
	cr_assert_not(load("piped", &recipe));
	cr_assert_not_null(strstr(err.text, "is not JSON"), "%s", err.text);
}

Test(image_recipe, files_too_large_together_are_refused_at_once)
{
	auto_recipe struct recipe recipe = { 0 };
	put_recipe("large", "{\"description\": \"x\"}");
	mkdir(image_path("large/files"), 0700);
	for (int i = 0; i < 2; i++) {
		image_put(image_path("large/files/%d", i), "x");
		cr_assert_eq(truncate(image_path("large/files/%d", i), 130 << 20), 0);
	}
	cr_assert_not(load("large", &recipe));
	cr_assert_not_null(strstr(err.text, "more than 256 MiB"), "%s", err.text);
}
