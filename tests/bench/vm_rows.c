/*
 * The experiments.  Each makes something happen n times, and notes when what was seen.  A frame is
 * correct when it shows what the desktop showed before (the panel's clock apart).  A click is
 * visible, on an empty desktop, when the pointer is drawn where it was clicked; on a desktop with
 * the probe open, when its window has the next colour.
 */
#include "base/cleanup.h"
#include "tests/bench/carry.h"
#include "tests/bench/probe.h"
#include "tests/bench/vm_bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CLICK_MS 20000  /* a click that shows nothing for so long has failed */
#define FRAME_MS 200000 /* after a cold boot, too */
#define GONE_MS 10000
#define QUIET_US 1500000 /* then all of a new desktop is drawn */
#define FORKS_MAX 25
/* Parts of the log lines of vm/lifecycle and vm/core. */
#define MAKER "is being created by sandbox="
#define CONNECTED "connected"
#define POOLED "added to the warm pool"
#define EMPTY_X 950
#define EMPTY_Y 420
#define SIDE 20 /* of the pointer's picture */

typedef char vm_id_text[ID_LEN + 1];

/* A desktop, and what it showed when it was well. */
struct bench_sandbox {
	struct vm_server v;
	vm_id_text id;
	struct picture shown;
	bool probe;
};

static void bench_sandbox_done(struct bench_sandbox *d)
{
	vm_server_stop(&d->v);
	picture_done(&d->shown);
}
#define auto_bench_sandbox __attribute__((cleanup(bench_sandbox_done)))

static double since(uint64_t began, uint64_t at)
{
	return at ? (double)(at - began) / 1000 : -1;
}

/* ---- looking ---- */

static bool take(struct vm_server *v, const char *id, struct picture *ret, struct err *err)
{
	size_t len;
	const char *image = NULL;
	if (!vm_call(v, err, "screenshot", "{\"sandbox\":\"%s\"}", id)) {
		return false;
	}
	image = session_image(&v->s, &len);
	picture_done(ret);
	return (image && picture_decode64(image, len, ret)) ||
	       err_set(err, ERR_HOST, "the screenshot has no picture");
}

/* The first correct frame of `id`, and whether it was the first of all. */
static bool first_frame(struct vm_bench *b, struct bench_sandbox *d, const char *id, uint64_t began,
	enum figure f, struct err *err)
{
	auto_picture struct picture now = { 0 };
	for (bool right = true; now_us() - began < FRAME_MS * 1000ull; right = false) {
		if (!take(&d->v, id, &now, err)) {
			return false;
		}
		if (picture_alike(&d->shown, &now)) {
			vm_add_checked(b, f, since(began, d->v.s.answered_us), right);
			return true;
		}
	}
	return err_set(err, ERR_TIMEOUT, "%s did not show what it should within %d s", id,
		FRAME_MS / 1000);
}

static bool shows_click(const struct bench_sandbox *d, const struct picture *now)
{
	int x = PROBE_X + PROBE_WIDTH / 2, y = PROBE_Y + PROBE_HEIGHT / 2;
	return d->probe ? picture_is(now, x, y, probe_colours[1])
			: picture_differs(&d->shown, now, EMPTY_X, EMPTY_Y, SIDE);
}

/* Clicks, and looks until it shows. */
static bool first_click(struct vm_bench *b, struct bench_sandbox *d, const char *id, uint64_t began,
	enum figure f, struct err *err)
{
	auto_picture struct picture now = { 0 };
	int x = d->probe ? PROBE_X + 100 : EMPTY_X, y = d->probe ? PROBE_Y + 100 : EMPTY_Y;
	if (!vm_call(&d->v, err, "left_click", "{\"sandbox\":\"%s\",\"coordinate\":[%d,%d]}", id, x,
		    y)) {
		return false;
	}
	for (uint64_t clicked = now_us(); now_us() - clicked < CLICK_MS * 1000ull;) {
		if (!take(&d->v, id, &now, err)) {
			return false;
		}
		if (shows_click(d, &now)) {
			vm_add_checked(b, f, since(began, d->v.s.answered_us), true);
			return true;
		}
	}
	return err_set(
		err, ERR_TIMEOUT, "a click on %s showed nothing within %d s", id, CLICK_MS / 1000);
}

