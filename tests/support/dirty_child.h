#ifndef TESTS_DIRTY_CHILD_H
#define TESTS_DIRTY_CHILD_H

/* A process that maps a memory file as QEMU does, and changes pages of it that a test names. */

#include "vm/memory/pages.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct dirt {
	uint32_t first, count;
	uint8_t byte; /* what the pages are filled with */
};

struct child {
	pid_t pid;
	struct pages_file file;
};

struct pages_file child_file(int fd);

/* maps: how often it maps the file. */
struct child child_start(int fd, const struct dirt *dirt, int maps);

struct pages_process child_attach(const struct child *child);

/* As machine_save.c does it, at once. */
bool child_save(struct pages_process *process, const uint8_t *base, int out, uint64_t *ret_bytes,
	struct err *err);

void child_end(struct child *child);

/* A sealed file of `pages`, whose n-th one of the first `filled` is full of the byte n + 1. */
int child_base(size_t pages, size_t filled);

/* Both have the same in memory. */
void child_compare(const struct pages_process *a, const struct pages_process *b);

#endif
