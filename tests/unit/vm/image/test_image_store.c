// USES image
/* The directory of images: found by name, id or age; half-made ones never; and image.json as
 * anybody might have written it. */

#include "base/cleanup.h"
#include "vm/image/store.h"

#include "tests/support/image_scratch.h"

#include <sys/wait.h>

#include <sys/file.h>

TestSuite(image_store, .init = image_scratch_make, .fini = image_scratch_remove, .timeout = 60);

static struct err err;

#define OLD "00000000000000aa"
#define NEW "00000000000000bb"

static void put_parts(const char *dir)
{
	static const char *const parts[] = { "root.erofs", "vmlinuz", "initramfs" };
	char path[1200];
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, parts[i]);
		image_put(path, "x");
	}
	snprintf(path, sizeof(path), "%s/packages", dir);
	image_put(path, "bash 5.2\nxterm 379\n");
}

static void put_json(const char *dir, const char *id, const char *name, int64_t created)
{
	const struct image_json said = { id, name, "For a test.", "6.1.0-1-cloud", IMAGE_FORMAT,
		512, 2, created };
	char path[1200];
	json_auto_t *json = image_json_encode(&said);
	auto_free char *text = json_dumps(json, 0);
	snprintf(path, sizeof(path), "%s/image.json", dir);
	image_put(path, text);
}

static void make(const char *id, const char *name, int64_t created)
{
	cr_assert_eq(mkdir(image_path("%s", id), 0700), 0);
	put_parts(image_path("%s", id));
	put_json(image_path("%s", id), id, name, created);
}

static bool find(const char *name, struct image *ret)
{
	err = (struct err){ 0 };
	return image_find(image_scratch, name, ret, &err);
}

static void expect_found(const char *name, const char *id)
{
	auto_image struct image image = { 0 };
	cr_assert(find(name, &image), "%s", err.text);
	cr_assert_str_eq(image.id, id);
}

static void expect_none(const char *name, const char *says)
{
	auto_image struct image image = { 0 };
	cr_assert_not(find(name, &image));
	cr_assert_eq(err.kind, ERR_NOT_FOUND);
	cr_assert_not_null(strstr(err.text, says), "%s", err.text);
}

/* ---- finding ---- */

Test(image_store, finds_by_name_id_or_age)
{
	expect_none(NULL, "vitrine image build");
	expect_none("minimal", "no images");
	make(OLD, "minimal", 1000);
	make(NEW, "desktop", 2000);
	expect_found(NULL, NEW);
	expect_found("minimal", OLD);
	expect_found(OLD, OLD);
	expect_none("minimum", "desktop (" NEW "), minimal (" OLD ")");
	auto_image struct image image = { 0 };
	cr_assert(find("desktop", &image));
	cr_assert_str_eq(image.kernel, "6.1.0-1-cloud");
	cr_assert_eq(image.memory_mib, 512);
	cr_assert_eq(image.cpus, 2);
	cr_assert_eq(image.bytes, 3 + 19);
	cr_assert_str_eq(image.dir, image_path(NEW));
}

Test(image_store, the_newest_of_a_name_wins)
{
	make(OLD, "minimal", 1000);
	make(NEW, "minimal", 999);
	expect_found("minimal", OLD);
}

Test(image_store, tells_its_packages)
{
	make(OLD, "minimal", 1000);
	auto_image struct image image = { 0 };
	cr_assert(find(NULL, &image));
	json_auto_t *packages = image_packages(&image, &err);
	cr_assert_eq(json_array_size(packages), 2);
	cr_assert_str_eq(json_string_value(json_array_get(packages, 1)), "xterm 379");
	unlink(image_path(OLD "/packages"));
	cr_assert_null(image_packages(&image, &err));
	cr_assert_not_null(strstr(err.text, "packages"), "%s", err.text);
}

/* ---- what lies there and is none ---- */

struct listed {
	size_t good, bad;
	char why[500];
};

static void on_image(const struct image *image, const struct err *why, void *data)
{
	struct listed *listed = data;
	cr_assert_not_null(image->dir);
	listed->good += !why;
	listed->bad += !!why;
	if (why) {
		snprintf(listed->why, sizeof(listed->why), "%s", why->text);
	}
}

#define GOOD \
	"\"name\": \"n\", \"description\": \"\", \"kernel\": \"k\", \"memory_mib\": 512, " \
	"\"cpus\": 1, \"created\": 5"

