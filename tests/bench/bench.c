/*
 * The bench: measures what the budgets name, from a client's side, and in the same run what others
 * do for the same things.  Samples of both are taken in turns, so that whatever else the machine
 * does falls on both.
 *
 *   bench --build DIR --source DIR [--quick] [--row NAME] [--json FILE]
 */
#include "tests/bench/bench.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "tests/bench/options.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

/* Carries the probe into the sandbox, the way a client can: through a command. */
static bool carry_probe(struct bench *b, struct err *err)
{
	char path[4096];
	struct stat info;
	snprintf(path, sizeof(path), "%s/bench-probe", b->build);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &info)) {
		return err_errno(err, "cannot read %s", path);
	}
	auto_free char *bytes = must(malloc(info.st_size));
	if (read(fd, bytes, info.st_size) != info.st_size) {
		return err_errno(err, "cannot read %s", path);
	}
	size_t len;
	auto_free char *text = base64_encode(bytes, info.st_size, &len);
	auto_buf struct buf command = { 0 };
	buf_append(&command, "base64 -d > bench-probe << END\n", 31);
	for (size_t at = 0; at < len; at += 76) {
		buf_append(&command, text + at, len - at < 76 ? len - at : 76);
		buf_append(&command, "\n", 1);
	}
	buf_append(&command, "END\nchmod +x bench-probe", 24);
	return session_shell(&b->desk, buf_text(&command), err);
}

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
	const char *const argv[] = { program, "serve", "--backend", "namespace", NULL };
	return session_start(&b->desk, argv, err) && session_open(&b->desk, err) &&
	       session_call(&b->desk, "screenshot", "{}", err) && carry_probe(b, err);
}

static void end(struct bench *b)
{
	static const char *const files[] = { "shot.jpg", "probe.txt", "first.jpg" };
	session_stop(&b->desk);
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
