#include "tests/support/scratch.h"

char scratch[500];

void scratch_make_in(const char *dir)
{
	snprintf(scratch, sizeof(scratch), "%s/vitrine-test-XXXXXX", dir);
	cr_assert_not_null(mkdtemp(scratch), "%s", scratch);
}

void scratch_make(void)
{
	scratch_make_in("/tmp");
}

void scratch_remove(void)
{
	char *slash = strrchr(scratch, '/');
	*slash = '\0';
	int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_expect(tree_remove(dir, slash + 1, NULL), "%s/%s stays", scratch, slash + 1);
	close(dir);
}

const char *in_scratch(const char *fmt, ...)
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

pid_t fork_child(void)
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

void put_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len, "%s", path);
	close(fd);
}

void put_text(const char *path, const char *text)
{
	put_file(path, text, strlen(text));
}
