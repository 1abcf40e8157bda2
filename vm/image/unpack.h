#ifndef VM_IMAGE_UNPACK_H
#define VM_IMAGE_UNPACK_H

#include "base/err.h"

#include <stdint.h>

/* Unpacks an untrusted archive. */

struct unpack_limits {
	uint64_t bytes; /* of the decompressed archive */
	uint64_t file;  /* of each file in it */
	uint64_t files; /* of all types */
};

#define UNPACK_FILES_MAX 1000000u

/* tar: a regular file, uncompressed or compressed with gzip, xz, zstd or bzip2; into: an open
 * directory.  Files in dev are skipped, because devices belong to the kernel.  ERR_LIMIT names the
 * limit; files unpacked before remain.  SIGPIPE must be ignored. */
bool unpack_tar(int into, int tar, const struct unpack_limits *limits, struct err *err) NODISCARD;

#endif