/* ---- desktops ---- */

static bool end_of(struct bench_sandbox *d, const char *id, struct err *err)
{
	char gone[40];
	uint64_t began = now_us();
	snprintf(gone, sizeof(gone), "sandbox=%s gone", id);
	return vm_call(&d->v, err, "sandbox_kill", "{\"sandbox\":\"%s\"}", id) &&
	       (vm_wait_line(&d->v, began, gone, GONE_MS) ||
		       err_set(err, ERR_TIMEOUT, "%s does not end", id));
}

/* args: members of sandbox_create's, or "". */
static bool create(struct bench_sandbox *d, const char *args, vm_id_text ret_id, struct err *err)
{
	return vm_call(&d->v, err, "sandbox_create", "{%s}", args) &&
	       (vm_ids(&d->v, (vm_id_text *)ret_id, 1) == 1 ||
		       err_set(err, ERR_HOST, "sandbox_create names no sandbox"));
}

static bool open_desk(struct vm_bench *b, struct bench_sandbox *d, const char *option,
	const char *value, struct err *err)
{
	*d = (struct bench_sandbox){ 0 };
	return vm_serve(b, &d->v, option, value, err) && create(d, "", d->id, err) &&
	       usleep(QUIET_US) == 0 && take(&d->v, d->id, &d->shown, err);
}

/* With the probe on it, in its first colour, and nothing moving any more. */
static bool open_probe(struct vm_bench *b, struct bench_sandbox *d, struct err *err)
{
	int x = PROBE_X + PROBE_WIDTH / 2, y = PROBE_Y + PROBE_HEIGHT / 2;
	if (!open_desk(b, d, NULL, NULL, err) ||
		!carry_probe(&d->v.s, b->options.build, d->id, err) ||
		!vm_call(&d->v, err, "run_command",
			"{\"sandbox\":\"%s\",\"command\":\"printf '#!/bin/sh\\\\nexec "
			"/home/user/bench-probe paint /home/user/probe.txt\\\\n' > probe.sh; chmod "
			"+x probe.sh\"}",
			d->id) ||
		!vm_call(&d->v, err, "launch",
			"{\"sandbox\":\"%s\",\"application\":\"/home/user/probe.sh\"}", d->id)) {
		return false;
	}
	d->probe = true;
	for (int i = 0; i < 50; i++) {
		usleep(200000);
		if (!take(&d->v, d->id, &d->shown, err)) {
			return false;
		}
		if (i > 4 && picture_is(&d->shown, x, y, probe_colours[0])) {
			return true;
		}
	}
	return err_set(err, ERR_TIMEOUT, "the probe's window does not show");
}

/* ---- plain QEMU ---- */

static bool plain_ready(struct vm_bench *b)
{
	double ms;
	if (b->no_peer.kind || b->plain.ready) {
		return !b->no_peer.kind;
	}
	if (!vm_plain_start(&b->plain, &b->peer, NULL, &b->no_peer)) {
		return false;
	}
	vm_add_peer(b, BOOT_AGENT, b->plain.agent_ms);
	vm_add_peer(b, BOOT_READY, b->plain.ready_ms);
	return vm_plain_save(&b->plain, b->plain_state, &ms, &b->no_peer);
}

/* A start from a saved state until its picture is in hand; agent may be FIGURES: not wanted. */
static void plain_load(struct vm_bench *b, const char *state, enum figure agent, enum figure frame,
	double before_ms)
{
	struct vm_plain m = { .monitor = -1 };
	auto_picture struct picture now = { 0 };
	if (plain_ready(b) && vm_plain_start(&m, &b->peer, state, &b->no_peer) &&
		vm_plain_look(&m, &b->peer, &now, &b->no_peer)) {
		if (agent != FIGURES) {
			vm_add_peer(b, agent, before_ms + m.agent_ms);
		}
		vm_add_peer(b, frame, before_ms + since(m.began_us, now_us()));
	}
	vm_plain_stop(&m);
}

