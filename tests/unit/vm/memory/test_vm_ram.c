// USES vm
/* Memory files that machines map: sealed, shared, kept for a while; and layers of them on disk that
 * do not belong together. */

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/work.h"
#include "tests/support/scratch.h"
#include "vm/memory/ram.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define PAGES 512 /* 2 MiB */

static sd_event *event;
static struct err err;

static void begin(void)
{
	scratch_make();
	event = loop_new(&err);
	cr_assert_not_null(event);
}

static void end(void)
{
	work_wait_all();
	ram_forget();
	sd_event_unref(event);
	scratch_remove();
}

TestSuite(ram, .init = begin, .fini = end, .timeout = 60);

/* ---- layers ---- */

/* A layer called `id` on the one called `base` (0: on zeros): pages from `first` on full of `byte`,
 * and then one of zeros. */
struct layer {
	uint8_t id, base;
	uint32_t ram_pages, first, count;
	uint8_t byte;
};

static void put_layer(const char *path, const struct layer *layer)
{
	uint64_t data = layer->count;
	size_t size = PAGES_SIZE * (1 + data) + 2 * sizeof(struct pages_run);
	struct pages_run runs[2] = { { layer->first, layer->count },
		{ layer->first + layer->count, 1 | PAGES_ZERO } };
	uint8_t *file = calloc(1, size), *bytes = file + PAGES_SIZE;
	memset(bytes, layer->byte, data * PAGES_SIZE);
	memcpy(bytes + data * PAGES_SIZE, runs, sizeof(runs));
	struct pages_head head = {
		.magic = PAGES_MAGIC,
		.version = PAGES_VERSION,
		.page_size = PAGES_SIZE,
		.ram_pages = layer->ram_pages,
		.data_pages = data,
		.runs = 2,
		.id = { layer->id },
		.base = { layer->base },
		.runs_sum = pages_sum(0, runs, sizeof(runs)),
	};
	for (uint64_t at = 0; at < data * PAGES_SIZE; at += PAGES_CHUNK) {
		uint64_t left = data * PAGES_SIZE - at;
		head.data_sum = pages_sum(
			head.data_sum, bytes + at, left < PAGES_CHUNK ? left : PAGES_CHUNK);
	}
	head.head_sum = pages_sum(0, &head, offsetof(struct pages_head, head_sum));
	memcpy(file, &head, sizeof(head));
	put_file(path, file, size);
	free(file);
}

static const char *dir_of(const char *name)
{
	static char paths[2][600];
	static unsigned turn;
	char *path = paths[turn++ % 2];
	snprintf(path, sizeof(paths[0]), "%s", in_scratch("%s", name));
	mkdir(path, 0700);
	return path;
}

/* ---- opening ---- */

struct opened {
	int times;
	struct ram *ram;
	struct pages *top;
	struct err why;
};

static void on_open(struct ram *ram, struct pages *top, const struct err *why, void *data)
{
	struct opened *opened = data;
	cr_assert(!ram == !!why && (ram || !top));
	*opened = (struct opened){ opened->times + 1, ram, top, why ? *why : (struct err){ 0 } };
}

static void until(const struct opened *opened)
{
	while (!opened->times) {
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	}
}

static struct opened open_dir(const char *dir)
{
	struct opened opened = { 0 };
	cr_assert_not_null(ram_open(event, dir, on_open, &opened));
	cr_assert_eq(opened.times, 0, "an answer from inside the call");
	until(&opened);
	cr_assert_eq(opened.times, 1);
	return opened;
}

static struct opened open_good(const char *dir)
{
	struct opened opened = open_dir(dir);
	cr_assert_not_null(opened.ram, "%s", opened.why.text);
	return opened;
}

static void done(struct opened *opened)
{
	pages_unref(opened->top);
	ram_unref(opened->ram);
}

static void expect_damaged(const char *dir, const char *says)
{
	struct opened opened = open_dir(dir);
	cr_assert_null(opened.ram, "%s", says);
	cr_expect_not_null(strstr(opened.why.text, says), "%s: %s", says, opened.why.text);
	cr_expect_not_null(strstr(opened.why.text, dir), "%s", opened.why.text);
}

static uint8_t page_of(const struct ram *ram, uint32_t page)
{
	uint8_t bytes[PAGES_SIZE];
	cr_assert_eq(
		pread(ram_fd(ram), bytes, sizeof(bytes), (off_t)page * PAGES_SIZE), PAGES_SIZE);
	cr_assert_eq(memcmp(bytes, bytes + 1, sizeof(bytes) - 1), 0);
	return bytes[0];
}

/* ---- memory files ---- */

