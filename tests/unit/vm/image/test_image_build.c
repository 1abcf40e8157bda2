// USES image
/* Builds that do not come to an end: refused before anything is made, interrupted, given up.  Whole
 * ones take minutes, and .ci/test-image makes one. */

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/image/build.h"
#include "vm/image/host.h"
#include "vm/image/run.h"

#include "tests/support/image_scratch.h"

#include <dirent.h>
#include <sys/statvfs.h>

static sd_event *event;
static struct err err;

static void begin(void)
{
	image_scratch_make();
	event = loop_new(&err);
	cr_assert_not_null(event);
	mkdir(image_path("images"), 0700);
}

static void end(void)
{
	sd_event_unref(event);
	image_scratch_remove();
}

TestSuite(image_build, .init = begin, .fini = end, .timeout = 120);

struct seen {
	struct build *build;
	int steps, ends, cancels; /* cancels: how often to cancel at the first step */
	struct err err;
};

static void cancel_at_once(const char *step, int percent, void *data)
{
	struct seen *seen = data;
	cr_assert(step[0] && percent >= 0 && percent <= 100);
	if (seen->steps++ == 0) {
		for (int i = 0; i < seen->cancels; i++) {
			build_cancel(seen->build);
		}
	}
}

static void on_end(const struct image *image, bool was_there, const struct err *why, void *data)
{
	struct seen *seen = data;
	(void)was_there;
	cr_assert(!image == !!why);
	seen->ends++;
	seen->err = why ? *why : (struct err){ 0 };
}

static struct build *start(const struct build_how *how, struct seen *seen)
{
	struct build_how here = *how;
	char program[600];
	cr_assert_not_null(getenv("VITRINE_BUILD"), "run it by ctest");
	snprintf(program, sizeof(program), "%s/vitrine", getenv("VITRINE_BUILD"));
	here.images = image_path("images");
	here.program = program;
	err = (struct err){ 0 };
	seen->build = build_start(event, &here, cancel_at_once, on_end, seen, &err);
	return seen->build;
}

static void expect_nothing_left(void)
{
	DIR *dir = opendir(image_path("images"));
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		cr_expect(entry->d_name[0] == '.' && strlen(entry->d_name) <= 2,
			"%s was left behind", entry->d_name);
	}
	closedir(dir);
}

static void expect_refused(const struct build_how *how, const char *says)
{
	struct seen seen = { 0 };
	cr_assert_null(start(how, &seen), "%s", says);
	cr_expect_not_null(strstr(err.text, says), "%s: %s", says, err.text);
	cr_assert_eq(seen.ends, 0);
	expect_nothing_left();
}

static void skip_where_it_cannot_be(void)
{
	if (!build_host_check(image_path("images"), 0, &err)) {
		cr_skip_test("%s", err.text);
	}
}

Test(image_build, what_cannot_be_made_is_refused_before_anything_is)
{
	skip_where_it_cannot_be();
	expect_refused(&(struct build_how){ .recipe = "minimol" }, "did you mean 'minimal'?");
	expect_refused(&(struct build_how){ .recipe = "./nowhere/" }, "./nowhere/");
	expect_refused(&(struct build_how){ .tar = "/nowhere/root.tar" }, "/nowhere/root.tar");
}

Test(image_build, a_name_is_checked_before_anything_is_made)
{
	static const char *const wrong[] = { "../x", "", ".x", "-x", "a b", "a\nb", "\x1b[2Jx",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		expect_refused(&(struct build_how){ .name = wrong[i] }, "not a valid image name");
		cr_expect_eq(strcspn(err.text, "\x1b\n"), strlen(err.text));
	}
	expect_refused(&(struct build_how){ .tar = "/nowhere/my root.tar" }, "--name");
}

Test(image_build, a_package_that_is_not_is_told_before_anything_is_fetched)
{
	auto_buf struct buf names = { 0 };
	static const char *const argv[] = { "apt-cache", "pkgnames", "x11-apps", NULL };
	skip_where_it_cannot_be();
	if (!run_program(&(struct run){ .argv = argv, .out = &names }, &err) || !names.len) {
		cr_skip_test("apt has no lists here");
	}
	mkdir(image_path("slip"), 0700);
	image_put(image_path("slip/recipe.json"),
		"{\"description\": \"x\", \"packages\": [\"x11-apps:amd64\", \"x11-appz\"]}");
	expect_refused(&(struct build_how){ .recipe = image_path("slip") },
		"Debian package 'x11-appz'; did you mean 'x11-apps'?");
	image_put(image_path("slip/recipe.json"),
		"{\"description\": \"x\", \"packages\": [\"no-such-thing-at-all\"]}");
	expect_refused(&(struct build_how){ .recipe = image_path("slip") },
		"Debian package 'no-such-thing-at-all'");
}

Test(image_build, an_archive_that_is_no_file_is_not_waited_for)
{
	skip_where_it_cannot_be();
	cr_assert_eq(mkfifo(image_path("pipe"), 0600), 0);
	expect_refused(&(struct build_how){ .tar = image_path("pipe") }, "a regular file");
	expect_refused(&(struct build_how){ .tar = image_scratch, .name = "x" }, "a regular file");
}

Test(image_build, needs_room)
{
	struct statvfs fs;
	skip_where_it_cannot_be();
	cr_assert_eq(statvfs(image_path("images"), &fs), 0);
	if (fs.f_bavail * fs.f_frsize >> 30 >= 100) {
		cr_skip_test("this disk has room for everything");
	}
	mkdir(image_path("huge"), 0700);
	image_put(image_path("huge/recipe.json"),
		"{\"description\": \"x\", \"disk_mib\": 65536, \"packages\": [\"x11-apps\"]}");
	expect_refused(&(struct build_how){ .recipe = image_path("huge") }, "free disk space");
}

/* A second interrupt changes nothing. */
Test(image_build, an_interrupted_one_leaves_nothing)
{
	skip_where_it_cannot_be();
	for (int cancels = 1; cancels <= 2; cancels++) {
		struct seen seen = { .cancels = cancels };
		cr_assert_not_null(start(&(struct build_how){ 0 }, &seen), "%s", err.text);
		while (!seen.ends) {
			cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
		}
		build_free(seen.build);
		if (!seen.steps) {
			cr_skip_test("%s", seen.err.text); /* a container that does not let it */
		}
		cr_assert_eq(seen.ends, 1);
		cr_assert_eq(seen.err.kind, ERR_CANCELLED, "%s", seen.err.text);
		expect_nothing_left();
	}
}

Test(image_build, one_that_is_given_up_leaves_nothing)
{
	struct seen seen = { 0 };
	skip_where_it_cannot_be();
	cr_assert_not_null(start(&(struct build_how){ 0 }, &seen), "%s", err.text);
	for (int i = 0; i < 3 && !seen.ends; i++) {
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	}
	build_free(seen.build);
	cr_assert(seen.ends == 0 || seen.err.kind != ERR_NONE);
	expect_nothing_left();
}