/* Its state is written; ret: how long it was stopped for it. */
static bool plain_save(struct vm_bench *b, enum figure f, double *ret_ms, const char *file)
{
	if (!plain_ready(b) || !vm_plain_save(&b->plain, file, ret_ms, &b->no_peer)) {
		return false;
	}
	vm_add_peer(b, f, *ret_ms);
	return true;
}

/* ---- cold boot ---- */

static bool forget_templates(struct vm_bench *b, struct err *err)
{
	char path[600];
	snprintf(path, sizeof(path), "%s/templates", b->dir);
	const char *const argv[] = { "rm", "-rf", path, NULL };
	return peer_run(argv, err) >= 0;
}

static bool boot_once(struct vm_bench *b, const struct picture *shown, struct err *err)
{
	auto_bench_sandbox struct bench_sandbox d = { 0 };
	char maker[ID_LEN + 1], line[300];
	if (!forget_templates(b, err) || !vm_serve(b, &d.v, NULL, NULL, err)) {
		return false;
	}
	uint64_t began = now_us();
	if (!create(&d, "", d.id, err)) {
		return false;
	}
	const char *made = vm_saw(&d.v, began, "", MAKER, line, sizeof(line))
				   ? strstr(line, MAKER) + strlen(MAKER)
				   : "?";
	snprintf(maker, sizeof(maker), "%s", made);
	vm_add(b, BOOT_STARTED, since(began, vm_saw(&d.v, began, maker, "pid=", NULL, 0)));
	vm_add(b, BOOT_AGENT, since(began, vm_saw(&d.v, began, maker, CONNECTED, NULL, 0)));
	vm_add(b, BOOT_READY, since(began, vm_saw(&d.v, began, maker, "ready ms=", NULL, 0)));
	d.shown = *shown;
	bool ok = first_frame(b, &d, d.id, began, BOOT_HAND, err) &&
		  first_click(b, &d, d.id, began, BOOT_CLICK, err);
	d.shown.rgb = NULL;
	return ok;
}

static bool run_boot(struct vm_bench *b, struct err *err)
{
	auto_bench_sandbox struct bench_sandbox well = { 0 };
	if (!open_desk(b, &well, NULL, NULL, err)) {
		return false;
	}
	vm_server_stop(&well.v);
	for (size_t i = 0; i < vm_count(b, 5, 1); i++) {
		if (!boot_once(b, &well.shown, err)) {
			return false;
		}
	}
	for (size_t i = 0; i < vm_count(b, 3, 1); i++) {
		vm_plain_stop(&b->plain);
		(void)!plain_ready(b);
	}
	return true;
}

/* ---- a new one: from a template, from the pool, of namespaces ---- */

struct stages {
	enum figure running, agent, frame, click; /* FIGURES: is not told */
};

static void told(struct vm_bench *b, struct bench_sandbox *d, const char *id, uint64_t began,
	const struct stages *at)
{
	if (at->running != FIGURES) {
		vm_add(b, at->running,
			since(began, vm_saw(&d->v, began, id, "loaded in", NULL, 0)));
	}
	if (at->agent != FIGURES) {
		vm_add(b, at->agent, since(began, vm_saw(&d->v, began, id, CONNECTED, NULL, 0)));
	}
}

static bool new_one(
	struct vm_bench *b, struct bench_sandbox *d, const struct stages *at, struct err *err)
{
	vm_id_text id;
	uint64_t began = now_us();
	if (!create(d, "", id, err)) {
		return false;
	}
	if (at->frame == POOL_FRAME) {
		vm_add(b, POOL_ANSWER, since(began, d->v.s.answered_us));
	}
	if (!first_frame(b, d, id, began, at->frame, err) ||
		!first_click(b, d, id, began, at->click, err)) {
		return false;
	}
	told(b, d, id, began, at);
	return end_of(d, id, err);
}

