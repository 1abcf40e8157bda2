#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

/* A directory of the test's own, gone afterwards. */

#include "vm/state/tree.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char scratch[500];

void scratch_make_in(const char *dir);

void scratch_make(void);

void scratch_remove(void);

/* A path below it; valid until the eighth call from now. */
__attribute__((format(printf, 1, 2))) const char *in_scratch(const char *fmt, ...);

/* fork() for a test: the child goes with it, whatever becomes of the test. */
pid_t fork_child(void);

void put_file(const char *path, const void *bytes, size_t len);

void put_text(const char *path, const char *text);

#endif
