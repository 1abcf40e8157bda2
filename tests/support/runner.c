/* Linked into every test: what Criterion's processes need not do. */
#include <stdlib.h>

/* Criterion's runner (2.4.1) leaks the record of a skipped test, which would fail any suite that skips one.
 * Our code runs in its workers only, so they alone are asked for leaks. */
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return getenv("BXFI_MAP") == NULL; /* how the runner tells a worker what to do */
}

/* Criterion starts libgit2 in each worker, which reads all certificates of this host: half of a worker's
 * time.  It is for the differences that cr_assert(eq(...)) shows, which no test uses. */
int git_libgit2_init(void);

int git_libgit2_init(void)
{
	return 1;
}

int git_libgit2_shutdown(void);

int git_libgit2_shutdown(void)
{
	return 0;
}

/* Criterion forks its first worker while a thread of nanomsg starts, and allocates before it executes the
 * worker.  If that thread holds a lock of ASan's allocator then, the worker never begins.  Chunks of all
 * common sizes in the cache of this thread make the lock unnecessary.  A worker does without them. */
__attribute__((constructor)) static void fill_allocator_cache(void)
{
	if (getenv("BXFI_MAP")) {
		return;
	}
	for (size_t size = 16; size <= 4096; size += 16) {
		void *volatile chunk = malloc(size);
		free(chunk);
	}
}
