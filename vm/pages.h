#ifndef VM_PAGES_H
#define VM_PAGES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The pages that a machine's process has changed in its private mapping of a memory file, and the
 * file that keeps them: a layer of RAM (vm/ram.h).
 *
 *   head     one page: struct pages_head
 *   data     the pages of all runs that have data, one behind the other
 *   runs     struct pages_run[], ascending, not touching each other's pages
 *
 * Numbers are of this host's byte order; a file of another one has the wrong magic.
 */

#define PAGES_SIZE 4096u
#define PAGES_ID 16 /* bytes, random: names the content of a file */
#define PAGES_ZERO 0x80000000u

struct pages_run {
	uint32_t first;
	uint32_t count; /* with PAGES_ZERO: all are zero, and the file has no data for them */
};

struct pages;
#define auto_pages __attribute__((cleanup(pages_cleanup)))

/* ---- a process's memory ---- */

struct pages_process {
	int memory, map; /* /proc/PID/mem and pagemap */
	uint64_t start;  /* where the mapping is */
	uint64_t bytes;
};

/* Finds the one private mapping of all of `file` in the process. */
bool pages_attach(struct pages_process *process, pid_t pid, int file, struct err *err) NODISCARD;
void pages_detach(struct pages_process *process);

/* Writes what the process changed into out (an empty file).  base: the id of the layer below, or
 * NULL when that is zeros.  The process must not run meanwhile. */
bool pages_save(const struct pages_process *process, const uint8_t *base, int out,
	struct err *err) NODISCARD;

/* ---- a file of pages ---- */

/* Takes fd.  Checks everything but the data.  what names it in errors. */
struct pages *pages_open(int fd, const char *what, struct err *err) NODISCARD;
struct pages *pages_ref(struct pages *pages);
void pages_unref(struct pages *pages); /* NULL-safe; any thread */
void pages_cleanup(struct pages **pages);

int pages_fd(const struct pages *pages);
const uint8_t *pages_id(const struct pages *pages);
const uint8_t *pages_base(const struct pages *pages); /* NULL: it lies on zeros */
uint64_t pages_ram(const struct pages *pages);        /* bytes of the RAM it belongs to */
uint64_t pages_bytes(const struct pages *pages);      /* of data */

/* Puts the pages where they belong, in a memory file or at `at` in /proc/PID/mem, and checks them
 * on the way.  Blocks. */
bool pages_load(const struct pages *pages, int into, uint64_t at, struct err *err) NODISCARD;

#endif
