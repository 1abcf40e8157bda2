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

static char scratch[500];

static inline void scratch_make_in(const char *dir)
{
	snprintf(scratch, sizeof(scratch), "%s/vitrine-test-XXXXXX", dir);
	cr_assert_not_null(mkdtemp(scratch), "%s", scratch);
}

static inline void scratch_make(void)
{
	scratch_make_in("/tmp");
}

static inline void scratch_remove(void)
{
	char *slash = strrchr(scratch, '/');
	*slash = '\0';
	int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_expect(tree_remove(dir, slash + 1, NULL), "%s/%s stays", scratch, slash + 1);
	close(dir);
}

/* A path below it; valid until the eighth call from now. */
__attribute__((format(printf, 1, 2))) static inline const char *in_scratch(const char *fmt, ...)
{
	static char paths[8][1100];
	static unsigned turn;
	char name[500];
	va_list args;
	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	char *path = paths[turn++ % 8];
	snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
	return path;
}

/* fork() for a test: the child goes with it, whatever becomes of the test. */
static inline pid_t fork_child(void)
{
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) {
			_exit(1);
		}
	}
	return pid;
}

static inline void put_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len, "%s", path);
	close(fd);
}

static inline void put_text(const char *path, const char *text)
{
	put_file(path, text, strlen(text));
}

#endif
