/*
 * The bench: measures what the budgets name, from a client's side, and in the same run what others
 * do for the same things.  Samples of both are taken in turns, so that whatever else the machine
 * does falls on both.
 *
 *   bench --build DIR --source DIR [--quick] [--row NAME] [--json FILE]
 */
#include "tests/bench/bench.h"
#include "base/cleanup.h"
#include "tests/bench/carry.h"
#include "tests/bench/options.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define WARM_UP 3
#define ROWS_MAX 32

/* ---- one row ---- */

static bool take(struct bench *b, sample_fn *fn, struct samples *into, struct err *err)
{
	struct sample sample = { 0 };
	if (!fn(b, &sample, err)) {
		return false;
	}
	if (!b->warming) {
		samples_add(into, sample.value);
		into->checked += sample.checked;
		into->right += sample.checked && sample.right;
	}
	return true;
}

static size_t count(size_t n, bool quick)
{
	return quick && n > 2 ? (n / 5 > 2 ? n / 5 : 2) : n;
}

/* Takes n of ours and peer_n of the peer's, spread evenly over the run. */
static bool take_all(struct bench *b, struct outcome *o, size_t n, size_t peer_n)
{
	size_t peers_taken = 0;
	for (size_t i = 0; i < n; i++) {
		if (!take(b, o->row->ours, &o->ours, &o->failed)) {
			return false;
		}
		while (peers_taken < (i + 1) * peer_n / n && !o->peer_failed.kind) {
			peers_taken++;
			(void)take(b, o->row->peer, &o->peer, &o->peer_failed);
		}
	}
	return true;
}

static void run_row(struct bench *b, const struct row *row, bool quick, struct outcome *o)
{
	*o = (struct outcome){ .row = row };
	if (row->peer && !b->peer.display[0]) {
		o->peer_failed = b->peer.why;
	}
	size_t n = count(row->n, quick), peer_n = row->peer ? count(row->peer_n, quick) : 0;
	if (!row->begin || row->begin(b, &o->failed)) {
		/* A row that takes seconds a sample is not warmed up: it has nothing to gain. */
		b->warming = true;
		bool ok =
			take_all(b, o, row->n < WARM_UP ? 1 : WARM_UP, peer_n >= 10 ? WARM_UP : 0);
		b->warming = false;
		b->repaint.n = 0;
		ok = ok && take_all(b, o, n, peer_n);
	}
	o->budget = row->budget > 0 ? row->budget + (row->allowance ? row->allowance(b) : 0) : 0;
	if (row->end) {
		row->end(b);
	}
}

/* ---- the whole ---- */

static bool begin(struct bench *b, const struct bench_options *options, struct err *err)
{
	char program[4096];
	b->build = options->build;
	b->source = options->source;
	snprintf(b->dir, sizeof(b->dir), "/tmp/vitrine-bench-XXXXXX");
	if (!mkdtemp(b->dir)) {
		return err_errno(err, "cannot make a scratch folder");
	}
	peer_start(&b->peer, b->dir);
	snprintf(program, sizeof(program), "%s/vitrine", b->build);
	const char *const argv[] = { program, "serve", "--backend", "namespace", "--tools", "all",
		NULL };
	return session_start(&b->session, argv, err) && session_open(&b->session, err) &&
	       session_call(&b->session, "screenshot", "{}", err) &&
	       carry_probe(&b->session, b->build, NULL, err);
}

static void end(struct bench *b)
{
	static const char *const files[] = { "shot.jpg", "probe.txt", "first.jpg" };
	session_stop(&b->session);
	peer_stop(&b->peer);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", b->dir, files[i]);
		unlink(path);
	}
	rmdir(b->dir);
}

int main(int argc, char **argv)
{
	static struct bench b;
	static struct outcome outcomes[ROWS_MAX];
	struct bench_options options;
	struct err err = { 0 };
	size_t n = 0;
	if (!bench_options_parse(argc, argv, "bench", &options)) {
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	bool ok = begin(&b, &options, &err);
	if (ok) {
		report_machine(&b);
		report_header();
	}
	for (const struct row *row = bench_rows; ok && row->name; row++) {
		if (!options.row || strcmp(options.row, row->name) == 0) {
			run_row(&b, row, options.quick, &outcomes[n]);
			report_row(&outcomes[n++]);
		}
	}
	end(&b);
	ok = ok && (!options.json || report_json(options.json, outcomes, n, &err));
	if (!ok) {
		fprintf(stderr, "bench: %s\n", err.text);
	}
	return ok ? 0 : 1;
}
