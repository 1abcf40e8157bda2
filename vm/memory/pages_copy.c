/*
 * Copies the changed pages of a stopped process as fast as possible: into memory that was prepared
 * while it ran, with several threads.  If there are too many pages, the copy is in an unnamed file,
 * so that the kernel can write it to disk.
 */
#include "vm/memory/pages.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define IN_MEMORY_MAX (1ull << 30)
#define SLACK_PAGES 1024 /* in addition to a quarter: pages that change until it is stopped */
#define THREADS_MAX 4
#define THREAD_PAGES_MIN 1024

/* ---- memory ---- */

void pages_copy_done(struct pages_copy *copy)
{
	if (copy->room > 0) {
		munmap(copy->bytes, copy->room);
	}
	pages_runs_done(&copy->runs);
	*copy = (struct pages_copy){ 0 };
}

static void *map_file(const char *dir, size_t len)
{
	auto_close int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int r = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)len);
	if (r != 0) {
		errno = r;
		return MAP_FAILED;
	}
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static bool make_room(struct pages_copy *copy, const char *dir, uint64_t pages, struct err *err)
{
	size_t len = (size_t)pages * PAGES_SIZE;
	if (len <= copy->room) {
		return true;
	}
	void *bytes = len > IN_MEMORY_MAX ? map_file(dir, len)
					  : mmap(NULL, len, PROT_READ | PROT_WRITE,
						    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED) {
		return err_errno(
			err, "no memory for a copy of %zu MiB of the VM's memory", len >> 20);
	}
	if (copy->room > 0) {
		munmap(copy->bytes, copy->room);
	}
	copy->bytes = bytes;
	copy->room = len;
	return true;
}

static uint64_t count(const struct pages_runs *runs)
{
	uint64_t pages = 0;
	for (size_t i = 0; i < runs->count; i++) {
		pages += runs->at[i].count;
	}
	return pages;
}

bool pages_copy_prepare(
	struct pages_process *process, const char *dir, struct pages_copy *copy, struct err *err)
{
	auto_runs struct pages_runs changed = { 0 };
	*copy = (struct pages_copy){ 0 };
	if (!pages_changed(process, &changed, err)) {
		return false;
	}
	uint64_t pages = count(&changed);
	if (!make_room(copy, dir, pages + pages / 4 + SLACK_PAGES, err)) {
		return false;
	}
#ifdef MADV_POPULATE_WRITE
	(void)madvise(copy->bytes, copy->room, MADV_POPULATE_WRITE); /* only an optimization */
#endif
	return true;
}

/* ---- copying ---- */

struct part {
	const struct pages_process *process;
	const struct pages_copy *copy;
	uint64_t first, end; /* of the copy's pages */
	struct err err;
};

static bool take(
	const struct pages_process *process, char *to, size_t len, uint64_t at, struct err *err)
{
	while (len > 0) {
		ssize_t n = pread(process->memory, to, len, (off_t)at);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			errno = n < 0 ? errno : ESRCH;
			return err_errno(err, "cannot read the VM's memory");
		}
		to += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

static void *take_part(void *data)
{
	struct part *part = data;
	const struct pages_runs *runs = &part->copy->runs;
	uint64_t at = 0;
	for (size_t i = 0; i < runs->count && at < part->end; at += runs->at[i++].count) {
		const struct pages_run *run = &runs->at[i];
		uint64_t from = at > part->first ? at : part->first;
		uint64_t to = at + run->count < part->end ? at + run->count : part->end;
		if (from < to &&
			!take(part->process, part->copy->bytes + from * PAGES_SIZE,
				(size_t)(to - from) * PAGES_SIZE,
				part->process->start + (run->first + from - at) * PAGES_SIZE,
				&part->err)) {
			break;
		}
	}
	return NULL;
}

static unsigned threads_for(uint64_t pages)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t most = pages / THREAD_PAGES_MIN;
	most = most < THREADS_MAX ? most : THREADS_MAX;
	most = cores > 0 && (uint64_t)cores < most ? (uint64_t)cores : most;
	return most > 0 ? (unsigned)most : 1;
}

static bool take_all(const struct pages_process *process, const struct pages_copy *copy,
	uint64_t pages, struct err *err)
{
	struct part parts[THREADS_MAX] = { 0 };
	pthread_t threads[THREADS_MAX];
	bool runs[THREADS_MAX] = { 0 }, ok = true;
	unsigned n = threads_for(pages);
	for (unsigned i = 0; i < n; i++) {
		parts[i] =
			(struct part){ process, copy, pages * i / n, pages * (i + 1) / n, { 0 } };
		runs[i] = i + 1 < n && pthread_create(&threads[i], NULL, take_part, &parts[i]) == 0;
		if (!runs[i]) {
			take_part(&parts[i]);
		}
	}
	for (unsigned i = 0; i < n; i++) {
		if (runs[i]) {
			pthread_join(threads[i], NULL);
		}
		if (ok && parts[i].err.kind != ERR_NONE) {
			*err = parts[i].err;
			ok = false;
		}
	}
	return ok;
}

bool pages_copy_take(
	struct pages_process *process, const char *dir, struct pages_copy *copy, struct err *err)
{
	copy->runs.count = 0;
	if (!pages_changed(process, &copy->runs, err)) {
		return false;
	}
	uint64_t pages = count(&copy->runs);
	return make_room(copy, dir, pages, err) && take_all(process, copy, pages, err);
}
