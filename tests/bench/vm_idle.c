/*
 * Memory of idle clones: N of them at once for several N, so that what is shared shows.  A clone
 * counts when it has been left alone for some seconds.
 */
#include "base/cleanup.h"
#include "tests/bench/vm_bench.h"
#include "tests/bench/vm_memory.h"

#include <stdio.h>
#include <string.h>

#define IDLE_S 5
#define CLONES_MAX 8
#define OURS_RAM "vitrine-ram" /* the name of a template's memory */

static const size_t steps[] = { 1, 2, 4, 8 };

struct clones {
	struct vm_server v;
	pid_t pids[CLONES_MAX];
	size_t n;
};

static void clones_done(struct clones *c)
{
	vm_server_stop(&c->v);
}
#define auto_clones __attribute__((cleanup(clones_done)))

static bool add_clone(struct clones *c, const char *args, struct err *err)
{
	char id[1][ID_LEN + 1];
	if (!vm_call(&c->v, err, "sandbox_create", "{%s}", args) || vm_ids(&c->v, id, 1) != 1) {
		return false;
	}
	c->pids[c->n++] = (pid_t)vm_told(&c->v, 0, id[0], "pid=");
	return true;
}

/* Until there are n of them, and all were left alone. */
static bool grow(struct clones *c, const char *args, size_t n, struct err *err)
{
	while (c->n < n) {
		if (!add_clone(c, args, err)) {
			return false;
		}
	}
	usleep(IDLE_S * 1000000);
	return true;
}

static bool pss_of_all(struct clones *c, double *ret_pss, struct err *err)
{
	struct vm_memory m;
	*ret_pss = 0;
	for (size_t i = 0; i < c->n; i++) {
		if (!vm_memory_of(c->pids[i], OURS_RAM, 0, &m, err)) {
			return false;
		}
		*ret_pss += m.pss;
	}
	return true;
}

static bool measure(
	struct vm_bench *b, struct clones *c, const char *args, enum figure first, struct err *err)
{
	size_t n = vm_count(b, 4, 3);
	double x[4], y[4];
	for (size_t i = 0; i < n; i++) {
		x[i] = (double)steps[i];
		if (!grow(c, args, steps[i], err) || !pss_of_all(c, &y[i], err)) {
			return false;
		}
	}
	for (size_t i = 0; i < c->n; i++) {
		struct vm_memory m;
		if (!vm_memory_of(c->pids[i], OURS_RAM, 0, &m, err)) {
			return false;
		}
		vm_add(b, first, m.guest);
		vm_add(b, first + 1, m.own);
	}
	vm_add(b, first + 2, vm_slope(x, y, n));
	return true;
}

/* Of plain QEMU's, all of the guest's RAM is its own. */
static void measure_plain(struct vm_bench *b)
{
	struct vm_memory whole;
	struct vm_plain m = { .monitor = -1 };
	if (b->no_peer.kind || !b->plain.ready) {
		return;
	}
	bool ok = vm_plain_start(&m, &b->peer, b->plain_state, &b->no_peer);
	usleep(IDLE_S * 1000000);
	if (ok && vm_memory_of(m.pid, NULL, b->image.memory_mib, &whole, &b->no_peer)) {
		vm_add_peer(b, MEMORY_GUEST, whole.guest);
		vm_add_peer(b, MEMORY_OWN, whole.own);
		vm_add_peer(b, MEMORY_SLOPE, whole.pss);
	}
	vm_plain_stop(&m);
}

bool vm_measure_memory(struct vm_bench *b, struct err *err)
{
	auto_clones struct clones c = { 0 };
	bool ok = vm_serve(b, &c.v, NULL, NULL, err) && measure(b, &c, "", MEMORY_GUEST, err);
	measure_plain(b);
	return ok;
}

/* ---- with a program open ---- */

static const char *const programs[] = { "firefox-esr", "chromium", "org.xfce.mousepad" };

/* The first of them that the image has. */
static const char *pick(struct clones *c, const char *id, struct err *err)
{
	if (!vm_call(&c->v, err, "list_applications", "{\"sandbox\":\"%s\"}", id)) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		if (strstr(session_answer(&c->v.s), programs[i])) {
			return programs[i];
		}
	}
	err_set(err, ERR_NOT_FOUND, "the image has no program to open");
	return NULL;
}

static bool snapshot_with(struct vm_bench *b, struct clones *c, struct err *err)
{
	char id[1][ID_LEN + 1];
	if (!vm_call(&c->v, err, "sandbox_create", "{}") || vm_ids(&c->v, id, 1) != 1) {
		return false;
	}
	const char *program = pick(c, id[0], err);
	if (!program || !vm_call(&c->v, err, "launch",
				"{\"sandbox\":\"%s\",\"application\":\"%s\"}", id[0], program)) {
		return false;
	}
	snprintf(b->said, sizeof(b->said), "%s", program);
	usleep(IDLE_S * 1000000);
	return vm_call(&c->v, err, "sandbox_snapshot", "{\"sandbox\":\"%s\",\"name\":\"program\"}",
		       id[0]) &&
	       vm_call(&c->v, err, "sandbox_kill", "{\"sandbox\":\"%s\"}", id[0]);
}

bool vm_measure_program(struct vm_bench *b, struct err *err)
{
	auto_clones struct clones c = { 0 };
	if (!vm_serve(b, &c.v, NULL, NULL, err) || !snapshot_with(b, &c, err)) {
		return false;
	}
	bool ok = measure(b, &c, "\"from\":\"program\"", PROGRAM_GUEST, err);
	if (ok) {
		printf("(the program is %s)\n", b->said);
	}
	return ok;
}
