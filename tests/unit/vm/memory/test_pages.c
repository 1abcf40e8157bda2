// USES vm
/* Changed pages of a process: found, written to a file, put into another process; and files that
 * lie. */

#include "base/cleanup.h"
#include "tests/support/dirty_child.h"

#include <stdio.h>

#define PAGES 2048 /* 8 MiB */

/* The fourth was full of something else in the file below. */
static const struct dirt some[] = { { 0, 1, 0x11 }, { 5, 1, 0x22 }, { 6, 2, 0x33 }, { 10, 1, 0 },
	{ 300, 700, 0x44 }, { 1500, 2, 0 }, { PAGES - 1, 1, 0x55 }, { 0 } };
static const struct pages_run some_runs[] = { { 0, 1 }, { 5, 3 }, { 10, 1 }, { 300, 700 },
	{ 1500, 2 }, { PAGES - 1, 1 } };

static void expect_runs(const struct pages_runs *runs, const struct pages_run *want, size_t n)
{
	cr_assert_eq(runs->count, n, "%zu runs, not %zu", runs->count, n);
	for (size_t i = 0; i < n; i++) {
		cr_assert(runs->at[i].first == want[i].first && runs->at[i].count == want[i].count,
			"run %zu is %u+%u", i, runs->at[i].first, runs->at[i].count);
	}
}

static void find(bool no_scan)
{
	auto_close int base = child_base(PAGES, 20);
	struct child child = child_start(base, some, 1);
	struct pages_process process = child_attach(&child);
	struct err err;
	for (int round = 0; round < 2; round++) { /* looking does not change anything */
		auto_runs struct pages_runs runs = { 0 };
		process.no_scan = no_scan;
		cr_assert(pages_changed(&process, &runs, &err), "%s", err.text);
		expect_runs(&runs, some_runs, sizeof(some_runs) / sizeof(some_runs[0]));
	}
	pages_detach(&process);
	child_end(&child);
}

Test(pages, of_a_process_are_found_by_asking_the_kernel_once)
{
	find(false);
}

Test(pages, of_a_process_are_found_one_by_one)
{
	find(true);
}

static void become_ordinary(void)
{
	if (getuid() == 0) {
		cr_assert_eq(setresgid(70001, 70001, 70001), 0);
		cr_assert_eq(setresuid(70001, 70001, 70001), 0);
		prctl(PR_SET_DUMPABLE, 1); /* else even /proc/self is root's */
	}
}

Test(pages, are_found_by_an_ordinary_user)
{
	become_ordinary();
	find(false);
}

Test(pages, are_found_one_by_one_by_an_ordinary_user)
{
	become_ordinary();
	find(true);
}

/* ---- there and back ---- */

static int save_to(const struct child *child, const uint8_t *base, int out)
{
	struct pages_process process = child_attach(child);
	struct err err;
	uint64_t bytes;
	cr_assert(child_save(&process, base, out, &bytes, &err), "%s", err.text);
	pages_detach(&process);
	return out;
}

static int save(const struct child *child, const uint8_t *base)
{
	return save_to(child, base, memfd_create("pages", MFD_CLOEXEC));
}

static struct pages *open_pages(int fd)
{
	struct err err;
	struct pages *pages = pages_open(fcntl(fd, F_DUPFD_CLOEXEC, 0), "the file", &err);
	cr_assert_not_null(pages, "%s", err.text);
	return pages;
}

Test(pages, go_from_one_process_into_another)
{
	static const uint8_t id[PAGES_ID] = { 1, 2, 3 };
	auto_close int base = child_base(PAGES, 20);
	struct child from = child_start(base, some, 1), to = child_start(base, NULL, 1);
	auto_close int file = save(&from, id);
	struct pages *pages = open_pages(file);
	cr_assert(pages_has_base(pages));
	cr_assert_eq(memcmp(pages_head(pages)->base, id, PAGES_ID), 0);
	cr_assert_eq(pages_head(pages)->data_pages, 1 + 3 + 700 + 1, "zeros are only named");
	struct pages_process one = child_attach(&from), two = child_attach(&to);
	struct err err;
	cr_assert(pages_load(pages, two.memory, two.start, &err), "%s", err.text);
	child_compare(&one, &two);
	pages_detach(&one);
	pages_detach(&two);
	pages_unref(pages);
	child_end(&from);
	child_end(&to);
}

