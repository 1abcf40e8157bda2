#include "tests/support/state_dir.h"

#include "tests/support/scratch.h"

#include <dirent.h>

struct state *state_dir_open(void)
{
	struct err err;
	struct state *state = state_open(in_scratch("state"), &err);
	cr_assert_not_null(state, "%s", err.text);
	return state;
}

size_t state_dir_count(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;
	cr_assert_not_null(dir, "%s", path);
	while (readdir(dir)) {
		n++;
	}
	closedir(dir);
	return n - 2;
}

void state_dir_wait_for_empty_trash(void)
{
	for (int i = 0; i < 60 && state_dir_count(in_scratch("state/trash")) > 0; i++) {
		state_close(state_dir_open());
	}
	cr_assert_eq(state_dir_count(in_scratch("state/trash")), 0);
}

void state_dir_make(struct state *state, enum state_kind kind, const char *name)
{
	struct err err;
	char *path = NULL;
	int lock = state_begin(state, kind, name, &path, &err);
	cr_assert_geq(lock, 0, "%s", err.text);
	cr_assert(state_commit(state, kind, name, &err), "%s", err.text);
	close(lock);
	free(path);
}
