#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

/* Local variables that free themselves at the end of their scope.  take_ptr/take_fd transfer
 * ownership. */
#define auto_free __attribute__((cleanup(cleanup_free)))
#define auto_close __attribute__((cleanup(cleanup_close)))

#define take_ptr(pp) \
	__extension__({ \
		__typeof__(pp) from_ = (pp); \
		__typeof__(*from_) out_ = *from_; \
		*from_ = NULL; \
		out_; \
	})

static inline void cleanup_free(void *slot)
{
	free(*(void **)slot);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}

/* Out of memory is not handled: sizes from outside are bounded before they get here. */
static inline void *must(void *allocated)
{
	if (!allocated) {
		abort();
	}
	return allocated;
}

static inline int take_fd(int *fd)
{
	int out = *fd;
	*fd = -1;
	return out;
}

#endif
