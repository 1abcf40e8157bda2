/*
 * The bench of microVMs: what a client of `vitrine serve` over stdio waits for, from its request to
 * each of these: QEMU runs, the agent answered, the first correct frame is in its hands, its first
 * click is visible.  The two first are told by the server's log.  In the same run plain QEMU does
 * the same with the same image.
 *
 *   bench-vm --build DIR --source DIR [--state DIR] [--quick] [--row NAME] [--json FILE]
 *
 * NAME is an experiment's: boot, clone, namespace, pool, fork, fork-10, fork-25, snapshot, pause,
 * memory, memory-program.
 */
#include "tests/bench/vm_bench.h"

#include "base/cleanup.h"
#include "tests/bench/peer.h"
#include "tests/bench/report_file.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

size_t vm_count(const struct vm_bench *b, size_t n, size_t quick)
{
	return b->options.quick ? quick : n;
}

void vm_add(struct vm_bench *b, enum figure f, double value)
{
	if (value >= 0) {
		samples_add(&b->outcomes[f].ours, value);
	}
}

void vm_add_checked(struct vm_bench *b, enum figure f, double value, bool right)
{
	vm_add(b, f, value);
	b->outcomes[f].ours.checked++;
	b->outcomes[f].ours.right += right;
}

void vm_add_peer(struct vm_bench *b, enum figure f, double value)
{
	samples_add(&b->outcomes[f].peer, value);
}

bool vm_serve(struct vm_bench *b, struct vm_server *v, const char *option, const char *value,
	struct err *err)
{
	const char *const more[] = { "--image", b->image.id, "--state-dir", b->dir,
		"--max-sandboxes", "60", "--accel", b->kvm ? "kvm" : "tcg", "--start-timeout",
		"120", option, value, NULL };
	return vm_server_start(v, b->options.build, "microvm", more, err);
}

/* ---- a state directory of our own, with links to the image ---- */

static bool make_state(struct vm_bench *b, struct err *err)
{
	char images[600], copies[600];
	snprintf(images, sizeof(images), "%s/images", b->state);
	if (!image_find(images, NULL, &b->image, err)) {
		return false;
	}
	snprintf(b->dir, sizeof(b->dir), "%s.bench-XXXXXX", b->state);
	if (!mkdtemp(b->dir)) {
		b->dir[0] = '\0';
		return err_errno(err, "cannot make a directory beside %s", b->state);
	}
	snprintf(copies, sizeof(copies), "%s/images", b->dir);
	const char *const argv[] = { "cp", "-al", images, copies, NULL };
	return peer_run(argv, err) >= 0;
}

static void remove_state(struct vm_bench *b)
{
	struct err ignored;
	if (b->dir[0]) {
		const char *const argv[] = { "rm", "-rf", b->dir, NULL };
		(void)peer_run(argv, &ignored);
	}
}

/* Which accelerator the server takes here: it says so at its first machine. */
static bool find_accel(struct vm_bench *b, struct err *err)
{
	struct vm_server v;
	const char *const more[] = { "--state-dir", b->dir, "--start-timeout", "120", NULL };
	bool ok = vm_server_start(&v, b->options.build, "microvm", more, err) &&
		  vm_call(&v, err, "sandbox_create", "{}");
	b->kvm = ok && vm_saw(&v, 0, "accel=kvm", "pid=", NULL, 0);
	vm_server_stop(&v);
	return ok;
}

static void make_peer(struct vm_bench *b)
{
	char agent[4096];
	snprintf(agent, sizeof(agent), "%s/vitrine-agent", b->options.build);
	snprintf(b->plain_state, sizeof(b->plain_state), "%s/plain.state", b->dir);
	b->plain.monitor = -1;
	if (peer_has("qemu-system-x86_64", &b->no_peer)) {
		(void)!vm_peer_init(&b->peer, b->dir, agent, &b->image, b->kvm, &b->no_peer);
	}
}

/* ---- the whole ---- */

static bool is_wanted(const struct vm_bench *b, const struct experiment *e)
{
	return !b->options.row || strcmp(b->options.row, e->name) == 0 ||
	       strcmp(b->options.row, "vm") == 0;
}

static void run_one(struct vm_bench *b, const struct experiment *e)
{
	struct err failed = { 0 };
	bool ok = e->run(b, &failed);
	for (enum figure f = e->first; f <= e->last; f++) {
		struct outcome *o = &b->outcomes[f];
		if (!ok && !o->ours.n) {
			o->failed = failed;
		}
		if (o->row->peer_way && !o->peer.n && !o->peer_failed.kind) {
			o->peer_failed = b->no_peer;
		}
		report_row(o);
	}
	if (!ok) {
		fprintf(stderr, "bench-vm: %s: %s\n", e->name, failed.text);
	}
}

static void run_all(struct vm_bench *b)
{
	printf("microVMs, image %s (%lld MiB, %lld processor), %s; milliseconds; the peer is plain "
	       "QEMU with the same image; right: the first frame of all was correct\n",
		b->image.name, (long long)b->image.memory_mib, (long long)b->image.cpus,
		b->kvm ? "KVM" : "software emulation");
	report_header();
	for (const struct experiment *e = vm_experiments; e->name; e++) {
		if (is_wanted(b, e)) {
			run_one(b, e);
		}
	}
}

static bool any_wanted(const struct vm_bench *b)
{
	const struct experiment *e = vm_experiments;
	while (e->name && !is_wanted(b, e)) {
		e++;
	}
	return e->name;
}

static bool begin(struct vm_bench *b, struct err *err)
{
	return peer_has("qemu-system-x86_64", err) && peer_has("bwrap", err) &&
	       (b->state || err_set(err, ERR_NOT_FOUND, "there is no image (--state DIR)")) &&
	       make_state(b, err) && find_accel(b, err);
}

static json_t *rows_of(struct vm_bench *b, const struct err *skipped)
{
	if (skipped->kind) {
		return must(json_pack("[{ss, ss}]", "name", "microvm", "skipped", skipped->text));
	}
	json_t *all = must(json_array()), *row;
	json_auto_t *rows = report_rows(b->outcomes, FIGURES);
	size_t i;
	json_array_foreach(rows, i, row)
	{
		if (b->outcomes[i].ours.n || b->outcomes[i].failed.kind) {
			json_object_set_new(row, "accel", json_string(b->kvm ? "kvm" : "tcg"));
			json_array_append(all, row);
		}
	}
	return all;
}

int main(int argc, char **argv)
{
	static struct vm_bench b;
	struct err err = { 0 }, skipped = { 0 };
	if (!bench_options_parse(argc, argv, "bench-vm", &b.options)) {
		return 2;
	}
	if (!any_wanted(&b)) {
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	b.state = b.options.state;
	if (begin(&b, &skipped)) {
		vm_figures_init(&b);
		make_peer(&b);
		run_all(&b);
	} else {
		printf("microVMs: skipped: %s\n", skipped.text);
	}
	vm_plain_stop(&b.plain);
	vm_peer_done(&b.peer);
	remove_state(&b);
	image_done(&b.image);
	json_auto_t *rows = rows_of(&b, &skipped);
	if (b.options.json && !report_append(b.options.json, rows, &err)) {
		fprintf(stderr, "bench-vm: %s\n", err.text);
		return 1;
	}
	return 0;
}