static bool run_clone(struct vm_bench *b, struct err *err)
{
	static const struct stages at = { CLONE_RUNNING, CLONE_AGENT, CLONE_FRAME, CLONE_CLICK };
	auto_bench_sandbox struct bench_sandbox d = { 0 };
	if (!open_desk(b, &d, NULL, NULL, err)) {
		return false;
	}
	size_t n = vm_count(b, 30, 6), peers = vm_count(b, 8, 2);
	for (size_t i = 0; i < n; i++) {
		if (!new_one(b, &d, &at, err)) {
			return false;
		}
		if ((i + 1) * peers / n > i * peers / n) {
			plain_load(b, b->plain_state, CLONE_AGENT, CLONE_FRAME, 0);
		}
	}
	return true;
}

static bool run_spaces(struct vm_bench *b, struct err *err)
{
	static const struct stages at = { FIGURES, SPACES_AGENT, SPACES_FRAME, SPACES_CLICK };
	static const char *const more[] = { "--max-sandboxes", "20", NULL };
	auto_bench_sandbox struct bench_sandbox d = { 0 };
	char script[4096];
	snprintf(script, sizeof(script), "%s/tests/bench/peer_desktop.sh", b->options.source);
	const char *const peer[] = { "sh", script, b->dir, NULL };
	struct err *missing = &b->outcomes[SPACES_FRAME].peer_failed;
	bool has_peer = peer_has("Xvfb", missing) && peer_has("scrot", missing);
	if (!vm_server_start(&d.v, b->options.build, "namespace", more, err) ||
		!create(&d, "", d.id, err) || usleep(QUIET_US) ||
		!take(&d.v, d.id, &d.shown, err)) {
		return false;
	}
	for (size_t i = 0; i < vm_count(b, 20, 5); i++) {
		struct session s = { 0 };
		if (!new_one(b, &d, &at, err)) {
			return false;
		}
		if (has_peer && session_start(&s, peer, missing) &&
			session_ask(&s, "desktop", "{}", missing)) {
			vm_add_peer(b, SPACES_FRAME, session_ms(&s));
		}
		session_stop(&s);
	}
	return true;
}

static bool run_pool(struct vm_bench *b, struct err *err)
{
	static const struct stages at = { FIGURES, FIGURES, POOL_FRAME, POOL_CLICK };
	auto_bench_sandbox struct bench_sandbox d = { 0 };
	uint64_t before = now_us();
	if (!open_desk(b, &d, "--warm", "1", err)) {
		return false;
	}
	for (size_t i = 0; i < vm_count(b, 15, 4); i++) {
		if (!vm_wait_line(&d.v, before, POOLED, 60000)) {
			return err_set(err, ERR_TIMEOUT, "the pool is not filled again");
		}
		usleep(500000);
		before = now_us();
		if (!new_one(b, &d, &at, err)) {
			return false;
		}
	}
	return true;
}

/* ---- fork ---- */

static bool fork_once(struct vm_bench *b, struct bench_sandbox *d, struct err *err)
{
	static const struct stages at = { FORK_RUNNING, FORK_AGENT, FORK_FRAME, FORK_CLICK };
	vm_id_text ids[2];
	uint64_t began = now_us();
	if (!vm_call(&d->v, err, "sandbox_fork", "{\"sandbox\":\"%s\"}", d->id) ||
		vm_ids(&d->v, ids, 2) != 2) {
		return err_while(err, "fork");
	}
	if (!first_frame(b, d, ids[1], began, at.frame, err) ||
		!first_click(b, d, ids[1], began, at.click, err)) {
		return false;
	}
	vm_add(b, FORK_STOPPED, vm_told(&d->v, began, d->id, "stopped for "));
	told(b, d, ids[1], began, &at);
	return end_of(d, ids[1], err);
}

