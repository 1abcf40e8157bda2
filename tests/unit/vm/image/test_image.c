// USES vm
/* Images, as far as no image need be made: recipes and what is told about a bad one, what
 * mmdebstrap's lines mean, and the directory in which images are kept. */
#include "tests/support/scratch.h"

#include "base/cleanup.h"
#include "vm/image/cpio.h"
#include "vm/image/image.h"
#include "vm/image/progress.h"
#include "vm/image/recipe.h"
#include "vm/image/store.h"

#include <sys/stat.h>

TestSuite(image, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	cr_assert_not_null(file, "%s", path);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
}

static const char *make_recipe(const char *name, const char *json)
{
	const char *folder = in_scratch("%s", name);
	cr_assert(mkdir(folder, 0700) == 0 || access(folder, F_OK) == 0);
	write_text(in_scratch("%s/recipe.json", name), json);
	return folder;
}

/* ---- recipes ---- */

struct wanted {
	const char *name;
	struct buf bytes;
	bool found;
};

static bool look(const struct cpio_entry *entry, void *data, struct err *err)
{
	struct wanted *wanted = data;
	(void)err;
	if (strcmp(entry->name, wanted->name) == 0) {
		wanted->found = true;
		buf_append(&wanted->bytes, entry->bytes, entry->len);
	}
	return true;
}

/* A file in the recipe's archive, as a text; NULL: there is none. */
static char *file_in(const struct recipe *recipe, const char *name)
{
	struct err err;
	struct wanted wanted = { .name = name };
	cr_assert(cpio_each(recipe->files.data, recipe->files.len, look, &wanted, &err), "%s",
		err.text);
	char *text = wanted.found ? must(strdup(buf_text(&wanted.bytes))) : NULL;
	buf_done(&wanted.bytes);
	return text;
}

static void load(const char *which, struct recipe *recipe)
{
	struct err err;
	cr_assert(recipe_load(which, recipe, &err), "%s", err.text);
}

Test(image, our_recipes_are_sound)
{
	static const char *const names[] = { "minimal", "desktop" };
	for (size_t i = 0; i < 2; i++) {
		auto_recipe struct recipe recipe = { 0 };
		load(names[i], &recipe);
		recipe_end(&recipe);
		cr_expect_str_eq(recipe.name, names[i]);
		cr_expect_gt(json_array_size(recipe.packages), 10);
		cr_expect_gt(recipe.disk_mib, 0);
		auto_free char *sudoers = file_in(&recipe, "etc/sudoers.d/vitrine");
		cr_expect_not_null(sudoers, "of the recipe minimal, on which the other builds");
		auto_free char *policies = file_in(&recipe, "etc/firefox/policies/policies.json");
		json_auto_t *json = policies ? json_loads(policies, 0, NULL) : NULL;
		cr_expect_eq(json != NULL, i == 1);
	}
}

Test(image, a_recipe_says_what_runs_and_what_is_open)
{
	struct err err;
	auto_recipe struct recipe recipe = { 0 };
	json_auto_t *more = json_pack("[s, s]", "mousepad", "xterm -e top");
	load(make_recipe("mine", "{\"description\": \"Mine.\", \"panel\": \"lxpanel\","
				 "\"autostart\": [\"one &\", \"two\"], \"warm\": [\"mousepad\"]}"),
		&recipe);
	cr_assert(recipe_add_warm(&recipe, more, &err), "%s", err.text);
	recipe_end(&recipe);
	auto_free char *autostart = file_in(&recipe, "etc/vitrine/autostart");
	auto_free char *warm = file_in(&recipe, "etc/vitrine/warm");
	auto_free char *panel = file_in(&recipe, "etc/vitrine/panel");
	cr_expect_str_eq(autostart, "one &\ntwo\n");
	cr_expect_str_eq(warm, "mousepad\nxterm -e top\n", "each once");
	cr_expect_str_eq(panel, "lxpanel");
	cr_expect_str_eq(json_string_value(json_array_get(recipe.users, 0)), "user");
}

