/*
 * How long a request takes to a real agent in a real sandbox and back, without MCP around it: for
 * each line on stdin one ping over the link, and a line that says how many microseconds it took.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/backends.h"
#include "vm/guest/guest.h"
#include "vm/lifecycle/lifecycle.h"

#include <stdio.h>

struct ping {
	bool done;
	uint64_t answered;
	struct err err;
};

static void answered(const json_t *result, const struct err *err, void *data)
{
	(void)result;
	struct ping *ping = data;
	ping->answered = loop_now_us();
	ping->done = true;
	if (err) {
		ping->err = *err;
	}
}

static void ready(struct vm *vm, const struct err *err, void *data)
{
	(void)vm;
	answered(NULL, err, data);
}

static bool run_until(sd_event *event, const struct ping *ping)
{
	while (!ping->done && sd_event_run(event, UINT64_MAX) >= 0) {
	}
	if (ping->err.kind) {
		fprintf(stderr, "bench-link: %s\n", ping->err.text);
	}
	return !ping->err.kind;
}

static bool serve(sd_event *event, struct vm *vm)
{
	char line[256];
	for (long id = 1; fgets(line, sizeof(line), stdin); id++) {
		struct ping ping = { 0 };
		uint64_t sent = loop_now_us();
		guest_ping(vm_guest(vm), answered, &ping);
		if (!run_until(event, &ping)) {
			return false;
		}
		printf("{\"id\":%ld,\"us\":%llu}\n", id,
			(unsigned long long)(ping.answered - sent));
		fflush(stdout);
	}
	return true;
}

int main(void)
{
	struct err err = { 0 };
	auto_event sd_event *event = loop_new(&err);
	struct vm_config config = { .backend = "namespace",
		.default_spec = { .screen = { 1280, 800 } } };
	struct vm_pool *pool = event ? vm_pool_new(event, &config, vm_backends) : NULL;
	struct vm *vm = pool ? vm_create(pool, "bench", NULL, &err) : NULL;
	struct ping up = { 0 };
	const struct vm_wait_handlers handlers = { .done = ready };
	bool ok = vm && vm_wait(vm, &handlers, &up) && run_until(event, &up) && serve(event, vm);
	if (err.kind) {
		fprintf(stderr, "bench-link: %s\n", err.text);
	}
	vm_pool_free(pool);
	return ok ? 0 : 1;
}