static bool run_fork(struct vm_bench *b, struct err *err)
{
	auto_bench_sandbox struct bench_sandbox d = { 0 };
	char file[700];
	double ms;
	snprintf(file, sizeof(file), "%s/plain.fork", b->dir);
	if (!open_probe(b, &d, err)) {
		return false;
	}
	size_t n = vm_count(b, 20, 5), peers = vm_count(b, 5, 2);
	for (size_t i = 0; i < n; i++) {
		if (!fork_once(b, &d, err)) {
			return false;
		}
		if ((i + 1) * peers / n > i * peers / n && plain_save(b, FORK_STOPPED, &ms, file)) {
			plain_load(b, file, FIGURES, FORK_FRAME, ms);
		}
	}
	return true;
}

/* All children at once: when each is ready (its frame was captured inside), and when the client has
 * the last one's picture. */
static bool fork_many(struct vm_bench *b, struct bench_sandbox *d, size_t count,
	enum figure stopped, struct err *err)
{
	vm_id_text ids[FORKS_MAX + 1];
	bool right = true;
	uint64_t began = now_us();
	if (!vm_call(&d->v, err, "sandbox_fork", "{\"sandbox\":\"%s\",\"count\":%zu}", d->id,
		    count) ||
		vm_ids(&d->v, ids, count + 1) != count + 1) {
		return err_while(err, "fork into %zu", count);
	}
	for (size_t i = 1; i <= count; i++) {
		auto_picture struct picture now = { 0 };
		if (!take(&d->v, ids[i], &now, err)) {
			return false;
		}
		bool same = picture_alike(&d->shown, &now);
		uint64_t ready = vm_saw(&d->v, began, ids[i], "ready ms=", NULL, 0);
		vm_add_checked(b, stopped + 1, since(began, ready), same);
		right = right && same;
	}
	vm_add_checked(b, stopped + 2, since(began, d->v.s.answered_us), right);
	vm_add(b, stopped, vm_told(&d->v, began, d->id, "stopped for "));
	for (size_t i = 1; i <= count; i++) {
		if (!end_of(d, ids[i], err)) {
			return false;
		}
	}
	return true;
}

static bool run_many(struct vm_bench *b, size_t count, size_t n, enum figure first, struct err *err)
{
	auto_bench_sandbox struct bench_sandbox d = { 0 };
	bool ok = open_probe(b, &d, err);
	for (size_t i = 0; ok && i < n; i++) {
		ok = fork_many(b, &d, count, first, err);
	}
	return ok;
}

static bool run_fork_10(struct vm_bench *b, struct err *err)
{
	return run_many(b, 10, vm_count(b, 5, 1), FORK10_STOPPED, err);
}

static bool run_fork_25(struct vm_bench *b, struct err *err)
{
	return run_many(b, 25, vm_count(b, 3, 1), FORK25_STOPPED, err);
}

/* ---- snapshot and rollback ---- */

static bool snapshot_once(struct vm_bench *b, struct bench_sandbox *d, struct err *err)
{
	uint64_t began = now_us();
	if (!vm_call(&d->v, err, "sandbox_snapshot", "{\"sandbox\":\"%s\",\"name\":\"bench\"}",
		    d->id)) {
		return false;
	}
	vm_add(b, SNAPSHOT_CALL, since(began, d->v.s.answered_us));
	vm_add(b, SNAPSHOT_STOPPED, vm_told(&d->v, began, d->id, "stopped for "));
	/* It changes, so that going back means something. */
	if (!vm_call(&d->v, err, "left_click", "{\"sandbox\":\"%s\",\"coordinate\":[%d,%d]}", d->id,
		    PROBE_X + 100, PROBE_Y + 100)) {
		return false;
	}
	began = now_us();
	if (!vm_call(&d->v, err, "sandbox_rollback", "{\"sandbox\":\"%s\",\"snapshot\":\"bench\"}",
		    d->id)) {
		return false;
	}
	return first_frame(b, d, d->id, began, ROLLBACK_FRAME, err) &&
	       first_click(b, d, d->id, began, ROLLBACK_CLICK, err) &&
	       vm_call(&d->v, err, "sandbox_rollback",
		       "{\"sandbox\":\"%s\",\"snapshot\":\"bench\"}", d->id) &&
	       vm_call(&d->v, err, "snapshot_delete", "{\"snapshot\":\"bench\"}");
}

