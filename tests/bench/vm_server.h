#ifndef BENCH_VM_SERVER_H
#define BENCH_VM_SERVER_H

#include "base/id.h"
#include "tests/bench/session.h"

#include <pthread.h>

/*
 * `vitrine serve` as its client sees it, and what it logs, each line with the time it came: that is
 * where the stages of a call are told that its answer does not name.
 */

struct vm_line {
	uint64_t us;
	char *text;
};

struct vm_server {
	struct session s;
	pthread_t reader;
	bool reading;
	pthread_mutex_t lock;
	int errors;
	struct vm_line *lines;
	size_t n;
};

/* backend, and options behind it, NULL-ended.  Needs vm_server_stop(), even when it failed. */
bool vm_server_start(struct vm_server *v, const char *build, const char *backend,
	const char *const *more, struct err *err) NODISCARD;
void vm_server_stop(struct vm_server *v);

/* A tool that must succeed; args as for printf, JSON. */
bool vm_call(struct vm_server *v, struct err *err, const char *tool, const char *args, ...)
	PRINTF(4, 5) NODISCARD;
/* The sandboxes named in the last answer, at most max. */
size_t vm_ids(const struct vm_server *v, char (*ret_ids)[ID_LEN + 1], size_t max);

/* The first line since then with both texts in it: when it came, and a copy of it (ret_line may be
 * NULL).  Lines come a little later than answers, so it waits a little; 0: there is none. */
uint64_t vm_saw(struct vm_server *v, uint64_t since, const char *id, const char *what,
	char *ret_line, size_t size);
/* The number behind `what` in such a line; -1: there is none. */
double vm_told(struct vm_server *v, uint64_t since, const char *id, const char *what);
/* The same, waiting longer: for what the server does by itself. */
bool vm_wait_line(struct vm_server *v, uint64_t since, const char *what, int ms);

#endif