static const struct {
	const char *json, *says;
} wrong[] = {
	{ "", "not JSON" },
	{ "{\"format\": 1", "not JSON: line 1" },
	{ "[1]", "image.json" },
	{ "{\"format\": 1, \"id\": \"" OLD "\"}", "name" },
	{ "{\"format\": 2, \"id\": \"" OLD "\", " GOOD "}", "another version of Vitrine" },
	{ "{\"format\": 1, \"id\": \"" NEW "\", " GOOD "}", "another image, '" NEW "'" },
	{ "{\"format\": 1, \"id\": \"../../../../../x\", " GOOD "}", "another image" },
	{ "{\"format\": 1, \"id\": \"short\", " GOOD "}", "id" },
	{ "{\"format\": 1, \"id\": \"" OLD "\", \"id\": \"" OLD "\", " GOOD "}", "not JSON" },
	{ "{\"format\": 1, \"id\": \"" OLD "\", " GOOD ", \"dir\": \"/\"}", "dir" },
	{ "{\"format\": 1, \"id\": \"" OLD "\", \"name\": \"n\", \"description\": \"\", "
	  "\"kernel\": \"k\", \"memory_mib\": 1e12, \"cpus\": 1, \"created\": 5}",
		"memory_mib" },
	{ "{\"format\": 1, \"id\": \"" OLD "\", \"name\": \"n\", \"description\": \"\", "
	  "\"kernel\": \"k\", \"memory_mib\": 512, \"cpus\": -1, \"created\": 5}",
		"cpus" },
};

/* Listed with the reason, and never taken; whoever names it hears why. */
static void expect_refused(const char *says)
{
	struct listed listed = { 0 };
	auto_image struct image image = { 0 };
	cr_assert(image_each(image_scratch, on_image, &listed, &err), "%s", err.text);
	cr_assert(listed.good == 0 && listed.bad == 1, "%s", says);
	cr_expect_not_null(strstr(listed.why, says), "%s: %s", says, listed.why);
	cr_expect_not_null(strstr(listed.why, OLD), "%s", listed.why);
	cr_assert_not(find(NULL, &image));
	cr_assert_not(find(OLD, &image));
	cr_expect_not_null(strstr(err.text, says), "%s", err.text);
}

Test(image_store, a_description_that_lies_is_refused)
{
	make(OLD, "minimal", 1000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		image_put(image_path(OLD "/image.json"), wrong[i].json);
		expect_refused(wrong[i].says);
	}
	static char huge[70000];
	memset(huge, ' ', sizeof(huge) - 1);
	image_put(image_path(OLD "/image.json"), huge);
	expect_refused("image.json");
}

Test(image_store, links_and_pipes_are_no_description)
{
	make(OLD, "minimal", 1000);
	rename(image_path(OLD "/image.json"), image_path("elsewhere"));
	expect_refused("cannot open image.json");
	cr_assert_eq(symlink(image_path("elsewhere"), image_path(OLD "/image.json")), 0);
	expect_refused("cannot open image.json");
	unlink(image_path(OLD "/image.json"));
	cr_assert_eq(mkfifo(image_path(OLD "/image.json"), 0600), 0);
	expect_refused("image.json");
}

Test(image_store, a_part_that_lacks_or_is_something_else_is_refused)
{
	make(OLD, "minimal", 1000);
	image_put(image_path(OLD "/vmlinuz"), "");
	expect_refused("vmlinuz is not a file or is empty");
	unlink(image_path(OLD "/vmlinuz"));
	expect_refused("cannot examine vmlinuz");
	cr_assert_eq(symlink("/etc/passwd", image_path(OLD "/vmlinuz")), 0);
	expect_refused("vmlinuz is not a file");
}

Test(image_store, other_things_in_the_directory_are_not_looked_at)
{
	struct listed listed = { 0 };
	mkdir(image_path(".00000000000000a"), 0700);
	mkdir(image_path("readme"), 0700);
	mkdir(image_path("00000000000000AA"), 0700);
	image_put(image_path("notes"), "x");
	cr_assert(image_each(image_scratch, on_image, &listed, &err), "%s", err.text);
	cr_assert(listed.good == 0 && listed.bad == 0);
	cr_assert(image_each("/nowhere/at/all", on_image, &listed, &err));
	cr_assert(listed.good == 0 && listed.bad == 0);
}

Test(image_store, a_directory_that_cannot_be_read_is_not_empty)
{
	struct listed listed = { 0 };
	auto_image struct image image = { 0 };
	image_put(image_path("notes"), "x");
	cr_assert_not(image_each(image_path("notes"), on_image, &listed, &err));
	cr_expect_not_null(strstr(err.text, "notes': Not a directory"), "%s", err.text);
	err = (struct err){ 0 };
	cr_assert_not(image_find(image_path("notes"), NULL, &image, &err));
	cr_expect_not_null(strstr(err.text, "cannot read the directory"), "%s", err.text);
}