static bool run_snapshot(struct vm_bench *b, struct err *err)
{
	auto_bench_sandbox struct bench_sandbox d = { 0 };
	char file[700];
	double ms;
	snprintf(file, sizeof(file), "%s/plain.snapshot", b->dir);
	if (!open_probe(b, &d, err)) {
		return false;
	}
	size_t n = vm_count(b, 20, 5), peers = vm_count(b, 5, 2);
	for (size_t i = 0; i < n; i++) {
		if (!snapshot_once(b, &d, err)) {
			return false;
		}
		if ((i + 1) * peers / n > i * peers / n &&
			plain_save(b, SNAPSHOT_STOPPED, &ms, file)) {
			vm_add_peer(b, SNAPSHOT_CALL, ms);
			plain_load(b, file, FIGURES, ROLLBACK_FRAME, 0);
		}
	}
	return true;
}

/* ---- pause and resume ---- */

static bool pause_once(struct vm_bench *b, struct bench_sandbox *d, struct err *err)
{
	static const struct stages at = { RESUME_RUNNING, FIGURES, RESUME_FRAME, RESUME_CLICK };
	vm_id_text ids[2];
	/* On a copy, so that the click's window is in its first colour each time. */
	if (!vm_call(&d->v, err, "sandbox_fork", "{\"sandbox\":\"%s\"}", d->id) ||
		vm_ids(&d->v, ids, 2) != 2) {
		return err_while(err, "fork");
	}
	uint64_t began = now_us();
	if (!vm_call(&d->v, err, "sandbox_pause", "{\"sandbox\":\"%s\"}", ids[1])) {
		return false;
	}
	vm_add(b, PAUSE_CALL, since(began, d->v.s.answered_us));
	began = now_us();
	if (!vm_call(&d->v, err, "sandbox_resume", "{\"sandbox\":\"%s\"}", ids[1]) ||
		!first_frame(b, d, ids[1], began, at.frame, err) ||
		!first_click(b, d, ids[1], began, at.click, err)) {
		return false;
	}
	told(b, d, ids[1], began, &at);
	return end_of(d, ids[1], err);
}

static bool run_pause(struct vm_bench *b, struct err *err)
{
	auto_bench_sandbox struct bench_sandbox d = { 0 };
	char file[700];
	double ms;
	snprintf(file, sizeof(file), "%s/plain.pause", b->dir);
	if (!open_probe(b, &d, err)) {
		return false;
	}
	size_t n = vm_count(b, 20, 5), peers = vm_count(b, 5, 2);
	for (size_t i = 0; i < n; i++) {
		if (!pause_once(b, &d, err)) {
			return false;
		}
		if ((i + 1) * peers / n > i * peers / n && plain_save(b, PAUSE_CALL, &ms, file)) {
			plain_load(b, file, FIGURES, RESUME_FRAME, 0);
		}
	}
	return true;
}

/* ---- the table ---- */

const struct experiment vm_experiments[] = {
	{ "boot", BOOT_STARTED, BOOT_CLICK, run_boot },
	{ "clone", CLONE_RUNNING, CLONE_CLICK, run_clone },
	{ "namespace", SPACES_AGENT, SPACES_CLICK, run_spaces },
	{ "pool", POOL_ANSWER, POOL_CLICK, run_pool },
	{ "fork", FORK_STOPPED, FORK_CLICK, run_fork },
	{ "fork-10", FORK10_STOPPED, FORK10_ALL, run_fork_10 },
	{ "fork-25", FORK25_STOPPED, FORK25_ALL, run_fork_25 },
	{ "snapshot", SNAPSHOT_STOPPED, ROLLBACK_CLICK, run_snapshot },
	{ "pause", PAUSE_CALL, RESUME_CLICK, run_pause },
	{ "memory", MEMORY_GUEST, MEMORY_SLOPE, vm_measure_memory },
	{ "memory-program", PROGRAM_GUEST, PROGRAM_SLOPE, vm_measure_program },
	{ 0 },
};