Test(ram, of_a_new_machine_is_empty_and_nobody_can_write_it)
{
	struct ram *ram = ram_new(3, &err);
	cr_assert_not_null(ram, "%s", err.text);
	cr_assert_eq(ram_file(ram).bytes, 3 << 20);
	cr_assert_eq(ram_layers(ram), 0);
	cr_assert_null(ram_id(ram));
	cr_assert_eq(page_of(ram, 700), 0);
	cr_assert_lt(write(ram_fd(ram), "x", 1), 0);
	cr_assert_lt(ftruncate(ram_fd(ram), 0), 0);
	cr_assert_lt(
		fallocate(ram_fd(ram), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
	cr_assert_eq(
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ram_fd(ram), 0), MAP_FAILED);
	uint8_t *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, ram_fd(ram), 0);
	cr_assert_neq(own, MAP_FAILED);
	own[0] = 1;
	munmap(own, 4096);
	cr_assert_eq(page_of(ram, 0), 0);
	ram_unref(ram);
}

Test(ram, has_a_size_within_bounds)
{
	static const int64_t wrong[] = { 0, -1, RAM_MIB_MAX + 1, INT64_MAX };
	for (size_t i = 0; i < 4; i++) {
		cr_assert_null(ram_new(wrong[i], &err));
		cr_assert_eq(err.kind, ERR_ARGUMENT);
	}
}

/* ---- layers ---- */

Test(ram, is_made_of_its_lower_layers_and_the_top_one_stays_apart)
{
	const char *dir = dir_of("saved");
	put_layer(in_scratch("saved/ram.0"), &(struct layer){ 1, 0, PAGES, 10, 300, 0x11 });
	put_layer(in_scratch("saved/ram.1"), &(struct layer){ 2, 1, PAGES, 20, 5, 0x22 });
	put_layer(in_scratch("saved/ram.2"), &(struct layer){ 3, 2, PAGES, 30, 5, 0x33 });
	struct opened opened = open_good(dir);
	cr_assert_eq(ram_layers(opened.ram), 2);
	cr_assert_eq(ram_id(opened.ram)[0], 2);
	cr_assert_not_null(opened.top);
	cr_assert_eq(pages_head(opened.top)->id[0], 3);
	cr_assert_eq(page_of(opened.ram, 9), 0);
	cr_assert_eq(page_of(opened.ram, 10), 0x11);
	cr_assert_eq(page_of(opened.ram, 24), 0x22);
	cr_assert_eq(page_of(opened.ram, 25), 0, "zeros lie upon the layer below");
	cr_assert_eq(page_of(opened.ram, 30), 0x11);
	cr_assert_lt(write(ram_fd(opened.ram), "x", 1), 0, "it is sealed");
	done(&opened);
}

Test(ram, of_one_template_is_one)
{
	const char *dir = dir_of("template");
	put_layer(in_scratch("template/ram.0"), &(struct layer){ 1, 0, PAGES, 0, 9, 0x11 });
	struct opened one = { 0 }, two = { 0 };
	(void)ram_open(event, dir, on_open, &one);
	(void)ram_open(event, dir, on_open, &two);
	until(&one);
	until(&two);
	cr_assert_eq(one.ram, two.ram, "both came while it was read");
	cr_assert_null(one.top);
	struct opened later = open_good(dir);
	cr_assert_eq(later.ram, one.ram);
	struct ram *was = one.ram;
	done(&one);
	done(&two);
	done(&later);
	struct opened again = open_good(dir);
	cr_assert_eq(again.ram, was, "it was kept for the next machine");
	done(&again);
	int before = dup(0), after;
	close(before);
	ram_forget();
	after = dup(0);
	close(after);
	cr_assert_leq(after, before, "its descriptors are closed");
}

Test(ram, goes_along_as_links)
{
	struct stat a, b;
	const char *dir = dir_of("template"), *copy = dir_of("copy");
	put_layer(in_scratch("template/ram.0"), &(struct layer){ 1, 0, PAGES, 0, 9, 0x11 });
	struct opened opened = open_good(dir);
	cr_assert(ram_link(opened.ram, copy, &err), "%s", err.text);
	cr_assert_eq(stat(in_scratch("template/ram.0"), &a), 0);
	cr_assert_eq(stat(in_scratch("copy/ram.0"), &b), 0);
	cr_assert_eq(a.st_ino, b.st_ino);
	cr_assert_not(ram_link(opened.ram, copy, &err), "it is there");
	unlink(in_scratch("template/ram.0"));
	unlink(in_scratch("copy/ram.0"));
	cr_assert(ram_link(opened.ram, copy, &err), "copied when it has no name: %s", err.text);
	done(&opened);
	ram_forget();
	struct opened back = open_good(copy);
	cr_assert_eq(page_of(back.ram, 8), 0x11);
	done(&back);
}

