#ifndef BENCH_HTTP_LOAD_H
#define BENCH_HTTP_LOAD_H

#include "base/buf.h"
#include "tests/bench/samples.h"

/*
 * HTTP clients that keep their connection and send one request after another, as quickly as the
 * answers come: one thread, epoll, and no more parsing than it takes to find an answer's end.
 */

struct load {
	int port;
	int clients;
	const char *const *requests; /* whole ones, head and body: client i's */
	const char *expect;          /* what each answer must hold */
	int warm_up, count;          /* requests in all; the first ones are not measured */
};

struct load_result {
	double per_second;
	struct samples ms; /* of an answer */
};

bool load_run(const struct load *load, struct load_result *ret, struct err *err) NODISCARD;

/* One request and its whole answer, on a connection of its own. */
bool load_ask(int port, const char *request, struct buf *ret_answer, struct err *err) NODISCARD;

/* Opens n streams and leaves them so; each must answer with `expect`.  ret_fds: the caller's, to
 * close with load_close(). */
bool load_open_streams(int port, int n, const char *const *requests, const char *expect,
	int *ret_fds, struct err *err) NODISCARD;
void load_close(int *fds, int n);

#endif