Test(image, what_is_wrong_in_a_recipe_is_told)
{
	static const struct {
		const char *json, *told;
	} cases[] = {
		{ "{", "is not JSON: line 1" },
		{ "{}", "description" },
		{ "{\"description\": \"x\", \"package\": []}", "'package'" },
		{ "{\"description\": \"x\", \"packages\": \"vim\"}", "packages must be" },
		{ "{\"description\": \"x\", \"packages\": [\"--help\"]}", "--help" },
		{ "{\"description\": \"x\", \"packages\": [7]}", "packages" },
		{ "{\"description\": \"x\", \"users\": [\"Root\"]}", "a user's name" },
		{ "{\"description\": \"x\", \"warm\": [\"a\\nb\"]}",
			"a shell command of one line" },
		{ "{\"description\": \"x\", \"warm\": [\"\"]}", "warm" },
		{ "{\"description\": \"x\", \"memory_mib\": 1}", "memory_mib" },
		{ "{\"description\": \"x\", \"base\": \"nonsuch\"}", "'nonsuch'" },
		{ "{\"description\": \"x\", \"description\": \"y\"}", "is not JSON" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err err = { 0 };
		auto_recipe struct recipe recipe = { 0 };
		const char *folder = make_recipe("bad", cases[i].json);
		cr_expect(!recipe_load(folder, &recipe, &err), "%s", cases[i].json);
		cr_expect(strstr(err.text, cases[i].told), "%s: %s", cases[i].json, err.text);
	}
}

Test(image, a_circle_of_recipes_and_a_wrong_name_are_told)
{
	struct err err = { 0 };
	char json[700];
	auto_recipe struct recipe recipe = { 0 };
	snprintf(json, sizeof(json), "{\"description\": \"x\", \"base\": \"%s\"}",
		in_scratch("circle"));
	cr_expect(!recipe_load(make_recipe("circle", json), &recipe, &err));
	cr_expect(strstr(err.text, "cycle"), "%s", err.text);
	cr_expect(!recipe_load("desktp", &recipe, &err));
	cr_expect(strstr(err.text, "did you mean 'desktop'?"), "%s", err.text);
	cr_expect(!recipe_load(in_scratch("nowhere"), &recipe, &err));
	cr_expect(strstr(err.text, "recipe.json"), "%s", err.text);
}

Test(image, a_root_of_ones_own_gets_what_the_agent_reads)
{
	auto_recipe struct recipe recipe = { 0 };
	recipe_for_tar("root.tar", &recipe);
	recipe_end(&recipe);
	auto_free char *sudoers = file_in(&recipe, "etc/sudoers.d/vitrine");
	cr_expect_str_eq(sudoers, "user ALL=(ALL:ALL) NOPASSWD: ALL\n");
	cr_expect_eq(json_array_size(recipe.packages), 0);
	cr_expect_str_eq(recipe.name, "root.tar");
}

/* ---- progress ---- */

Test(image, progress_goes_on_and_never_back)
{
	static const char *const lines[] = { "I: running apt-get update...",
		"I: downloading packages with apt...", "I: extracting archives...",
		"I: installing essential packages...",
		"0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.",
		"Get:1 http://x y", "Unpacking a", "Setting up a", "nothing of interest",
		"I: installing remaining packages inside the chroot...",
		"0 upgraded, 100000000 newly installed", "vitrine: fetching the kernel",
		"vitrine: making the root file system", "I: installing essential packages..." };
	struct progress progress;
	int last = 0;
	progress_init(&progress);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		progress_line(&progress, lines[i]);
		cr_expect_geq(progress.percent, last, "%s", lines[i]);
		last = progress.percent;
	}
	cr_expect_str_eq(progress.step, "making the root file system");
}

static struct err told(const char *const *lines)
{
	struct progress progress;
	struct err err = { 0 };
	progress_init(&progress);
	for (; *lines; lines++) {
		progress_line(&progress, *lines);
	}
	cr_expect(!progress_error(&progress, "exited with status 25", &err));
	return err;
}

Test(image, a_failure_is_told_in_the_words_that_matter)
{
	const char *const apt[] = { "I: installing remaining packages inside the chroot...",
		"E: Unable to locate package nonsuch", "E: setup failed: E: apt-get -o a -o b",
		NULL };
	const char *const tar[] = { "tar: caf\xc3\xa9/\xe6\x96\x87: Cannot open", NULL };
	const char *const harm[] = { "vitrine: failed: \x1b[2Jtar: caf\xe9", NULL };
	const char *const ours[] = { "E: something", "vitrine: failed: there is not a kernel",
		NULL };
	struct err err = told(apt);
	cr_expect_str_eq(err.text, "the build exited with status 25 while installing packages: "
				   "E: Unable to locate package nonsuch");
	err = told(tar);
	cr_expect_str_eq(err.text, "the build exited with status 25 while starting: "
				   "tar: caf\xc3\xa9/\xe6\x96\x87: Cannot open");
	err = told(harm);
	cr_expect_str_eq(err.text, " [2Jtar: caf?");
	err = told(ours);
	cr_expect_str_eq(err.text, "there is not a kernel");
}

