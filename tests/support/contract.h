#ifndef TESTS_SUPPORT_CONTRACT_H
#define TESTS_SUPPORT_CONTRACT_H

/* What the contract suites share: the backends they run on, and how one case runs on one of them.
 * Those that this host cannot run are skipped, saying why. */

#include "tests/support/kept_image.h"
#include "tests/support/vm_host.h"

#include "tests/support/scratch.h"

#include <criterion/parameterized.h>
#include <dirent.h>
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

struct action typing(const char *text);

struct action moving(int x, int y);

struct action waiting(int64_t ms);

struct action clicking(int x, int y);

#define CASE(fn) \
	{ \
#fn, fn \
	}
struct contract {
	const char *name;
	void (*run)(struct bench *bench);
};

/* Indexes, not pointers: Criterion runs each in a process of its own, where the program lies
 * elsewhere. */
struct one {
	size_t dialect, contract;
};

struct criterion_test_params all_of_them(size_t n_cases);

/* Beside the image, so that its files can be linked. */
void contract_init(void);

struct probed {
	const char *backend;
	bool works;
	char why[500];
};

/* The debug build's agent is made for this host; a guest gets the release's. */
const char *contract_agent(bool is_machine);

void run_contract(
	const char *name, void (*run)(struct bench *), size_t dialect, struct vm_config config);

#endif
