#ifndef TESTS_IMAGE_SCRATCH_H
#define TESTS_IMAGE_SCRATCH_H

/* A directory of the test's own, for tests that are linked with vm/image/ alone. */

#include "vm/image/root.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char image_scratch[];

void image_scratch_make(void);

void image_scratch_remove(void);

/* A path below it; valid until the eighth call from now. */
__attribute__((format(printf, 1, 2))) const char *image_path(const char *fmt, ...);

void image_put(const char *path, const char *text);

#endif
