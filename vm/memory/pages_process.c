/*
 * Finds the changed pages of a mapping.  The mapping is private and of a file, so a written page is
 * anonymous: present (or swapped out) and not of a file.  PAGEMAP_SCAN returns their ranges; older
 * kernels return one word per page.
 */
#include "vm/memory/pages.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

/* ---- finding the mapping ---- */

static int open_of(pid_t pid, const char *name, int flags)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, flags | O_CLOEXEC);
}

static bool is_restricted(void)
{
	char scope = '0';
	auto_close int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &scope, 1) == 1 && scope != '0';
}

static bool refuse(pid_t pid, struct err *err)
{
	if (errno == ENOENT || errno == ESRCH) {
		return err_set(err, ERR_GONE, "the VM's process %d has ended", pid);
	}
	if (errno != EACCES && errno != EPERM) {
		return err_errno(err, "cannot open the memory of the VM's process %d", pid);
	}
	return err_set(err, ERR_UNSUPPORTED,
		"the kernel denies access to the memory of the VM's process %d%s", pid,
		is_restricted()
			? ": kernel.yama.ptrace_scope permits it only to the server that started "
			  "the VM; set it to 0, or create a new sandbox"
			: ": the server must run as the same user or as root");
}

/* True for a line of the file; *ret_fits when it is the mapping we want. */
static bool is_of_file(
	const char *line, const struct pages_file *file, uint64_t *ret_start, bool *ret_fits)
{
	uint64_t start, end, offset, ino;
	unsigned int major_number, minor_number;
	char perms[5];
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64, &start, &end,
		    perms, &offset, &major_number, &minor_number, &ino) != 7 ||
		ino != file->ino || makedev(major_number, minor_number) != file->dev) {
		return false;
	}
	*ret_start = start;
	*ret_fits = offset == 0 && end - start == file->bytes && strcmp(perms, "rw-p") == 0;
	return true;
}

static bool find_mapping(
	struct pages_process *p, pid_t pid, const struct pages_file *file, struct err *err)
{
	int fd = open_of(pid, "maps", O_RDONLY);
	FILE *maps = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (!maps) {
		return refuse(pid, err);
	}
	auto_free char *line = NULL;
	size_t room = 0, found = 0, fitting = 0;
	while (getline(&line, &room, maps) >= 0) {
		bool fits;
		if (is_of_file(line, file, &p->start, &fits)) {
			found++;
			fitting += fits;
		}
	}
	fclose(maps);
	return (found == 1 && fitting == 1) ||
	       err_set(err, ERR_HOST,
		       "the VM's process %d must map its memory exactly once, private and "
		       "complete; found %zu mappings, %zu of them valid",
		       pid, found, fitting);
}

bool pages_attach(
	struct pages_process *process, pid_t pid, const struct pages_file *file, struct err *err)
{
	struct pages_process p = { .memory = -1, .map = -1, .bytes = file->bytes };
	if (!find_mapping(&p, pid, file, err)) {
		return false;
	}
	p.memory = open_of(pid, "mem", O_RDWR);
	p.map = p.memory >= 0 ? open_of(pid, "pagemap", O_RDONLY) : -1;
	if (p.map < 0) {
		refuse(pid, err);
		pages_detach(&p);
		return false;
	}
	*process = p;
	return true;
}

void pages_detach(struct pages_process *process)
{
	cleanup_close(&process->memory);
	cleanup_close(&process->map);
	process->memory = process->map = -1;
}

/* ---- runs ---- */

void pages_runs_done(struct pages_runs *runs)
{
	free(runs->at);
	*runs = (struct pages_runs){ 0 };
}

void pages_runs_add(struct pages_runs *runs, uint32_t first, uint32_t count, uint32_t zero)
{
	struct pages_run *last = runs->count > 0 ? &runs->at[runs->count - 1] : NULL;
	if (last && last->first + (last->count & ~PAGES_ZERO) == first &&
		(last->count & PAGES_ZERO) == zero) {
		last->count += count;
		return;
	}
	if (runs->count == runs->room) {
		runs->room = runs->room ? runs->room * 2 : 256;
		runs->at = must(realloc(runs->at, runs->room * sizeof(*runs->at)));
	}
	runs->at[runs->count++] = (struct pages_run){ first, count | zero };
}

/* ---- by one ioctl (Linux 6.7), whose types are missing in Debian 12's headers ---- */

struct scan_range {
	uint64_t start, end, categories;
};

struct scan_args {
	uint64_t size, flags, start, end, walk_end, ranges, n_ranges, max_pages;
	uint64_t inverted, mask, any_of, return_mask;
};

#define SCAN _IOWR('f', 16, struct scan_args)
#define SCAN_IS_FILE (1u << 2)
#define SCAN_IS_PRESENT (1u << 3)
#define SCAN_IS_SWAPPED (1u << 4)

#define RANGES 512

static bool scan(struct pages_process *p, struct pages_runs *out)
{
	struct scan_range ranges[RANGES];
	struct scan_args args = {
		.size = sizeof(args),
		.start = p->start,
		.end = p->start + p->bytes,
		.ranges = (uintptr_t)ranges,
		.n_ranges = RANGES,
		.inverted = SCAN_IS_FILE, /* must be clear */
		.mask = SCAN_IS_FILE,
		.any_of = SCAN_IS_PRESENT | SCAN_IS_SWAPPED,
	};
	while (args.start < args.end) {
		int n = ioctl(p->map, SCAN, &args);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return false;
		}
		for (int i = 0; i < n; i++) {
			uint64_t first = (ranges[i].start - p->start) / PAGES_SIZE;
			uint64_t count = (ranges[i].end - ranges[i].start) / PAGES_SIZE;
			pages_runs_add(out, (uint32_t)first, (uint32_t)count, 0);
		}
		if (args.walk_end <= args.start) {
			errno = EIO;
			return false;
		}
		args.start = args.walk_end;
	}
	return true;
}

/* ---- by one word per page.  An ordinary user sees no page numbers in them, but sees the flags
 * ---- */

#define MAP_PRESENT (UINT64_C(1) << 63)
#define MAP_SWAPPED (UINT64_C(1) << 62)
#define MAP_IS_FILE (UINT64_C(1) << 61)
#define WORDS 8192

static bool walk(struct pages_process *p, struct pages_runs *out)
{
	auto_free uint64_t *words = must(malloc(WORDS * sizeof(*words)));
	uint64_t count = p->bytes / PAGES_SIZE, from = p->start / PAGES_SIZE;
	for (uint64_t at = 0; at < count;) {
		size_t want = count - at < WORDS ? count - at : WORDS;
		ssize_t n = pread(p->map, words, want * sizeof(*words),
			(off_t)((from + at) * sizeof(*words)));
		if (n <= 0) {
			errno = n < 0 ? errno : ESRCH;
			return false;
		}
		size_t got = (size_t)n / sizeof(*words);
		for (size_t i = 0; i < got; i++) {
			if (words[i] & (MAP_PRESENT | MAP_SWAPPED) && !(words[i] & MAP_IS_FILE)) {
				pages_runs_add(out, (uint32_t)(at + i), 1, 0);
			}
		}
		at += got;
	}
	return true;
}

bool pages_changed(struct pages_process *p, struct pages_runs *out, struct err *err)
{
	if (!p->no_scan) {
		if (scan(p, out)) {
			return true;
		}
		if (errno != ENOTTY && errno != EINVAL) {
			return err_errno(err, "cannot find the VM's changed pages");
		}
		p->no_scan = true;
		out->count = 0;
	}
	return walk(p, out) || err_errno(err, "cannot find the VM's changed pages");
}
