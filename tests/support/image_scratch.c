#include "tests/support/image_scratch.h"

char image_scratch[] = "/tmp/vitrine-image-XXXXXX";

void image_scratch_make(void)
{
	cr_assert_not_null(mkdtemp(image_scratch));
}

void image_scratch_remove(void)
{
	struct err err = { 0 };
	int dir = open(image_scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_expect(root_empty(dir, ".", &err), "%s", err.text);
	close(dir);
	cr_expect_eq(rmdir(image_scratch), 0, "%s stays", image_scratch);
}

const char *image_path(const char *fmt, ...)
{
	static char paths[8][600];
	static unsigned turn;
	char name[500], *path = paths[turn++ % 8];
	va_list args;
	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	snprintf(path, sizeof(paths[0]), "%s/%s", image_scratch, name);
	return path;
}

void image_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s", path);
	close(fd);
}
