/*
 * Reads page files.  Headers are checked before use and data while it is read: a damaged or
 * truncated file causes an error, never a VM with missing pages.
 */
#include "vm/memory/pages.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct pages {
	unsigned refs;
	int fd;
	char *what;
	struct pages_head head;
	struct pages_run *runs;
};

uint64_t pages_sum(uint64_t sum, const void *bytes, size_t len)
{
	const uint64_t odd = 0x9e3779b97f4a7c15u;
	uint64_t lane[4] = { sum, sum + odd, sum ^ odd,
		~sum }; /* four lanes, because multiplications have latency */
	for (size_t at = 0; at < len; at += 8) {
		uint64_t word, *l = &lane[at / 8 % 4];
		memcpy(&word, (const char *)bytes + at, 8);
		*l = (*l ^ word) * odd;
		*l ^= *l >> 29;
	}
	for (size_t i = 1; i < 4; i++) {
		lane[0] = (lane[0] ^ lane[i]) * odd;
		lane[0] ^= lane[0] >> 32;
	}
	return lane[0];
}

static bool read_all(const struct pages *p, void *into, size_t len, uint64_t at, struct err *err)
{
	while (len > 0) {
		ssize_t n = pread(p->fd, into, len, (off_t)at);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? err_errno(err, "cannot read %s", p->what)
				     : err_set(err, ERR_HOST, "%s is truncated", p->what);
		}
		into = (char *)into + n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return true;
}

/* ---- opening ---- */

static bool corrupt(const struct pages *p, struct err *err, const char *how)
{
	return err_set(err, ERR_HOST, "%s is damaged: %s", p->what, how);
}

static bool check_head(const struct pages *p, uint64_t size, struct err *err)
{
	const struct pages_head *h = &p->head;
	if (memcmp(h->magic, PAGES_MAGIC, sizeof(h->magic)) != 0) {
		return corrupt(p, err, "it has no page file header");
	}
	if (h->version != PAGES_VERSION || h->page_size != PAGES_SIZE) {
		return err_set(err, ERR_UNSUPPORTED,
			"%s has version %u and pages of %u bytes; this server supports version "
			"%u and %u bytes",
			p->what, h->version, h->page_size, PAGES_VERSION, PAGES_SIZE);
	}
	if (h->head_sum != pages_sum(0, h, offsetof(struct pages_head, head_sum))) {
		return corrupt(p, err, "header checksum mismatch");
	}
	if (h->ram_pages == 0 || h->ram_pages > PAGES_MAX || h->data_pages > h->ram_pages ||
		h->runs > h->ram_pages) {
		return corrupt(p, err, "invalid sizes");
	}
	uint64_t want = PAGES_SIZE + h->data_pages * PAGES_SIZE + h->runs * sizeof(*p->runs);
	return size == want ||
	       err_set(err, ERR_HOST, "%s is damaged: expected %llu bytes, found %llu", p->what,
		       (unsigned long long)size, (unsigned long long)want);
}

static bool check_runs(const struct pages *p, struct err *err)
{
	uint64_t next = 0, data = 0;
	for (size_t i = 0; i < p->head.runs; i++) {
		uint64_t first = p->runs[i].first, count = p->runs[i].count & ~PAGES_ZERO;
		if (count == 0 || first < next || first + count > p->head.ram_pages) {
			return corrupt(p, err, "a run of pages is out of order");
		}
		data += p->runs[i].count & PAGES_ZERO ? 0 : count;
		next = first + count;
	}
	return data == p->head.data_pages || corrupt(p, err, "its runs do not match its data");
}

static bool read_runs(struct pages *p, struct err *err)
{
	size_t len = p->head.runs * sizeof(*p->runs);
	p->runs = must(malloc(len + 1));
	if (!read_all(p, p->runs, len, PAGES_SIZE * (1 + p->head.data_pages), err)) {
		return false;
	}
	return p->head.runs_sum == pages_sum(0, p->runs, len)
		       ? check_runs(p, err)
		       : corrupt(p, err, "run table checksum mismatch");
}

