/*
 * The table of metrics.  Each row is a sample, or a family of samples that its function writes.
 * Label values come from fixed sets only (tools, outcomes, states, reasons), so clients cannot
 * increase their number.
 */
#include "server/metrics/metrics.h"

#include "base/cleanup.h"

#include <string.h>

#define BOUNDS_MAX 15

/* Upper bounds of a histogram's buckets, in seconds. */
struct scale {
	size_t n;
	double bounds[BOUNDS_MAX];
};
static const struct scale call_scale = { 14,
	{ .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60 } };
static const struct scale start_scale = { 11, { .05, .1, .15, .25, .35, .5, .75, 1, 2.5, 10, 30 } };
static const struct scale link_scale = { 12,
	{ .00005, .0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, 1 } };

struct histogram {
	uint64_t counts[BOUNDS_MAX + 1]; /* the last one: above all bounds */
	uint64_t total_us;
};

#define OUTCOMES (ERR_HOST + 1) /* 0 is success, the others are enum err_kind */

struct tool_counts {
	const struct tool *tool;
	uint64_t outcomes[OUTCOMES];
	struct histogram seconds;
};

struct metrics {
	struct listener follows;
	struct histogram starts, pings;
	uint64_t failed_starts;
	uint64_t viewers, viewed_in, viewed_out;
	size_t n_tools;
	struct tool_counts tools[];
};

struct metrics *metrics_new(const struct tool_set *tools)
{
	size_t n = 0;
	while (tool_at(tools, n)) {
		n++;
	}
	struct metrics *metrics =
		must(calloc(1, sizeof(*metrics) + n * sizeof(struct tool_counts)));
	for (metrics->n_tools = 0; metrics->n_tools < n; metrics->n_tools++) {
		metrics->tools[metrics->n_tools].tool = tool_at(tools, metrics->n_tools);
	}
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (metrics) {
		listener_remove(&metrics->follows);
		free(metrics);
	}
}

/* ---- counting ---- */

static void add_time(struct histogram *histogram, const struct scale *scale, uint64_t took_us)
{
	size_t i = 0;
	while (i < scale->n && (double)took_us / 1e6 > scale->bounds[i]) {
		i++;
	}
	histogram->counts[i]++;
	histogram->total_us += took_us;
}

static void on_call(const struct activity_record *record, void *data)
{
	struct metrics *metrics = data;
	size_t outcome = record->why ? record->why->kind : 0;
	for (size_t i = 0; i < metrics->n_tools; i++) {
		if (metrics->tools[i].tool == record->tool && outcome < OUTCOMES) {
			metrics->tools[i].outcomes[outcome]++;
			add_time(&metrics->tools[i].seconds, &call_scale, record->took_us);
		}
	}
}

void metrics_follow(struct metrics *metrics, struct activity *activity)
{
	static const struct activity_fns fns = { .call = on_call };
	listener_add(&activity->calls, &metrics->follows, &fns, metrics);
}

void metrics_count_start(struct metrics *metrics, uint64_t took_us, bool up)
{
	if (up) {
		add_time(&metrics->starts, &start_scale, took_us);
	} else {
		metrics->failed_starts++;
	}
}

void metrics_count_ping(struct metrics *metrics, uint64_t took_us)
{
	add_time(&metrics->pings, &link_scale, took_us);
}

void metrics_count_viewer(struct metrics *metrics, bool came)
{
	metrics->viewers += came ? 1 : UINT64_MAX;
}

void metrics_count_viewed(struct metrics *metrics, uint64_t in, uint64_t out)
{
	metrics->viewed_in += in;
	metrics->viewed_out += out;
}

/* ---- writing ---- */

struct source {
	const struct metrics *metrics;
	const struct metrics_now *now;
};

struct row {
	const char *name, *type, *help; /* help NULL: another sample of the row above */
	void (*write)(const struct row *row, const struct source *from, struct buf *out);
	size_t at;                 /* offset in the struct that its function reads */
	const char *label, *value; /* NULL: none */
	const struct scale *scale;
};

static void put_label(struct buf *out, const char *label, const char *value)
{
	buf_printf(out, "%s=\"", label);
	for (; *value; value++) {
		const char *escape = *value == '\n'                    ? "\\n"
				     : *value == '"' || *value == '\\' ? "\\"
								       : "";
		buf_printf(out, "%s", escape);
		if (*value != '\n') {
			buf_append(out, value, 1);
		}
	}
	buf_printf(out, "\"");
}