Test(pages, are_copied_by_several_threads_and_without_room_made_before)
{
	static const struct dirt much[] = { { 1, 3000, 0x11 }, { 3003, 1, 0x22 },
		{ 3100, 5000, 0x33 }, { 0 } };
	auto_close int base = child_base(8192, 0);
	struct child child = child_start(base, much, 1);
	struct pages_process process = child_attach(&child);
	struct pages_copy copy = { 0 };
	struct err err;
	cr_assert(pages_copy_take(&process, "/tmp", &copy, &err), "%s", err.text);
	const char *at = copy.bytes;
	for (const struct dirt *d = much; d->count > 0; d++) {
		for (size_t i = 0; i < (size_t)d->count * PAGES_SIZE; i++) {
			cr_assert_eq(*at++, d->byte);
		}
	}
	pages_copy_done(&copy);
	pages_detach(&process);
	child_end(&child);
}

Test(pages, on_zeros_leave_zeros_out)
{
	auto_close int base = child_base(PAGES, 0);
	struct child from = child_start(base, some, 1);
	auto_close int file = save(&from, NULL), into = memfd_create("ram", MFD_CLOEXEC);
	struct pages *pages = open_pages(file);
	struct err err;
	cr_assert_not(pages_has_base(pages));
	cr_assert_eq(pages_head(pages)->runs, 4);
	cr_assert_eq(ftruncate(into, PAGES * PAGES_SIZE), 0);
	cr_assert(pages_load(pages, into, 0, &err), "%s", err.text);
	struct stat st;
	cr_assert_eq(fstat(into, &st), 0);
	cr_assert_eq(st.st_blocks * 512, (1 + 3 + 700 + 1) * (off_t)PAGES_SIZE, "holes are holes");
	struct child to = child_start(into, NULL, 1);
	struct pages_process one = child_attach(&from), two = child_attach(&to);
	child_compare(&one, &two);
	pages_detach(&one);
	pages_detach(&two);
	pages_unref(pages);
	child_end(&from);
	child_end(&to);
}

Test(pages, of_a_process_that_changed_nothing_are_none)
{
	auto_close int base = child_base(PAGES, 20);
	struct child from = child_start(base, NULL, 1);
	auto_close int file = save(&from, NULL);
	struct pages *pages = open_pages(file);
	struct err err;
	cr_assert_eq(pages_head(pages)->runs + pages_head(pages)->data_pages, 0);
	cr_assert(pages_load(pages, -1, 0, &err), "there is nothing to write");
	pages_unref(pages);
	child_end(&from);
}

Test(pages, that_come_in_thousands_of_runs_are_all_there)
{
	static struct dirt every_other[PAGES / 2 + 1];
	for (uint32_t i = 0; i < PAGES / 2; i++) {
		every_other[i] = (struct dirt){ i * 2, 1, (uint8_t)(i % 250 + 1) };
	}
	auto_close int base = child_base(PAGES, 0);
	struct child from = child_start(base, every_other, 1), to = child_start(base, NULL, 1);
	auto_close int file = save(&from, NULL);
	struct pages *pages = open_pages(file);
	struct pages_process one = child_attach(&from), two = child_attach(&to);
	struct err err;
	cr_assert_eq(pages_head(pages)->runs, PAGES / 2);
	cr_assert(pages_load(pages, two.memory, two.start, &err), "%s", err.text);
	child_compare(&one, &two);
	pages_detach(&one);
	pages_detach(&two);
	pages_unref(pages);
	child_end(&from);
	child_end(&to);
}

/* ---- refusals ---- */

