#ifndef TESTS_SUPPORT_E2B_FIXTURE_H
#define TESTS_SUPPORT_E2B_FIXTURE_H

/* E2B's API over the fake backend, and clients of it in the same thread (http_fixture.h). */

#include "tests/support/http_fixture.h"
#include "tests/support/scratch.h"

#include "server/config/config.h"
#include "server/e2b/e2b.h"
#include "server/http/auth.h"
#include "vm/lifecycle/lifecycle.h"

struct e2b_bench {
	struct fixture http; /* first; its tokens are not used */
	struct config config;
	struct vm_pool *vms;
	struct auth *auth;
	struct activity activity;
	struct listen_e2b *listen;
	char key[AUTH_TOKEN_SIZE], other_key[AUTH_TOKEN_SIZE]; /* of ann and of bob */
};

/* In a scratch directory, which e2b_bench_done() removes. */
void e2b_bench_init(struct e2b_bench *b);
void e2b_bench_init_with(struct e2b_bench *b, const char *backend);
void e2b_bench_done(struct e2b_bench *b);
/* The same with --no-auth. */
void e2b_bench_init_open(struct e2b_bench *b);

/* One request; headers: up to six "Name: value", NULL-terminated, or NULL.  key NULL: ann's; "":
 * none.  Returns the status; *ret_json, unless it is NULL: the body, or NULL if that is no JSON. */
struct e2b_ask {
	const char *method, *path, *body, *key;
	const char *headers[6];
};
long e2b_bench_ask(struct e2b_bench *b, const struct e2b_ask *ask, json_t **ret_json);
/* The same, of a key's requests without more headers, with the status that is expected. */
json_t *e2b_bench_get(
	struct e2b_bench *b, long status, const char *method, const char *path, const char *body);

/* A sandbox of ann's; body NULL: of the template "base".  To be freed. */
char *e2b_bench_create(struct e2b_bench *b, const char *body);

const char *text_of(const json_t *object, const char *name); /* "": absent */

#endif
