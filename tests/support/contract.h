#ifndef TESTS_SUPPORT_CONTRACT_H
#define TESTS_SUPPORT_CONTRACT_H

/* What the contract suites share: the backends they run on, and how one case runs on one of them.
 * Those that this host cannot run are skipped, saying why. */

#include "tests/support/kept_image.h"
#include "tests/support/vm_host.h"

#include "tests/support/scratch.h"

#include <criterion/parameterized.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>

/* Words that differ between a shell and the fake desktop's idea of one. */
struct dialect {
	const char *backend, *flood, *die, *crash;
	const char *terminal; /* an application that takes text */
	const char *typed, *read_back, *read;
	/* Writes a text in two parts, to test that a copy continues; reading it back returns "half-1". */
	const char *half, *ending;
	const char *hostname, *machine_id;
	bool is_machine; /* of the image that is kept for tests */
	bool is_outside; /* its processes are below ours */
};
#define N_DIALECTS 3
extern const struct dialect dialects[N_DIALECTS];

struct bench {
	struct host host;
	const struct dialect *dialect;
	struct vm *vm; /* ready, alice's */
};

/* The answer to one request, kept.  json: owned; NULL with an error. */
struct got {
	bool done;
	json_t *json;
	struct err err;
};
void on_got(const json_t *result, const struct err *err, void *got);

struct action typing(const char *text);

struct action moving(int x, int y);

struct action waiting(int64_t ms);

struct action clicking(int x, int y);

/* A case leaves its sandbox ready and alice's only one.  The next case uses it: the start of a machine
 * costs more than most cases.  CASE_ALONE has a sandbox of its own, which it may end. */
struct contract {
	const char *name;
	void (*run)(struct bench *bench);
	bool alone;
};
#define CASE(fn) \
	{ \
#fn, fn \
	}
#define CASE_ALONE(fn) \
	{ \
#fn, fn, .alone = true \
	}

/* What one test runs: a case that is alone, or (contract = the number of cases) all others.
 * Indexes, not pointers: Criterion runs each test in a process of its own, where the program lies
 * elsewhere. */
struct one {
	size_t dialect, contract;
};

struct criterion_test_params contract_params(const struct contract *cases, size_t n_cases);

/* Beside the image, so that its files can be linked. */
void contract_init(void);

struct probed {
	const char *backend;
	bool works;
	char why[500];
};

/* The debug build's agent is made for this host; a guest gets the release's. */
const char *contract_agent(bool is_machine);

void run_contract(const struct contract *cases, size_t n_cases, const struct one *one,
	struct vm_config config);

/* The test program of these cases, which run on each backend, with at most two sandboxes. */
#define CONTRACT(suite, cases) \
	ParameterizedTestParameters(suite, contract) \
	{ \
		return contract_params(cases, sizeof(cases) / sizeof((cases)[0])); \
	} \
\
	ParameterizedTest(struct one *one, suite, contract, .init = contract_init, \
		.fini = scratch_remove, .timeout = 600) \
	{ \
		run_contract(cases, sizeof(cases) / sizeof((cases)[0]), one, \
			(struct vm_config){ .max_sandboxes = 2 }); \
	}

#endif
