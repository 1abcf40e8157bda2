#include "tests/support/golden_file.h"

#include "base/cleanup.h"
#include "tests/support/read_all.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *golden_path(const char *name)
{
	const char *source = getenv("VITRINE_SOURCE");
	struct buf path = { 0 };
	buf_printf(&path, "%s/%s", source ? source : ".", name);
	return (char *)path.data;
}

char *golden_read(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	struct buf text = { 0 };
	read_all(fd, &text);
	return (char *)text.data;
}

static void write_text(const char *path, const struct buf *text)
{
	FILE *out = must(fopen(path, "we"));
	cr_assert_eq(fwrite(text->data, 1, text->len, out), text->len);
	cr_assert_eq(fclose(out), 0);
}

/* Names the first line that differs. */
static void expect_same(const char *path, const char *want, const char *got)
{
	int line = 1;
	while (*want && *want == *got) {
		line += *want == '\n';
		want++, got++;
	}
	cr_expect(*want == *got,
		"%s:%d differs from there: \"%.*s\"\nRun with VITRINE_GOLDEN=write and review "
		"the diff.",
		path, line, (int)strcspn(got, "\n"), got);
}

void golden_settle(const char *path, const char *want, const struct buf *got)
{
	const char *mode = getenv("VITRINE_GOLDEN");
	if (mode && strcmp(mode, "write") == 0) {
		write_text(path, got);
	} else {
		expect_same(path, want, (const char *)got->data);
	}
}
