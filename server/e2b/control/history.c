/* Metrics and logs of sandboxes.  Each sandbox has two rings; one timer asks all agents. */
#include "server/e2b/control/history.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "server/activity/activity.h"
#include "server/e2b/control/call.h"
#include "vm/guest/ask.h"
#include "vm/wire/messages.h"

#include <stdio.h>
#include <string.h>

#define EVERY_MS 5000
#define SAMPLES_MAX 720 /* an hour */
#define LINES_MAX 500
#define LINE_MAX 300 /* bytes */

struct sample {
	int64_t time; /* s */
	double cpu;   /* percent of one CPU */
	struct msg_usage_answer usage;
};

struct line {
	int64_t time; /* ms */
	bool failed;
	char text[LINE_MAX + 1];
};

/* Of one sandbox. */
struct past {
	TAILQ_ENTRY(past) entry;
	struct e2b_history *history; /* NULL: it was forgotten while its agent is asked */
	char id[ID_LEN + 1];
	enum vm_state state; /* as last told */
	bool asked;
	uint64_t asked_us, last_us; /* of the request in progress, and of the last sample */
	int64_t memory;             /* its limit in bytes, if the agent does not know it; or 0 */
	/* Since the beginning; the rings have the last ones, and grow with their contents. */
	size_t n_samples, n_lines;
	struct sample *samples;
	struct line *lines;
};

struct e2b_history {
	struct e2b *e2b;
	TAILQ_HEAD(, past) all;
	struct listener sandboxes, calls;
	sd_event_source *timer;
};

static struct past *find(const struct e2b_history *history, const char *id)
{
	struct past *past;
	TAILQ_FOREACH(past, &history->all, entry)
	{
		if (strcmp(past->id, id) == 0) {
			break;
		}
	}
	return past;
}

static struct past *past_of(struct e2b_history *history, const struct vm *vm)
{
	struct past *past = find(history, vm_id(vm));
	if (!past) {
		past = must(calloc(1, sizeof(*past)));
		past->history = history;
		past->state = VM_STARTING;
		memcpy(past->id, vm_id(vm), sizeof(past->id));
		TAILQ_INSERT_TAIL(&history->all, past, entry);
	}
	return past;
}

static void past_free(struct past *past)
{
	free(past->samples);
	free(past->lines);
	free(past);
}

static void forget(struct past *past)
{
	TAILQ_REMOVE(&past->history->all, past, entry);
	past->history = NULL;
	if (!past->asked) {
		past_free(past);
	}
}

/* A ring's memory before its n-th element (from 0) is added: doubled until it has max of them. */
static void *make_room(void *ring, size_t n, size_t max, size_t size)
{
	bool is_full = n < max && (n & (n - 1)) == 0; /* 0, 1, 2, 4, ... */
	size_t wanted = n ? 2 * n : 1;
	return is_full ? must(realloc(ring, (wanted < max ? wanted : max) * size)) : ring;
}

/* ---- the log ---- */

static void note(struct past *past, const char *text, bool failed)
{
	past->lines = make_room(past->lines, past->n_lines, LINES_MAX, sizeof(*past->lines));
	struct line *line = &past->lines[past->n_lines++ % LINES_MAX];
	line->time = clock_wall_ms();
	line->failed = failed;
	utf8_copy_line(line->text, sizeof(line->text), text);
}

static void on_state(struct vm *vm, void *data)
{
	static const char *const texts[] = {
		[VM_READY] = "The sandbox runs.",
		[VM_PAUSED] = "The sandbox is paused.",
		[VM_GONE] = NULL,
	};
	struct past *past = past_of(data, vm);
	enum vm_state state = vm_state(vm);
	if (state != past->state && texts[state]) {
		note(past, texts[state], false);
	}
	past->state = state;
}

static void on_notice(struct vm *vm, const char *text, void *data)
{
	note(past_of(data, vm), text, false);
}

static void on_ended(struct vm *vm, const struct err *why, void *data)
{
	struct past *past = find(data, vm_id(vm));
	(void)why;
	if (past) {
		forget(past);
	}
}

