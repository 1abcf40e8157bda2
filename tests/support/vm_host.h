#ifndef TESTS_VM_HOST_H
#define TESTS_VM_HOST_H

/* A loop and a pool for tests of vm/, and answers to wait for.  A test that waits in vain ends at
 * Criterion's timeout. */

#include "base/loop.h"
#include "vm/backends.h"
#include "vm/guest/guest.h"
#include "vm/lifecycle/lifecycle.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct host {
	sd_event *event;
	struct vm_pool *pool;
	struct vm_config config;
};

void host_init(struct host *host, struct vm_config config);

void host_done(struct host *host);

/* Runs the loop until *done. */
void host_until(struct host *host, const bool *done);

void host_for_ms(struct host *host, uint64_t ms);

/* What any guest_* call ended with. */
struct answer {
	bool done;
	int times, order;
	struct err err; /* ERR_NONE: it went well */
	struct guest_act act;
	struct guest_exec exec;
	struct guest_launch launch;
	char out[GUEST_OUTPUT_HEAD * 6 + 1], out_tail[GUEST_OUTPUT_TAIL * 3 + 1], errors[2000];
	uint8_t image_start[8];
	size_t image_len;
	json_t *json;
};

struct answer *answer_new(void);

void answer_free(struct answer *answer);

void on_act(const struct guest_act *res, const struct err *err, void *data);

void on_exec(const struct guest_exec *res, const struct err *err, void *data);

void on_launch(const struct guest_launch *res, const struct err *err, void *data);

void on_json(const json_t *result, const struct err *err, void *data);

struct waited {
	bool done;
	int times;
	unsigned stages, of;
	char last_stage[40];
	struct err err;
};

extern const struct vm_wait_handlers wait_handlers;

struct waited host_wait(struct host *host, struct vm *vm);

/* A sandbox that is ready. */
struct vm *host_vm(struct host *host);

struct answer *host_act(struct host *host, struct vm *vm, const struct action *actions, size_t n);

struct answer *host_exec(struct host *host, struct vm *vm, const char *command, int64_t timeout_ms);

#endif
