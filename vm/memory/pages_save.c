/*
 * Writes page files.  Pages are copied through one buffer; zero pages have no data.  The head is
 * written last, so an incomplete file has none.
 */
#include "vm/memory/pages.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

struct save {
	const char *from; /* the next page of the copy */
	int out;
	char *chunk;
	size_t filled;
	struct pages_head head;
	struct pages_runs runs; /* as in the file */
	bool on_zeros;
};

static bool write_all(int out, const void *from, size_t len, uint64_t at, struct err *err)
{
	while (len > 0) {
		ssize_t n = pwrite(out, from, len, (off_t)at);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return err_errno(err, "cannot write the VM's memory to disk");
		}
		from = (const char *)from + n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

static bool flush(struct save *s, struct err *err)
{
	uint64_t at = PAGES_SIZE * (1 + s->head.data_pages);
	if (!write_all(s->out, s->chunk, s->filled, at, err)) {
		return false;
	}
	s->head.data_sum =
		s->filled ? pages_sum(s->head.data_sum, s->chunk, s->filled) : s->head.data_sum;
	s->head.data_pages += s->filled / PAGES_SIZE;
	s->filled = 0;
	return true;
}

static bool is_zero(const char *page)
{
	uint64_t first;
	memcpy(&first, page, sizeof(first));
	return first == 0 && memcmp(page, page + sizeof(first), PAGES_SIZE - sizeof(first)) == 0;
}

/* Closes the gaps left by zero pages among those just read after `filled`. */
static void keep_data(struct save *s, uint32_t first, uint32_t count)
{
	char *from = s->chunk + s->filled;
	for (uint32_t i = 0; i < count; i++, from += PAGES_SIZE) {
		char *to = s->chunk + s->filled;
		if (!is_zero(from)) {
			if (to != from) {
				memcpy(to, from, PAGES_SIZE);
			}
			s->filled += PAGES_SIZE;
			pages_runs_add(&s->runs, first + i, 1, 0);
		} else if (!s->on_zeros) {
			pages_runs_add(&s->runs, first + i, 1, PAGES_ZERO);
		}
	}
}

static bool save_run(struct save *s, const struct pages_run *run, struct err *err)
{
	for (uint32_t done = 0, part; done < run->count; done += part) {
		if (s->filled == PAGES_CHUNK && !flush(s, err)) {
			return false;
		}
		uint32_t room = (uint32_t)(PAGES_CHUNK - s->filled) / PAGES_SIZE;
		uint32_t first = run->first + done;
		part = run->count - done < room ? run->count - done : room;
		memcpy(s->chunk + s->filled, s->from, (size_t)part * PAGES_SIZE);
		s->from += (size_t)part * PAGES_SIZE;
		keep_data(s, first, part);
	}
	return true;
}

static bool finish(struct save *s, struct err *err)
{
	size_t len = s->runs.count * sizeof(*s->runs.at);
	char page[PAGES_SIZE] = { 0 };
	if (!flush(s, err) ||
		!write_all(s->out, s->runs.at, len, PAGES_SIZE * (1 + s->head.data_pages), err)) {
		return false;
	}
	s->head.runs = s->runs.count;
	s->head.runs_sum = pages_sum(0, s->runs.at, len);
	s->head.head_sum = pages_sum(0, &s->head, offsetof(struct pages_head, head_sum));
	memcpy(page, &s->head, sizeof(s->head));
	return write_all(s->out, page, sizeof(page), 0, err);
}

bool pages_copy_write(const struct pages_copy *copy, uint64_t ram_pages, const uint8_t *base,
	int out, uint64_t *ret_bytes, struct err *err)
{
	auto_free char *chunk = must(malloc(PAGES_CHUNK));
	struct save save = {
		.from = copy->bytes,
		.out = out,
		.chunk = chunk,
		.on_zeros = !base,
		.head = { .magic = PAGES_MAGIC,
			.version = PAGES_VERSION,
			.page_size = PAGES_SIZE,
			.ram_pages = ram_pages },
	};
	if (getrandom(save.head.id, PAGES_ID, 0) != PAGES_ID) {
		return err_errno(err, "cannot get random bytes");
	}
	if (base) {
		memcpy(save.head.base, base, PAGES_ID);
	}
	bool ok = true;
	for (size_t i = 0; ok && i < copy->runs.count; i++) {
		ok = save_run(&save, &copy->runs.at[i], err);
	}
	ok = ok && finish(&save, err);
	pages_runs_done(&save.runs);
	*ret_bytes = save.head.data_pages * PAGES_SIZE;
	return ok;
}