static const struct vm_listener vm_listener = {
	.state = on_state,
	.notice = on_notice,
	.ended = on_ended,
};

static void on_call(const struct activity_record *record, void *data)
{
	if (record->vm && vm_state(record->vm) < VM_STOPPING) {
		note(past_of(data, record->vm), record->summary, record->why);
	}
}

static const struct activity_fns activity_fns = { .call = on_call };

/* ---- samples ---- */

static void add_sample(struct past *past, const struct msg_usage_answer *usage)
{
	struct sample sample = { .time = clock_wall_ms() / 1000, .usage = *usage };
	past->samples =
		make_room(past->samples, past->n_samples, SAMPLES_MAX, sizeof(*past->samples));
	if (past->n_samples) {
		const struct sample *before = &past->samples[(past->n_samples - 1) % SAMPLES_MAX];
		double ms = (double)(past->asked_us - past->last_us) / 1000;
		double used = (double)(usage->cpu_ms - before->usage.cpu_ms);
		sample.cpu = ms > 0 && used > 0 ? used / ms * 100 : 0;
	}
	if (past->memory > 0) {
		sample.usage.memory_total = past->memory;
	}
	past->last_us = past->asked_us;
	past->samples[past->n_samples++ % SAMPLES_MAX] = sample;
}

static void on_usage(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct past *past = data;
	(void)tail, (void)tail_len;
	past->asked = false;
	if (!past->history) {
		past_free(past);
	} else if (!err) {
		add_sample(past, answer);
	}
}

/* A namespace sees the memory of its host. */
static bool shares_kernel(const struct vm *vm)
{
	return strcmp(vm_backend_name(vm), "namespace") == 0;
}

static void ask(struct vm *vm, void *data)
{
	const struct msg_usage args = { .processes = shares_kernel(vm) };
	const struct guest_question question = {
		.message = &message_usage,
		.args = &args,
		.is_aside = true,
	};
	struct past *past = vm_spec(vm)->api ? past_of(data, vm) : NULL;
	if (past && vm_state(vm) == VM_READY && !past->asked) {
		past->asked = true;
		past->memory = shares_kernel(vm) ? vm_spec(vm)->limits.memory_mib << 20 : 0;
		past->asked_us = loop_now_us();
		guest_ask(vm_guest(vm), &question, on_usage, past);
	}
}

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
	struct e2b_history *history = data;
	(void)source, (void)usec;
	vm_pool_each(history->e2b->vms, ask, history);
	loop_drop(&history->timer);
	history->timer = loop_after_ms(history->e2b->event, EVERY_MS, on_time, history);
	return 0;
}

/* ---- life ---- */

struct e2b_history *e2b_history_new(struct e2b *e2b)
{
	struct e2b_history *history = must(calloc(1, sizeof(*history)));
	history->e2b = e2b;
	TAILQ_INIT(&history->all);
	listener_add(vm_listeners(e2b->vms), &history->sandboxes, &vm_listener, history);
	if (e2b->activity) {
		listener_add(&e2b->activity->calls, &history->calls, &activity_fns, history);
	}
	history->timer = loop_after_ms(e2b->event, EVERY_MS, on_time, history);
	return history;
}

void e2b_history_free(struct e2b_history *history)
{
	struct past *past;
	if (!history) {
		return;
	}
	listener_remove(&history->sandboxes);
	listener_remove(&history->calls);
	loop_drop(&history->timer);
	while ((past = TAILQ_FIRST(&history->all))) {
		forget(past);
	}
	free(history);
}

/* ---- answers ---- */

static int64_t number_of(struct control_call *c, const char *name, int64_t absent)
{
	const char *text = http_query(c->r->x, name);
	return text && *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 18
		       ? strtoll(text, NULL, 10)
		       : absent;
}