static void put_name(const struct row *row, struct buf *out)
{
	buf_printf(out, "%s", row->name);
	if (row->label) {
		buf_printf(out, "{");
		put_label(out, row->label, row->value);
		buf_printf(out, "}");
	}
}

static void write_count(const struct row *row, const struct source *from, struct buf *out)
{
	uint64_t value;
	memcpy(&value, (const char *)from->now + row->at, sizeof(value));
	put_name(row, out);
	buf_printf(out, " %llu\n", (unsigned long long)value);
}

static void write_real(const struct row *row, const struct source *from, struct buf *out)
{
	double value;
	memcpy(&value, (const char *)from->now + row->at, sizeof(value));
	put_name(row, out);
	buf_printf(out, " %.15g\n", value);
}

static void write_build(const struct row *row, const struct source *from, struct buf *out)
{
	(void)from;
	put_name(row, out);
	buf_printf(out, " 1\n");
}

static void write_own(const struct row *row, const struct source *from, struct buf *out)
{
	uint64_t value;
	memcpy(&value, (const char *)from->metrics + row->at, sizeof(value));
	put_name(row, out);
	buf_printf(out, " %llu\n", (unsigned long long)value);
}

/* labels: formatted, with a trailing comma; or "". */
static void put_histogram(const struct row *row, const struct histogram *histogram,
	const char *labels, struct buf *out)
{
	unsigned long long below = 0;
	for (size_t i = 0; i <= row->scale->n; i++) {
		below += histogram->counts[i];
		buf_printf(out, "%s_bucket{%sle=\"", row->name, labels);
		if (i < row->scale->n) {
			buf_printf(out, "%.15g\"} %llu\n", row->scale->bounds[i], below);
		} else {
			buf_printf(out, "+Inf\"} %llu\n", below);
		}
	}
	int len = (int)strlen(labels) - (labels[0] != '\0');
	const char *open = len ? "{" : "", *close = len ? "}" : "";
	buf_printf(out, "%s_sum%s%.*s%s %.15g\n", row->name, open, len, labels, close,
		(double)histogram->total_us / 1e6);
	buf_printf(out, "%s_count%s%.*s%s %llu\n", row->name, open, len, labels, close, below);
}

static void write_histogram(const struct row *row, const struct source *from, struct buf *out)
{
	put_histogram(row, (const void *)((const char *)from->metrics + row->at), "", out);
}

/* Every tool has a success sample, so that the first call counts as an increase. */
static void write_calls(const struct row *row, const struct source *from, struct buf *out)
{
	for (size_t i = 0; i < from->metrics->n_tools; i++) {
		const struct tool_counts *counts = &from->metrics->tools[i];
		for (size_t k = 0; k < OUTCOMES; k++) {
			if (k > 0 && counts->outcomes[k] == 0) {
				continue;
			}
			buf_printf(out, "%s{", row->name);
			put_label(out, "tool", counts->tool->name);
			buf_printf(out, ",");
			put_label(out, "outcome", k ? err_kind_word((enum err_kind)k) : "ok");
			buf_printf(out, "} %llu\n", (unsigned long long)counts->outcomes[k]);
		}
	}
}

/* Only tools that were called, because the others would make up most of the text. */
static void write_call_times(const struct row *row, const struct source *from, struct buf *out)
{
	static const struct histogram none;
	for (size_t i = 0; i < from->metrics->n_tools; i++) {
		const struct tool_counts *counts = &from->metrics->tools[i];
		if (memcmp(&counts->seconds, &none, sizeof(none)) != 0) {
			auto_buf struct buf labels = { 0 };
			put_label(&labels, "tool", counts->tool->name);
			buf_printf(&labels, ",");
			put_histogram(row, &counts->seconds, buf_text(&labels), out);
		}
	}
}

#define NOW(member, type) \
	(offsetof(struct metrics_now, member) + \
		0 * sizeof(char[_Generic(((struct metrics_now *)0)->member, type : 1, default \
					 : -1)]))
#define COUNT(member) write_count, NOW(member, uint64_t)
#define OWN(member) \
	write_own, (offsetof(struct metrics, member) + \
			   0 * sizeof(char[_Generic( \
				       ((struct metrics *)0)->member, uint64_t : 1, default \
				       : -1)]))
