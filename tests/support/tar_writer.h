#ifndef TESTS_TAR_WRITER_H
#define TESTS_TAR_WRITER_H

/* Writes tar archives, such as no tar would write by itself. */

#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TAR_BLOCK 512

struct tar_entry {
	char type; /* '0' file, '1' hard link, '2' link, '3' '4' devices, '5' directory, '6' pipe,
		      'S' a file of holes, 'x' attributes */
	const char *name; /* raw bytes; NULL ends a list */
	const char *to;   /* of a link */
	const char *text; /* of a file; NULL: none */
	unsigned mode;    /* 0: 0755 */
	unsigned owner;
	uint64_t size; /* what the header says; 0: that of the text.  Of 'S': with the holes */
};

void tar_add(struct buf *out, const struct tar_entry *entry);

void tar_add_all(struct buf *out, const struct tar_entry *entries);

void tar_end(struct buf *out);

#endif