static void expect_refusal(
	pid_t pid, const struct pages_file *file, enum err_kind kind, const char *words)
{
	struct pages_process process;
	struct err err = { 0 };
	cr_assert_not(pages_attach(&process, pid, file, &err));
	cr_assert_eq(err.kind, kind, "%s", err.text);
	cr_assert_not_null(strstr(err.text, words), "%s", err.text);
}

Test(pages, are_looked_for_in_one_whole_private_mapping_only)
{
	auto_close int base = child_base(PAGES, 20), other = child_base(PAGES, 1);
	struct child none = child_start(base, NULL, 0), twice = child_start(base, NULL, 2);
	struct child once = child_start(base, NULL, 1);
	struct pages_file file = child_file(base), wrong = child_file(other);
	expect_refusal(none.pid, &file, ERR_HOST, "found 0 mappings");
	expect_refusal(twice.pid, &file, ERR_HOST, "found 2 mappings, 2 of them valid");
	expect_refusal(once.pid, &wrong, ERR_HOST, "found 0 mappings");
	file.bytes *= 2;
	expect_refusal(once.pid, &file, ERR_HOST, "found 1 mappings, 0 of them valid");
	child_end(&once);
	file.bytes /= 2;
	expect_refusal(once.pid, &file, ERR_GONE, "has ended");
	child_end(&none);
	child_end(&twice);
}

Test(pages, of_another_users_process_are_refused_with_a_reason)
{
	if (getuid() != 0) {
		cr_skip_test("needs a second user");
	}
	auto_close int base = child_base(PAGES, 20);
	struct child child = child_start(base, some, 1);
	become_ordinary();
	expect_refusal(child.pid, &child.file, ERR_UNSUPPORTED, "denies access");
	cr_assert_eq(kill(child.pid, SIGKILL), -1, "so it ends with the test");
}

Test(pages, cannot_be_saved_on_a_full_disk_or_of_a_process_that_ended)
{
	auto_close int base = child_base(PAGES, 20), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	auto_close int out = memfd_create("pages", MFD_CLOEXEC);
	struct child child = child_start(base, some, 1);
	struct pages_process process = child_attach(&child);
	struct err err = { 0 };
	uint64_t bytes;
	cr_assert_not(child_save(&process, NULL, full, &bytes, &err));
	cr_assert_not_null(strstr(err.text, "to disk: No space left"), "%s", err.text);
	child_end(&child);
	cr_assert_not(child_save(&process, NULL, out, &bytes, &err));
	pages_detach(&process);
	cr_assert_null(pages_open(take_fd(&out), "the file", &err), "it has no head");
}

/* ---- files that lie ---- */

/* One page of data for page 3, one that became zero, and two of data for 8 and 9. */
struct sample {
	union {
		struct pages_head head;
		uint8_t page[PAGES_SIZE];
	};
	uint8_t data[3][PAGES_SIZE];
	struct pages_run runs[3];
};

static void sum_up(struct sample *s)
{
	s->head.data_sum = pages_sum(0, s->data, sizeof(s->data));
	s->head.runs_sum = pages_sum(0, s->runs, sizeof(s->runs));
	s->head.head_sum = pages_sum(0, s, offsetof(struct pages_head, head_sum));
}

static void make_sample(struct sample *s)
{
	memset(s, 0, sizeof(*s));
	s->head = (struct pages_head){ .magic = PAGES_MAGIC,
		.version = PAGES_VERSION,
		.page_size = PAGES_SIZE,
		.ram_pages = 256,
		.data_pages = 3,
		.runs = 3,
		.id = { 7 } };
	memset(s->data, 0x5a, sizeof(s->data));
	s->runs[0] = (struct pages_run){ 3, 1 };
	s->runs[1] = (struct pages_run){ 4, 1 | PAGES_ZERO };
	s->runs[2] = (struct pages_run){ 8, 2 };
	sum_up(s);
}

/* NULL: it could be read, whole. */
static const char *try_file(const void *bytes, size_t len)
{
	static struct err err;
	auto_close int into = memfd_create("ram", MFD_CLOEXEC);
	int fd = memfd_create("sample", MFD_CLOEXEC);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	struct pages *pages = pages_open(fd, "the file", &err);
	bool ok = pages && pages_load(pages, into, 0, &err);
	pages_unref(pages);
	return ok ? NULL : err.text;
}

