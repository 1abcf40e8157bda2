#ifndef VM_MEMORY_PAGES_H
#define VM_MEMORY_PAGES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The pages that a VM's process has changed in its private mapping of a memory file, and the file
 * that stores them: a layer of RAM (vm/memory/ram.h).
 *
 *   head     one page: struct pages_head
 *   data     the pages of all runs that have data, contiguous
 *   runs     struct pages_run[], ascending, without shared pages
 *
 * Numbers are in this host's byte order.
 */

#define PAGES_SIZE 4096u
#define PAGES_MAX (1u << 24) /* of a RAM: 64 GiB */
#define PAGES_ID 16          /* random bytes; an id identifies the content of a file */
#define PAGES_ZERO 0x80000000u

#define PAGES_MAGIC "VTRPAGES"
#define PAGES_VERSION 1

struct pages_head {
	char magic[8];
	uint32_t version, page_size;
	uint64_t ram_pages, data_pages, runs;
	uint8_t id[PAGES_ID], base[PAGES_ID];  /* base: the layer below; all zero: none */
	uint64_t data_sum, runs_sum, head_sum; /* head_sum covers everything before it */
};

struct pages_run {
	uint32_t first;
	uint32_t count; /* with PAGES_ZERO: all are zero, and the file has no data for them */
};

/* A checksum against disk errors and incomplete files, not against attacks.  Data is summed in
 * these portions. */
#define PAGES_CHUNK (1u << 20)
uint64_t pages_sum(uint64_t sum, const void *bytes, size_t len); /* len: a multiple of 8 */

/* ---- a process's memory ---- */

struct pages_process {
	int memory, map; /* /proc/PID/mem and pagemap */
	uint64_t start;  /* start address of the mapping */
	uint64_t bytes;
	bool no_scan; /* the kernel has no PAGEMAP_SCAN (before 6.7), or it must not be used */
};

/* What a process must have mapped: a complete memory file. */
struct pages_file {
	dev_t dev;
	ino_t ino;
	uint64_t bytes;
};

/* Finds the only private mapping of the file.  ERR_UNSUPPORTED if the kernel denies access to the
 * process's memory; the text has the reason. */
bool pages_attach(struct pages_process *process, pid_t pid, const struct pages_file *file,
	struct err *err) NODISCARD;
void pages_detach(struct pages_process *process);

/* A growing list of runs. */
struct pages_runs {
	struct pages_run *at;
	size_t count, room;
};
#define auto_runs __attribute__((cleanup(pages_runs_done)))
void pages_runs_done(struct pages_runs *runs);
/* Merges it with the last one if they are adjacent. */
void pages_runs_add(struct pages_runs *runs, uint32_t first, uint32_t count, uint32_t zero);

/* The pages that the process has changed, in memory or swapped out. */
bool pages_changed(
	struct pages_process *process, struct pages_runs *out, struct err *err) NODISCARD;

/* ---- saving: prepare while it runs, take while it is stopped, write after it has resumed.  All
 * block; callable from any thread ---- */

struct pages_copy {
	struct pages_runs runs; /* the changed pages */
	char *bytes;            /* the pages, contiguous */
	size_t room;
};
void pages_copy_done(struct pages_copy *copy);

/* Reserves memory for the pages changed so far and some more.  dir: for an unnamed file if there
 * are too many for memory. */
bool pages_copy_prepare(struct pages_process *process, const char *dir, struct pages_copy *ret_copy,
	struct err *err) NODISCARD;
bool pages_copy_take(struct pages_process *process, const char *dir, struct pages_copy *copy,
	struct err *err) NODISCARD;
/* Writes them as a page file into out, which is empty.  ram_pages: of the whole VM; base: the id of
 * the layer below, or NULL if that is zeros. */
bool pages_copy_write(const struct pages_copy *copy, uint64_t ram_pages, const uint8_t *base,
	int out, uint64_t *ret_bytes, struct err *err) NODISCARD;

/* ---- page files; reference-counted, from one thread only ---- */

struct pages;

/* Takes fd.  Checks everything except the data.  what: for errors, copied. */
struct pages *pages_open(int fd, const char *what, struct err *err) NODISCARD;
struct pages *pages_ref(struct pages *pages);
void pages_unref(struct pages *pages); /* NULL-safe */

int pages_fd(const struct pages *pages);
const struct pages_head *pages_head(const struct pages *pages);
bool pages_has_base(const struct pages *pages);

/* Writes the pages into a memory file (at 0), or into /proc/PID/mem at the start of a mapping, and
 * checks them.  Blocks; callable from any thread. */
bool pages_load(const struct pages *pages, int into, uint64_t at, struct err *err) NODISCARD;

#endif