static const struct past *past_for(struct control_call *c)
{
	static const struct past none;
	struct vm *vm = control_find(c);
	const struct past *past = vm ? find(c->e2b->history, vm_id(vm)) : NULL;
	return !vm ? NULL : past ? past : &none;
}

static json_t *sample_json(const struct sample *sample)
{
	const struct msg_usage_answer *u = &sample->usage;
	return must(json_pack("{s:o, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I}", "timestamp",
		control_time(sample->time * 1000), "timestampUnix", (json_int_t)sample->time,
		"cpuCount", (json_int_t)u->cpus, "cpuUsedPct", sample->cpu, "memUsed",
		(json_int_t)u->memory_used, "memTotal", (json_int_t)u->memory_total, "memCache",
		(json_int_t)u->memory_cache, "diskUsed", (json_int_t)u->disk_used, "diskTotal",
		(json_int_t)u->disk_total));
}

static void run_metrics(struct control_call *c, const json_t *body)
{
	const struct past *past = past_for(c);
	(void)body;
	if (!past) {
		return;
	}
	int64_t start = number_of(c, "start", 0), end = number_of(c, "end", INT64_MAX);
	json_t *list = must(json_array());
	size_t i = past->n_samples > SAMPLES_MAX ? past->n_samples - SAMPLES_MAX : 0;
	for (; i < past->n_samples; i++) {
		const struct sample *sample = &past->samples[i % SAMPLES_MAX];
		if (sample->time >= start && sample->time <= end) {
			json_array_append_new(list, sample_json(sample));
		}
	}
	e2b_reply_json(c->r, 200, list);
}

static json_t *entry_json(const struct line *line)
{
	return must(json_pack("{s:o, s:s, s:s, s:{}}", "timestamp", control_time(line->time),
		"level", line->failed ? "error" : "info", "message", line->text, "fields"));
}

static json_t *entries(struct control_call *c, const struct past *past, int64_t from)
{
	json_t *list = must(json_array());
	size_t limit = (size_t)number_of(c, "limit", LINES_MAX);
	size_t i = past->n_lines > LINES_MAX ? past->n_lines - LINES_MAX : 0;
	for (; i < past->n_lines && json_array_size(list) < limit; i++) {
		if (past->lines[i % LINES_MAX].time >= from) {
			json_array_append_new(list, entry_json(&past->lines[i % LINES_MAX]));
		}
	}
	return list;
}

static void run_logs(struct control_call *c, const json_t *body)
{
	const struct past *past = past_for(c);
	(void)body;
	if (past) {
		e2b_reply_json(c->r, 200,
			must(json_pack(
				"{s:o}", "logs", entries(c, past, number_of(c, "cursor", 0)))));
	}
}

/* A record of the logger that E2B's command line expects, as text. */
static json_t *line_of(json_t *entry)
{
	json_auto_t *record =
		must(json_pack("{s:O, s:O, s:s}", "level", json_object_get(entry, "level"),
			"message", json_object_get(entry, "message"), "logger", "vitrine"));
	auto_free char *text = must(json_dumps(record, JSON_COMPACT));
	return json_string(text);
}

/* The older form: a line each, too. */
static void run_logs_older(struct control_call *c, const json_t *body)
{
	const struct past *past = past_for(c);
	size_t i;
	json_t *entry;
	(void)body;
	if (!past) {
		return;
	}
	json_t *lines = must(json_array());
	json_auto_t *all = entries(c, past, number_of(c, "start", 0));
	json_array_foreach(all, i, entry)
	{
		json_array_append_new(lines,
			must(json_pack("{s:O, s:o}", "timestamp",
				json_object_get(entry, "timestamp"), "line", line_of(entry))));
	}
	e2b_reply_json(c->r, 200, must(json_pack("{s:o, s:O}", "logs", lines, "logEntries", all)));
}

const struct control_row control_history_rows[] = {
	{ "GET", "/sandboxes/{}/metrics", run_metrics },
	{ "GET", "/v2/sandboxes/{}/logs", run_logs },
	{ "GET", "/sandboxes/{}/logs", run_logs_older },
	{ 0 },
};