/* ---- where they are kept ---- */

static char *begin(const char *images)
{
	struct err err;
	char *dir = NULL;
	int lock = image_begin(images, NULL, &dir, &err);
	cr_assert_geq(lock, 0, "%s", err.text);
	close(lock);
	return dir;
}

static void fill(const char *dir, const char *id, const char *name, int64_t created)
{
	static const char *const files[] = { "root.erofs", "vmlinuz", "initramfs", "packages" };
	char path[1200];
	const struct image_json said = { .id = id,
		.name = name,
		.description = "d",
		.kernel = "6.1",
		.format = IMAGE_FORMAT,
		.memory_mib = 512,
		.cpus = 1,
		.created = created };
	json_auto_t *json = image_json_encode(&said);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		write_text(path, "a 1\nb 2\n");
	}
	snprintf(path, sizeof(path), "%s/image.json", dir);
	cr_assert_eq(json_dump_file(json, path, 0), 0);
}

static bool commit(const char *images, const char *id, const char *name, int64_t created)
{
	struct err err;
	bool was_there = false;
	auto_image struct image image = { 0 };
	auto_free char *dir = begin(images);
	fill(dir, id, name, created);
	cr_assert(image_commit(images, dir, &image, &was_there, &err), "%s", err.text);
	cr_expect_str_eq(image.id, id);
	cr_expect_neq(access(dir, F_OK), 0, "it has its name, or is gone");
	return was_there;
}

static void count(const struct image *image, const struct err *why, void *data)
{
	size_t *n = data;
	(void)image;
	n[why != NULL]++;
}

Test(image, is_there_as_a_whole_or_not_at_all)
{
	static const char *const ids[] = { "00000000000000aa", "00000000000000bb" };
	struct err err = { 0 };
	size_t n[2] = { 0, 0 };
	auto_image struct image image = { 0 };
	const char *images = in_scratch("images");
	cr_expect(!image_find(images, NULL, &image, &err));
	cr_expect(strstr(err.text, "vitrine image build"), "%s", err.text);
	auto_free char *left = begin(images); /* by one that was killed */
	cr_expect(!commit(images, ids[0], "old", 1000));
	cr_expect_neq(access(left, F_OK), 0, "what nobody works on is cleared away");
	cr_expect(!commit(images, ids[1], "new", 2000));
	cr_expect(commit(images, ids[1], "new", 3000), "made twice, kept once");
	cr_assert(image_find(images, NULL, &image, &err), "%s", err.text);
	cr_expect_str_eq(image.id, ids[1], "the newest");
	json_auto_t *packages = image_packages(&image, &err);
	cr_expect_eq(json_array_size(packages), 2);
	image_done(&image);
	cr_expect(!image_find(images, "other", &image, &err));
	cr_expect(strstr(err.text, "new (00000000000000bb), old"), "%s", err.text);
	write_text(in_scratch("images/%s/vmlinuz", ids[1]), "");
	cr_expect(image_each(images, count, n, &err), "%s", err.text);
	cr_expect(n[0] == 1 && n[1] == 1, "one is damaged");
	cr_assert(image_find(images, "old", &image, &err), "%s", err.text);
	cr_expect(image_remove(&image, &err), "%s", err.text);
	cr_expect_neq(access(in_scratch("images/%s", ids[0]), F_OK), 0);
}

Test(image, of_another_format_is_not_used)
{
	struct err err = { 0 };
	auto_image struct image image = { 0 };
	const char *images = in_scratch("images"), *id = "00000000000000cc";
	commit(images, id, "name", 1);
	write_text(in_scratch("images/%s/image.json", id),
		"{\"id\": \"00000000000000cc\", \"name\": \"n\", \"description\": \"d\", "
		"\"kernel\": \"k\", \"format\": 999, \"memory_mib\": 512, \"cpus\": 1, "
		"\"created\": 1}");
	cr_expect(!image_find(images, id, &image, &err));
	cr_expect(strstr(err.text, "build it again"), "%s", err.text);
}
