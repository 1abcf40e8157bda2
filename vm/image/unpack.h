#ifndef VM_IMAGE_UNPACK_H
#define VM_IMAGE_UNPACK_H

#include "base/err.h"

#include <stdint.h>

/* Unpacks an archive that nobody vouches for. */

struct unpack_limits {
	uint64_t bytes; /* of the archive once decompressed */
	uint64_t file;  /* of each file in it */
	uint64_t files; /* of all kinds */
};

#define UNPACK_FILES_MAX 1000000u

/* tar: a regular file, compressed with gzip, xz, zstd or bzip2 or not at all; into: an open
 * directory.  Files in dev are left out: devices are the kernel's.  ERR_LIMIT says which limit;
 * what was unpacked until then stays.  Takes SIGPIPE, which must be ignored. */
bool unpack_tar(int into, int tar, const struct unpack_limits *limits, struct err *err) NODISCARD;

#endif
