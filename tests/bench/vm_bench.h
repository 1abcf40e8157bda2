#ifndef BENCH_VM_BENCH_H
#define BENCH_VM_BENCH_H

#include "tests/bench/bench.h"
#include "tests/bench/options.h"
#include "tests/bench/picture.h"
#include "tests/bench/vm_peer.h"
#include "tests/bench/vm_server.h"

/* What a run of the microVMs' bench fills: a row of the report each. */
enum figure {
	BOOT_STARTED,
	BOOT_AGENT,
	BOOT_READY,
	BOOT_HAND,
	BOOT_CLICK,
	CLONE_RUNNING,
	CLONE_AGENT,
	CLONE_FRAME,
	CLONE_CLICK,
	SPACES_AGENT,
	SPACES_FRAME,
	SPACES_CLICK,
	POOL_ANSWER,
	POOL_FRAME,
	POOL_CLICK,
	FORK_STOPPED,
	FORK_RUNNING,
	FORK_AGENT,
	FORK_FRAME,
	FORK_CLICK,
	FORK10_STOPPED,
	FORK10_CHILD,
	FORK10_ALL,
	FORK25_STOPPED,
	FORK25_CHILD,
	FORK25_ALL,
	SNAPSHOT_STOPPED,
	SNAPSHOT_CALL,
	ROLLBACK_FRAME,
	ROLLBACK_CLICK,
	PAUSE_CALL,
	RESUME_RUNNING,
	RESUME_FRAME,
	RESUME_CLICK,
	MEMORY_GUEST,
	MEMORY_OWN,
	MEMORY_SLOPE,
	PROGRAM_GUEST,
	PROGRAM_OWN,
	PROGRAM_SLOPE,
	FIGURES
};

struct vm_bench {
	struct bench_options options;
	const char *state; /* where the image is */
	char dir[512];     /* a state directory of our own, with the same image */
	struct image image;
	bool kvm;
	char said[40]; /* the program that the desktops of the last rows have open */
	struct outcome outcomes[FIGURES];

	struct vm_peer peer;
	struct err no_peer; /* kind ERR_NONE: there is one */
	struct vm_plain plain;
	char plain_state[600]; /* its template */
};

/* What is done together, and the figures it fills. */
struct experiment {
	const char *name;
	enum figure first, last;
	bool (*run)(struct vm_bench *b, struct err *err);
};
extern const struct experiment vm_experiments[];
void vm_figures_init(struct vm_bench *b);

/* n, or a few in a quick run. */
size_t vm_count(const struct vm_bench *b, size_t n, size_t quick);
void vm_add(struct vm_bench *b, enum figure f, double value);
void vm_add_checked(struct vm_bench *b, enum figure f, double value, bool right);
void vm_add_peer(struct vm_bench *b, enum figure f, double value);

bool vm_measure_memory(struct vm_bench *b, struct err *err);
bool vm_measure_program(struct vm_bench *b, struct err *err);
/* A server on our state directory; more: an option and its value, or NULL. */
bool vm_serve(struct vm_bench *b, struct vm_server *v, const char *option, const char *value,
	struct err *err) NODISCARD;

#endif
