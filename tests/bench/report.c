/* What came out: a table for people, JSON for comparing. */
#include "base/cleanup.h"
#include "tests/bench/bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static void cpu_model(char *ret, size_t size)
{
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "re");
	snprintf(ret, size, "unknown processor");
	while (file && fgets(line, sizeof(line), file)) {
		char *colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) == 0 && colon) {
			snprintf(ret, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
			break;
		}
	}
	if (file) {
		fclose(file);
	}
}

json_t *report_host(const char *backend)
{
	struct utsname os;
	char cpu[128];
	uname(&os);
	cpu_model(cpu, sizeof(cpu));
	return must(json_pack("{ss, si, ss, ss, ss}", "processor", cpu, "cores",
		(int)sysconf(_SC_NPROCESSORS_ONLN), "kernel", os.release, "backend", backend,
		"screen", "1280x800"));
}

void report_machine(const struct bench *b)
{
	json_auto_t *m = report_host("namespace");
	printf("vitrine %s, backend %s, screen %s; %s, %d cores, Linux %s\n", VITRINE_VERSION,
		json_string_value(json_object_get(m, "backend")),
		json_string_value(json_object_get(m, "screen")),
		json_string_value(json_object_get(m, "processor")),
		(int)json_integer_value(json_object_get(m, "cores")),
		json_string_value(json_object_get(m, "kernel")));
	if (!b->peer.display[0]) {
		printf("No peers' desktop: %s\n", b->peer.why.text);
	}
	printf("Milliseconds, samples of ours and the peer's in turns.  right: how many results "
	       "were checked and correct.\n\n");
}

#define NAME_WIDTH 52

void report_header(void)
{
	printf("%-*s %9s %9s %5s %8s   %-30s %9s %9s %4s %8s %8s   %8s %s\n", NAME_WIDTH, "what",
		"p50", "p95", "n", "right", "the peer's way", "p50", "p95", "n", "right", "ratio",
		"budget", "met");
}

static void print_number(double value)
{
	printf(" %9.*f", value < 1 ? 3 : value < 100 ? 2 : 0, value);
}

static void print_samples(struct samples *s, int n_width)
{
	char right[24] = "-";
	if (s->checked) {
		snprintf(right, sizeof(right), "%zu/%zu", s->right, s->checked);
	}
	print_number(samples_percentile(s, 50));
	print_number(samples_percentile(s, 95));
	printf(" %*zu %8s", n_width, s->n, right);
}

static double ratio(struct outcome *o)
{
	double ours = samples_percentile(&o->ours, 50);
	return o->peer.n && ours > 0 ? samples_percentile(&o->peer, 50) / ours : 0;
}

static const char *verdict(struct outcome *o)
{
	if (o->budget == 0) {
		return "";
	}
	return samples_percentile(&o->ours, 50) <= o->budget && o->ours.right == o->ours.checked
		       ? "yes"
		       : "NO";
}

void report_row(struct outcome *o)
{
	printf("%-*s", NAME_WIDTH, o->row->title);
	if (o->failed.kind) {
		printf("   failed: %s\n", o->failed.text);
		return;
	}
	print_samples(&o->ours, 5);
	printf("   %-30s", o->row->peer_way ? o->row->peer_way : "-");
	if (o->peer.n) {
		print_samples(&o->peer, 4);
		printf(" %7.1fx", ratio(o));
	} else {
		printf(" %9s %9s %4s %8s %8s", "-", "-", "-", "-", "-");
	}
	if (o->budget > 0) {
		printf("   %8.1f %s", o->budget, verdict(o));
	}
	printf("%s%s\n", o->peer_failed.kind ? "   peer: " : "",
		o->peer_failed.kind ? o->peer_failed.text : "");
	fflush(stdout);
}

static double rounded(double value)
{
	return round(value * 1000) / 1000;
}

static json_t *samples_json(struct samples *s)
{
	return must(json_pack("{sf, sf, sI, sI, sI}", "p50", rounded(samples_percentile(s, 50)),
		"p95", rounded(samples_percentile(s, 95)), "n", (json_int_t)s->n, "checked",
		(json_int_t)s->checked, "right", (json_int_t)s->right));
}

static json_t *outcome_json(struct outcome *o)
{
	json_t *row = must(json_pack(
		"{ss, ss, ss}", "name", o->row->name, "what", o->row->title, "unit", o->row->unit));
	if (o->failed.kind) {
		json_object_set_new(row, "failed", must(json_string(o->failed.text)));
		return row;
	}
	json_object_set_new(row, "ours", samples_json(&o->ours));
	if (o->peer.n) {
		json_t *peer = samples_json(&o->peer);
		json_object_set_new(peer, "way", must(json_string(o->row->peer_way)));
		json_object_set_new(row, "peer", peer);
		json_object_set_new(row, "ratio", must(json_real(rounded(ratio(o)))));
	}
	if (o->budget > 0) {
		json_object_set_new(row, "budget", must(json_real(rounded(o->budget))));
		json_object_set_new(row, "met", json_boolean(verdict(o)[0] == 'y'));
	}
	return row;
}

json_t *report_rows(struct outcome *outcomes, size_t n)
{
	json_t *rows = must(json_array());
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(rows, outcome_json(&outcomes[i]));
	}
	return rows;
}

bool report_json(const char *path, struct outcome *outcomes, size_t n, struct err *err)
{
	json_auto_t *rows = report_rows(outcomes, n);
	json_auto_t *report = must(json_pack("{ss, sI, so, sO}", "version", VITRINE_VERSION, "time",
		(json_int_t)time(NULL), "machine", report_host("namespace"), "rows", rows));
	return json_dump_file(report, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0 ||
	       err_errno(err, "cannot write %s", path);
}
