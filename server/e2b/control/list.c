/* GET /v2/sandboxes: filters, order, pages. */
#include "server/e2b/control/call.h"

#include "base/cleanup.h"
#include "server/e2b/core/record.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PAGE_MAX 100
#define PAIRS_MAX 32

struct filter {
	json_t *metadata; /* an object of texts; NULL: any */
	bool running, paused, ascending;
	int64_t after; /* ms; 0: any */
	const char *template_id;
};

/* ---- metadata: a form whose names and values are percent-encoded once more ---- */

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* In place; what is not an escape stays. */
static void unescape(char *text, bool is_form)
{
	char *to = text;
	for (const char *from = text; *from; from++) {
		int high = *from == '%' ? hex(from[1]) : -1, low = high >= 0 ? hex(from[2]) : -1;
		if (low >= 0 && (high || low)) {
			*to++ = (char)(high << 4 | low);
			from += 2;
		} else {
			*to++ = is_form && *from == '+' ? ' ' : *from;
		}
	}
	*to = '\0';
}

json_t *control_metadata_read(const char *form)
{
	auto_free char *text = must(strdup(form));
	json_t *all = must(json_object());
	char *rest = text;
	for (char *pair; (pair = strsep(&rest, "&")) && json_object_size(all) < PAIRS_MAX;) {
		char *value = strchr(pair, '=');
		if (!value || value == pair) {
			continue;
		}
		*value++ = '\0';
		unescape(pair, true);
		unescape(pair, false);
		unescape(value, true);
		unescape(value, false);
		json_object_set_new(all, pair, json_string(value));
	}
	return all;
}

/* ---- times ---- */

/* "2026-11-30T23:40:00.123Z" or with an offset of hours and minutes. */
bool control_time_read(const char *text, int64_t *ret_ms)
{
	struct tm tm = { 0 };
	int digits, ms = 0;
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest) {
		return false;
	}
	if (*rest == '.') {
		for (digits = 0, rest++; *rest >= '0' && *rest <= '9'; rest++, digits++) {
			ms = digits < 3 ? ms * 10 + (*rest - '0') : ms;
		}
		for (; digits < 3; digits++) {
			ms *= 10;
		}
	}
	int hours = 0, minutes = 0, end = 0;
	bool is_utc = strcmp(rest, "Z") == 0 || strcmp(rest, "z") == 0;
	bool has_offset = !is_utc && (*rest == '+' || *rest == '-' || *rest == ' ') &&
			  sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &end) == 2 &&
			  !rest[1 + end];
	int64_t offset = (hours * 60 + minutes) * 60 * (*rest == '-' ? -1 : 1);
	*ret_ms = ((int64_t)timegm(&tm) - offset) * 1000 + ms;
	return is_utc || has_offset;
}

/* ---- the query ---- */

static bool read_states(const char *states, struct filter *filter)
{
	auto_free char *text = must(strdup(states ? states : "running,paused"));
	char *rest = text;
	for (char *word; (word = strsep(&rest, ","));) {
		bool running = strcmp(word, "running") == 0, paused = strcmp(word, "paused") == 0;
		filter->running |= running;
		filter->paused |= paused;
		if (!running && !paused) {
			return false;
		}
	}
	return true;
}

static bool read_filter(struct control_call *c, struct filter *filter)
{
	struct http_exchange *x = c->r->x;
	const char *after = http_query(x, "startedAfter"), *order = http_query(x, "order");
	const char *form = http_query(x, "metadata");
	*filter = (struct filter){ .template_id = http_query(x, "template") };
	if (!read_states(http_query(x, "state"), filter)) {
		e2b_fail(c->r, 400, "'state' must be running, paused, or both with a comma");
		return false;
	}
	if (after && !control_time_read(after, &filter->after)) {
		e2b_fail(c->r, 400,
			"'startedAfter' must be a time such as 2026-11-30T23:40:00.000Z");
		return false;
	}
	if (order && strcmp(order, "asc") != 0 && strcmp(order, "desc") != 0) {
		e2b_fail(c->r, 400, "'order' must be asc or desc");
		return false;
	}
	filter->ascending = order && strcmp(order, "asc") == 0;
	filter->metadata = form ? control_metadata_read(form) : NULL;
	return true;
}

static bool has_labels(const json_t *labels, const json_t *wanted)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)wanted, name, value)
	{
		if (!json_equal(json_object_get(labels, name), value)) {
			return false;
		}
	}
	return true;
}

static bool passes(const struct filter *filter, const struct vm *vm)
{
	bool paused = vm_state(vm) == VM_PAUSED;
	return (paused ? filter->paused : filter->running) &&
	       vm_times(vm).created >= filter->after &&
	       has_labels(vm_spec(vm)->labels, filter->metadata) &&
	       (!filter->template_id ||
		       strcmp(filter->template_id, e2b_record_of(vm_spec(vm)).template_id) == 0);
}

/* ---- the list ---- */

struct found {
	struct vm *vm;
	int64_t created;
	size_t at;
};

static int by_start(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	return x->created != y->created ? (x->created < y->created ? -1 : 1)
	       : x->at < y->at          ? -1
					: x->at > y->at;
}

static json_t *collect(struct control_call *c, const struct filter *filter)
{
	json_t *list = must(json_array());
	size_t n = 0, count = 0;
	struct vm *vm;
	while (vm_at(c->e2b->vms, c->r->owner, count)) {
		count++;
	}
	auto_free struct found *all = must(calloc(count + 1, sizeof(*all)));
	for (size_t i = 0; (vm = vm_at(c->e2b->vms, c->r->owner, i)); i++) {
		if (passes(filter, vm)) {
			all[n] = (struct found){ vm, vm_times(vm).created, n };
			n++;
		}
	}
	qsort(all, n, sizeof(*all), by_start);
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(
			list, control_detail(c->e2b, all[filter->ascending ? i : n - 1 - i].vm));
	}
	return list;
}

void control_list_run(struct control_call *c, const json_t *body)
{
	struct control_page page;
	struct filter filter;
	(void)body;
	if (control_page_read(c, PAGE_MAX, &page) && read_filter(c, &filter)) {
		json_t *all = collect(c, &filter);
		json_decref(filter.metadata);
		control_page_reply(c, &page, all);
	}
}