#define REAL(member) write_real, NOW(member, double)
#define TIMES(member, scale) write_histogram, offsetof(struct metrics, member), NULL, NULL, scale

/* clang-format off */
static const struct row rows[] = {
	{ "vitrine_build_info", "gauge",
		"Version of the server.", write_build, 0, "version", VITRINE_VERSION },
	{ "vitrine_calls_total", "counter", "Answered tool calls, by outcome.", write_calls },
	{ "vitrine_call_seconds", "histogram",
		"Time from the arrival of a tool call to its response.",
		write_call_times, .scale = &call_scale },
	{ "vitrine_calls_in_flight", "gauge",
		"Tool calls in flight.", COUNT(calls) },
	{ "vitrine_sandboxes", "gauge",
		"Sandboxes, by state.", COUNT(sandboxes[VM_STARTING]), "state", "starting" },
	{ "vitrine_sandboxes", NULL, NULL, COUNT(sandboxes[VM_READY]), "state", "ready" },
	{ "vitrine_sandboxes", NULL, NULL, COUNT(sandboxes[VM_PAUSED]), "state", "paused" },
	{ "vitrine_sandboxes", NULL, NULL, COUNT(sandboxes[VM_STOPPING]), "state", "stopping" },
	{ "vitrine_reserve", "gauge",
		"Warm pool: target and number of ready sandboxes.",
		COUNT(warm_wanted), "count", "wanted" },
	{ "vitrine_reserve", NULL, NULL, COUNT(warm_ready), "count", "ready" },
	{ "vitrine_sandbox_start_seconds", "histogram",
		"Time from the request of a sandbox to its first frame.", TIMES(starts, &start_scale) },
	{ "vitrine_sandbox_start_failures_total", "counter",
		"Sandboxes that ended before they were ready.", OWN(failed_starts) },
	{ "vitrine_viewers", "gauge", "Connected viewers of desktops: pages and VNC clients.", OWN(viewers) },
	{ "vitrine_viewers_bytes_total", "counter",
		"Bytes between viewers and desktops, by direction.", OWN(viewed_in),
		"direction", "in" },
	{ "vitrine_viewers_bytes_total", NULL, NULL, OWN(viewed_out), "direction", "out" },
	{ "vitrine_link_round_trip_seconds", "histogram",
		"Round trip of a ping to a sandbox's agent, including queueing on both ends; "
		"one for each ready sandbox and scrape.",
		TIMES(pings, &link_scale) },
	{ "vitrine_http_requests_total", "counter", "HTTP requests.", COUNT(requests) },
	{ "vitrine_http_rejected_total", "counter",
		"Refused HTTP requests, by reason.",
		COUNT(rejected_auth), "reason", "token" },
	{ "vitrine_http_rejected_total", NULL, NULL, COUNT(rejected_host), "reason", "host" },
	{ "vitrine_http_rejected_total", NULL, NULL, COUNT(rejected_origin), "reason", "origin" },
	{ "vitrine_http_rejected_total", NULL, NULL, COUNT(rejected_size), "reason", "size" },
	{ "vitrine_http_rejected_total", NULL, NULL, COUNT(rejected_busy), "reason", "busy" },
	{ "vitrine_http_rejected_total", NULL, NULL, COUNT(rejected_memory), "reason", "memory" },
	{ "vitrine_http_received_bytes_total", "counter",
		"Bytes of request bodies.", COUNT(bytes_in) },
	{ "vitrine_http_sent_bytes_total", "counter",
		"Bytes of response bodies.", COUNT(bytes_out) },
	{ "vitrine_http_connections", "gauge", "Open HTTP connections.", COUNT(connections) },
	{ "vitrine_http_streams", "gauge", "Open event streams.", COUNT(streams) },
	{ "process_resident_memory_bytes", "gauge",
		"Memory of the server process, without sandboxes.", COUNT(memory) },
	{ "process_open_fds", "gauge", "Open file descriptors.", COUNT(fds) },
	{ "process_cpu_seconds_total", "counter",
		"CPU time of the server process.", REAL(cpu_seconds) },
	{ "process_start_time_seconds", "gauge", "Start time of the server process, since 1970.", REAL(start_time) },
};
/* clang-format on */

void metrics_write(const struct metrics *metrics, const struct metrics_now *now, struct buf *out)
{
	const struct source from = { metrics, now };
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		if (row->help) {
			buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help,
				row->name, row->type);
		}
		row->write(row, &from, out);
	}
}