Test(image_store, a_damaged_one_is_told_of_and_can_be_removed)
{
	auto_image struct image image = { 0 };
	make(OLD, "minimal", 1000);
	image_put(image_path(OLD "/image.json"), "garbage");
	expect_none("minimal", OLD " is damaged: image.json is not JSON");
	expect_none("minimal", "`vitrine image rm " OLD "` removes");
	cr_assert_not(find(OLD, &image));
	cr_expect_not_null(strstr(err.text, "is damaged"), "%s", err.text);
	cr_assert(image_find_any(image_scratch, OLD, &image, &err), "%s", err.text);
	cr_assert_str_eq(image.name, "");
	cr_assert(image_remove(&image, &err), "%s", err.text);
	expect_none(OLD, "no images");
}

/* ---- making and deleting ---- */

static char *unfinished(int *ret_lock)
{
	char *dir = NULL;
	*ret_lock = image_begin(image_scratch, NULL, &dir, &err);
	cr_assert_geq(*ret_lock, 0, "%s", err.text);
	return dir;
}

Test(image_store, an_image_is_there_when_it_is_whole)
{
	bool was_there;
	auto_image struct image image = { 0 }, again = { 0 };
	auto_close int lock = -1, other = -1;
	auto_free char *dir = unfinished(&lock);
	put_json(dir, OLD, "minimal", 1000);
	cr_assert_not(image_commit(image_scratch, dir, &image, &was_there, &err));
	expect_none(NULL, "no images");
	put_parts(dir);
	expect_none(NULL, "no images");
	cr_assert(image_commit(image_scratch, dir, &image, &was_there, &err), "%s", err.text);
	cr_assert_not(was_there);
	expect_found("minimal", OLD);
	auto_free char *same = unfinished(&other);
	put_json(same, OLD, "minimal", 2000);
	put_parts(same);
	cr_assert(image_commit(image_scratch, same, &again, &was_there, &err), "%s", err.text);
	cr_assert(was_there);
	cr_assert_eq(again.created, 1000, "the first one stays");
	cr_assert_lt(access(same, F_OK), 0);
}

Test(image_store, one_that_is_broken_is_replaced)
{
	bool was_there;
	auto_image struct image image = { 0 };
	auto_close int lock = -1;
	make(OLD, "minimal", 1000);
	unlink(image_path(OLD "/vmlinuz"));
	auto_free char *dir = unfinished(&lock);
	put_json(dir, OLD, "minimal", 2000);
	put_parts(dir);
	cr_assert(image_commit(image_scratch, dir, &image, &was_there, &err), "%s", err.text);
	cr_assert_not(was_there);
	cr_assert_eq(image.created, 2000);
}

Test(image_store, what_a_build_left_goes_with_the_next_one)
{
	int lock, other;
	auto_free char *dir = unfinished(&lock);
	put_parts(dir);
	auto_free char *second = unfinished(&other);
	cr_assert_eq(access(dir, F_OK), 0, "somebody is making it");
	close(lock);
	close(other);
	auto_free char *third = unfinished(&lock);
	cr_assert_lt(access(dir, F_OK), 0);
	cr_assert_lt(access(second, F_OK), 0);
	image_abandon(third, NULL);
	cr_assert_lt(access(third, F_OK), 0);
	close(lock);
}

/* Each clears away what the others left, and none what another has just begun. */
Test(image_store, builds_that_begin_at_once_leave_each_other_alone)
{
	pid_t pids[4];
	for (size_t i = 0; i < 4; i++) {
		pids[i] = fork();
		for (int turn = 0; pids[i] == 0 && turn < 50; turn++) {
			char *dir = NULL;
			int lock = image_begin(image_scratch, NULL, &dir, &err);
			if (lock < 0 || access(dir, F_OK) < 0) {
				_exit(1);
			}
			close(lock); /* it is left */
		}
		if (pids[i] == 0) {
			_exit(0);
		}
	}
	for (size_t i = 0; i < 4; i++) {
		int status;
		cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
		cr_expect_eq(status, 0, "one was cleared away when it began");
	}
}

Test(image_store, a_removed_one_is_gone)
{
	auto_image struct image image = { 0 };
	make(OLD, "minimal", 1000);
	cr_assert(find(NULL, &image));
	cr_assert(image_remove(&image, &err), "%s", err.text);
	expect_none(NULL, "no images");
	cr_assert_not(image_remove(&image, &err));
	cr_assert_eq(rmdir(image_scratch), 0, "nothing of it is left");
	cr_assert_eq(mkdir(image_scratch, 0700), 0);
}
