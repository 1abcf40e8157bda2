// USES vm
/*
 * A file of saved pages.  The first byte says which sums are made right, for guessing them takes
 * too long, and whether the rest is the file as it is; else that is a head and runs, and the data,
 * pages full of their number, is made here.  What is accepted must put each page where its run says
 * and nothing anywhere else.
 */
#include "base/cleanup.h"
#include "vm/memory/pages.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { RIGHT_HEAD = 1, RIGHT_RUNS = 2, RIGHT_DATA = 4, RIGHT_MAGIC = 8, AS_IT_IS = 16 };
#define DATA_MAX 8
#define RAM_MAX 256 /* pages; more is opened only */

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static int file_of(const uint8_t *bytes, size_t len)
{
	int fd = memfd_create("pages", MFD_CLOEXEC);
	check(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	return fd;
}

/* A page of its number plus one: none is zero. */
static void make_data(uint8_t *data, size_t pages)
{
	for (size_t i = 0; i < pages; i++) {
		memset(data + i * PAGES_SIZE, (int)i + 1, PAGES_SIZE);
	}
}

static int made_file(unsigned how, const uint8_t *bytes, size_t len)
{
	struct pages_head head = { 0 };
	size_t n = len < sizeof(head) ? len : sizeof(head);
	memcpy(&head, bytes, n);
	bytes += n;
	len -= n;
	size_t data = head.data_pages < DATA_MAX ? head.data_pages : DATA_MAX;
	size_t size = PAGES_SIZE * (1 + data) + len;
	auto_free uint8_t *file = must(calloc(1, size + 1));
	make_data(file + PAGES_SIZE, data);
	memcpy(file + PAGES_SIZE * (1 + data), bytes, len);
	if (how & RIGHT_MAGIC) {
		memcpy(head.magic, PAGES_MAGIC, sizeof(head.magic));
		head.version = PAGES_VERSION;
		head.page_size = PAGES_SIZE;
	}
	if (how & RIGHT_DATA) {
		head.data_sum = pages_sum(0, file + PAGES_SIZE, data * PAGES_SIZE);
	}
	if (how & RIGHT_RUNS) {
		head.runs_sum = pages_sum(0, file + PAGES_SIZE * (1 + data), len & ~(size_t)7);
	}
	if (how & RIGHT_HEAD) {
		head.head_sum = pages_sum(0, &head, offsetof(struct pages_head, head_sum));
	}
	memcpy(file, &head, sizeof(head));
	return file_of(file, size);
}

/* 0xee where nothing was to be written. */
static void try_load(const struct pages *pages, bool made)
{
	static uint8_t ram[RAM_MAX * PAGES_SIZE], after[RAM_MAX * PAGES_SIZE];
	const struct pages_head *head = pages_head(pages);
	size_t size = head->ram_pages * PAGES_SIZE;
	struct err err = { 0 };
	memset(ram, 0xee, size);
	auto_close int into = file_of(ram, size);
	bool loaded = pages_load(pages, into, 0, &err);
	check(loaded || err.text[0]);
	struct stat st;
	check(fstat(into, &st) == 0 && st.st_size == (off_t)size);
	check(pread(into, after, size, 0) == (ssize_t)size);
	uint64_t data = 0;
	for (size_t i = 0; i < head->ram_pages; i++) {
		const uint8_t *page = after + i * PAGES_SIZE;
		bool is_data = page[0] != 0 && page[0] != 0xee;
		check(memcmp(page, page + 1, PAGES_SIZE - 1) == 0);
		data += is_data;
		check(!is_data || !made || page[0] == data);
	}
	check(!loaded || !made || data == head->data_pages);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct err err = { 0 };
	if (len < 1) {
		return 0;
	}
	unsigned how = bytes[0];
	int fd = how & AS_IT_IS ? file_of(bytes + 1, len - 1) : made_file(how, bytes + 1, len - 1);
	struct pages *pages = pages_open(fd, "the file", &err);
	check(pages || (err.kind != ERR_NONE && err.text[0]));
	if (pages && pages_head(pages)->ram_pages <= RAM_MAX) {
		try_load(pages, !(how & AS_IT_IS));
	}
	pages_unref(pages);
	return 0;
}
