#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "tests/bench/peer.h"
#include "tests/bench/samples.h"
#include "tests/bench/session.h"

/* What the rows share: one desktop of ours and one of the peers', each with the probe in it. */
struct bench {
	const char *build, *source;
	char dir[64];           /* scratch, removed at the end */
	struct session session; /* a server whose sandbox is up */
	struct session link;    /* the program bench-link */
	struct peer peer;
	pid_t peer_probe;
	unsigned long long seen[2];   /* hash of the last picture, ours and the peer's */
	char *still;                  /* the last picture of our unchanged screen, as base64 */
	unsigned long long rounds[2]; /* of the probe's reports that were read */
	const char *text;             /* what the typing rows type */
	struct samples repaint;       /* how long the probe took, of its own, to repaint */
	bool warming;
};

/* One measured value; whether what came out of it was looked at, and was right. */
struct sample {
	double value;
	bool checked, right;
};

typedef bool sample_fn(struct bench *b, struct sample *ret, struct err *err);

struct row {
	const char *name, *title, *unit;
	double budget; /* 0: none */
	double (*allowance)(
		struct bench *b); /* added to the budget, known after the run; may be NULL */
	const char *peer_way;     /* NULL: nobody does this */
	size_t n, peer_n;         /* samples; a quick run takes a fifth, at least 2 */
	bool (*begin)(struct bench *b, struct err *err);
	sample_fn *ours, *peer;
	void (*end)(struct bench *b);
};

extern const struct row bench_rows[]; /* ends with a row without a name */

/* What came out of a row. */
struct outcome {
	const struct row *row;
	struct samples ours, peer;
	double budget;
	struct err failed, peer_failed; /* kind ERR_NONE: well */
};

void report_machine(const struct bench *b);
void report_header(void);
void report_row(struct outcome *o);
json_t *report_rows(struct outcome *outcomes, size_t n);
/* Processor, cores, kernel, backend. */
json_t *report_host(const char *backend);
/* Writes all of it as JSON. */
bool report_json(const char *path, struct outcome *outcomes, size_t n, struct err *err) NODISCARD;

#endif