/* ---- what does not belong together ---- */

Test(ram, layers_that_lie_are_refused)
{
	const char *dir = dir_of("saved");
	expect_damaged(dir, "cannot open");
	put_text(in_scratch("saved/ram.0"), "short");
	expect_damaged(dir, "shorter than its header");
	put_layer(in_scratch("saved/ram.0"), &(struct layer){ 1, 7, PAGES, 0, 9, 0x11 });
	expect_damaged(dir, "ram.0 does not belong at the bottom");
	put_layer(in_scratch("saved/ram.0"), &(struct layer){ 1, 0, PAGES + 1, 0, 9, 0x11 });
	expect_damaged(dir, "not a multiple of 1 MiB");
	put_layer(in_scratch("saved/ram.0"), &(struct layer){ 1, 0, PAGES, 0, 9, 0x11 });
	put_layer(in_scratch("saved/ram.1"), &(struct layer){ 2, 9, PAGES, 0, 9, 0x22 });
	expect_damaged(dir, "ram.1 does not belong on the one below it");
	put_layer(in_scratch("saved/ram.1"), &(struct layer){ 2, 1, 2 * PAGES, 0, 9, 0x22 });
	expect_damaged(dir, "ram.1 does not belong");
	put_layer(in_scratch("saved/ram.1"), &(struct layer){ 2, 0, PAGES, 0, 9, 0x22 });
	expect_damaged(dir, "ram.1 does not belong");
	unlink(in_scratch("saved/ram.1"));
	cr_assert_eq(symlink(in_scratch("saved/ram.0"), in_scratch("saved/ram.1")), 0);
	expect_damaged(dir, "cannot open");
	unlink(in_scratch("saved/ram.1"));
	cr_assert_eq(mkfifo(in_scratch("saved/ram.1"), 0600), 0);
	expect_damaged(dir, "not a regular file");
}

Test(ram, a_page_that_went_bad_is_found)
{
	const char *dir = dir_of("saved");
	put_layer(in_scratch("saved/ram.0"), &(struct layer){ 1, 0, PAGES, 0, 400, 0x11 });
	auto_close int fd = open(in_scratch("saved/ram.0"), O_WRONLY | O_CLOEXEC);
	cr_assert_eq(pwrite(fd, "x", 1, 350 * PAGES_SIZE), 1);
	expect_damaged(dir, "data checksum");
	cr_assert_eq(pwrite(fd, "\x11", 1, 350 * PAGES_SIZE), 1);
	struct opened opened = open_good(dir); /* what failed is not remembered */
	done(&opened);
}

/* ---- nobody waits any more ---- */

Test(ram, may_be_given_up)
{
	struct opened never = { 0 }, opened = { 0 };
	const char *dir = dir_of("template");
	put_layer(in_scratch("template/ram.0"), &(struct layer){ 1, 0, PAGES, 0, 9, 0x11 });
	struct ram_open *open = ram_open(event, dir, on_open, &never);
	ram_open_cancel(open);
	ram_open_cancel(NULL);
	opened = open_good(dir);
	done(&opened);
	ram_forget();
	/* While its pages are read, too: one of two that wait for them. */
	opened = (struct opened){ 0 };
	open = ram_open(event, dir, on_open, &never);
	(void)ram_open(event, dir, on_open, &opened);
	for (int i = 0; i < 2 && !never.times; i++) {
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	}
	if (!never.times) {
		ram_open_cancel(open);
		until(&opened);
		cr_assert_eq(never.times, 0);
	}
	until(&opened);
	done(&opened);
	done(&never);
}

/* ---- a later server ---- */

Test(ram, is_known_again_by_a_later_server)
{
	const char *dir = dir_of("template");
	put_layer(in_scratch("template/ram.0"), &(struct layer){ 1, 0, PAGES, 0, 9, 0x11 });
	struct opened opened = open_good(dir);
	json_auto_t *json = ram_to_json(opened.ram);
	struct ram *reattached = ram_reattach(dir, json, &err);
	cr_assert_not_null(reattached, "%s", err.text);
	cr_assert_eq(ram_fd(reattached), -1);
	cr_assert_eq(ram_file(reattached).ino, ram_file(opened.ram).ino);
	cr_assert_eq(ram_mib(reattached), 2);
	cr_assert_eq(memcmp(ram_id(reattached), ram_id(opened.ram), PAGES_ID), 0);
	ram_unref(reattached);
	json_object_set_new(json, "layers", json_integer(2));
	cr_assert_null(ram_reattach(dir, json, &err));
	cr_assert_not_null(strstr(err.text, "has 1 memory layers; expected 2"), "%s", err.text);
	done(&opened);
}