Test(pages, of_a_file_are_checked)
{
	static struct sample s;
	static const struct {
		size_t at;
		uint64_t value;
		size_t bytes;
		bool sums; /* made anew after it */
		const char *why;
	} rows[] = {
#define AT(m) offsetof(struct sample, m)
		{ AT(head.magic), 'X', 1, true, "no page file header" },
		{ AT(head.version), 2, 4, true, "version 2" },
		{ AT(head.page_size), 8192, 4, true, "pages of 8192" },
		{ AT(head.id), 9, 1, false, "header checksum" },
		{ AT(head.ram_pages), 0, 8, true, "invalid sizes" },
		{ AT(head.ram_pages), PAGES_MAX + 1, 8, true, "invalid sizes" },
		{ AT(head.ram_pages), 9, 8, true, "out of order" },
		{ AT(head.ram_pages), 2, 8, true, "invalid sizes" },
		{ AT(head.data_pages), 1ull << 61, 8, true, "invalid sizes" },
		{ AT(head.data_pages), 2, 8, true, "expected " },
		{ AT(head.runs), 1ull << 61, 8, true, "invalid sizes" },
		{ AT(head.runs), 4, 8, true, "expected " },
		{ AT(runs[0].first), 256, 4, true, "out of order" },
		{ AT(runs[0].count), 2, 4, true, "out of order" },
		{ AT(runs[0].count), 0, 4, true, "out of order" },
		{ AT(runs[0].count), PAGES_ZERO, 4, true, "out of order" },
		{ AT(runs[0].count), 1 | PAGES_ZERO, 4, true, "do not match its data" },
		{ AT(runs[1].first), 3, 4, true, "out of order" },
		{ AT(runs[1].count), 1, 4, true, "do not match its data" },
		{ AT(runs[2].count), 0x7fffffff, 4, true, "out of order" },
		{ AT(runs[2].first), 0xffffffff, 4, true, "out of order" },
		{ AT(runs[2].first), 9, 4, false, "run table checksum" },
		{ AT(data[2][100]), 1, 1, false, "data checksum" },
	};
	make_sample(&s);
	cr_assert_null(try_file(&s, sizeof(s)), "%s", try_file(&s, sizeof(s)));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_sample(&s);
		memcpy((uint8_t *)&s + rows[i].at, &rows[i].value, rows[i].bytes);
		if (rows[i].sums) {
			sum_up(&s);
		}
		const char *why = try_file(&s, sizeof(s));
		cr_assert_not_null(why, "row %zu is taken", i);
		cr_assert_not_null(strstr(why, rows[i].why), "row %zu: %s", i, why);
	}
}

/* Each byte of the head and of the runs, and some of the data. */
Test(pages, of_a_file_with_a_bit_wrong_are_refused)
{
	static struct sample s;
	make_sample(&s);
	for (size_t at = 0; at < sizeof(s);
		at += at >= PAGES_SIZE && at < offsetof(struct sample, runs) ? 56 : 1) {
		if (at == sizeof(struct pages_head)) {
			at = PAGES_SIZE; /* the rest of the head's page is not looked at */
		}
		((uint8_t *)&s)[at] ^= (uint8_t)(1 << at % 8);
		cr_assert_not_null(try_file(&s, sizeof(s)), "byte %zu", at);
		((uint8_t *)&s)[at] ^= (uint8_t)(1 << at % 8);
	}
}

Test(pages, of_a_file_that_was_cut_or_grew_are_refused)
{
	static struct sample s[2];
	make_sample(&s[0]);
	for (size_t len = 0; len < sizeof(s[0]); len += len % PAGES_SIZE ? 1 : PAGES_SIZE - 1) {
		cr_assert_not_null(try_file(&s[0], len), "%zu bytes", len);
	}
	cr_assert_not_null(try_file(s, sizeof(s[0]) + 1));
}