struct pages *pages_open(int fd, const char *what, struct err *err)
{
	struct pages *p = must(malloc(sizeof(*p)));
	struct stat st;
	*p = (struct pages){ .refs = 1, .fd = fd, .what = must(strdup(what)) };
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		err_set(err, ERR_HOST, "%s is not a regular file", what);
	} else if (st.st_size < (off_t)PAGES_SIZE) {
		corrupt(p, err, "it is shorter than its header");
	} else if (read_all(p, &p->head, sizeof(p->head), 0, err) &&
		   check_head(p, (uint64_t)st.st_size, err) && read_runs(p, err)) {
		return p;
	}
	pages_unref(p);
	return NULL;
}

struct pages *pages_ref(struct pages *pages)
{
	pages->refs++;
	return pages;
}

void pages_unref(struct pages *p)
{
	if (!p || --p->refs > 0) {
		return;
	}
	close(p->fd);
	free(p->what);
	free(p->runs);
	free(p);
}

int pages_fd(const struct pages *pages)
{
	return pages->fd;
}

const struct pages_head *pages_head(const struct pages *pages)
{
	return &pages->head;
}

bool pages_has_base(const struct pages *pages)
{
	static const uint8_t none[PAGES_ID];
	return memcmp(pages->head.base, none, PAGES_ID) != 0;
}

/* ---- loading ---- */

/* Data is read in large pieces, independent of the runs, most of which are one or two pages. */
struct load {
	const struct pages *pages;
	int into;
	uint64_t at;
	uint64_t next; /* next data page of the file */
	uint64_t sum;
	char *chunk;
	size_t used, filled; /* in bytes */
};

static bool fill(struct load *l, struct err *err)
{
	uint64_t left = (l->pages->head.data_pages - l->next) * PAGES_SIZE;
	l->filled = left < PAGES_CHUNK ? left : PAGES_CHUNK;
	l->used = 0;
	if (!read_all(l->pages, l->chunk, l->filled, PAGES_SIZE * (1 + l->next), err)) {
		return false;
	}
	l->next += l->filled / PAGES_SIZE;
	l->sum = pages_sum(l->sum, l->chunk, l->filled);
	return true;
}

static bool put(struct load *l, const char *from, size_t len, uint64_t at, struct err *err)
{
	while (len > 0) {
		ssize_t n = pwrite(l->into, from, len, (off_t)(l->at + at));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			/* a process that has ended accepts nothing */
			errno = n < 0 ? errno : ESRCH;
			return err_errno(err, "cannot write the VM's memory");
		}
		from += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

static bool put_zeros(struct load *l, uint64_t at, uint64_t len, struct err *err)
{
	static char zeros[PAGES_CHUNK];
	for (uint64_t part; len > 0; at += part, len -= part) {
		part = len < PAGES_CHUNK ? len : PAGES_CHUNK;
		if (!put(l, zeros, part, at, err)) {
			return false;
		}
	}
	return true;
}

static bool put_data(struct load *l, uint64_t at, uint64_t len, struct err *err)
{
	for (uint64_t part; len > 0; at += part, len -= part) {
		if (l->used == l->filled && !fill(l, err)) {
			return false;
		}
		part = len < l->filled - l->used ? len : l->filled - l->used;
		if (!put(l, l->chunk + l->used, part, at, err)) {
			return false;
		}
		l->used += part;
	}
	return true;
}

bool pages_load(const struct pages *p, int into, uint64_t at, struct err *err)
{
	auto_free char *chunk = must(malloc(PAGES_CHUNK));
	struct load load = { .pages = p, .into = into, .at = at, .chunk = chunk };
	for (size_t i = 0; i < p->head.runs; i++) {
		uint64_t to = (uint64_t)p->runs[i].first * PAGES_SIZE;
		uint64_t len = (uint64_t)(p->runs[i].count & ~PAGES_ZERO) * PAGES_SIZE;
		bool ok = p->runs[i].count & PAGES_ZERO ? put_zeros(&load, to, len, err)
							: put_data(&load, to, len, err);
		if (!ok) {
			return false;
		}
	}
	return load.sum == p->head.data_sum || corrupt(p, err, "data checksum mismatch");
}
