#ifndef VM_MEMORY_RAM_IMPL_H
#define VM_MEMORY_RAM_IMPL_H

#include "vm/memory/ram.h"

#include <sys/queue.h>

/* Shared by ram.c and ram_open.c. */

TAILQ_HEAD(ram_opens, ram_open);

struct ram {
	/* in the list of those in memory, least recently used first; only with layers and a file */
	TAILQ_ENTRY(ram) entry;
	bool is_known, loading;
	unsigned refs;
	int fd;
	int64_t mib;
	struct pages_file file;
	struct layers layers;
	struct ram_opens waiting; /* while it is being read */
	struct err why;
};

/* One reference, without a file. */
struct ram *ram_make(int64_t mib);
/* Its memory file, all zero, and its end: nobody can write to it anymore. */
bool ram_make_file(struct ram *ram, struct err *err) NODISCARD;
bool ram_seal(struct ram *ram, struct err *err) NODISCARD;

/* The list of those in memory. */
struct ram *ram_find(const uint8_t *id);
void ram_know(struct ram *ram);
void ram_unknow(struct ram *ram);

#endif
