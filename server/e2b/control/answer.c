/* Sandboxes as the control plane describes them, and pages of lists. */
#include "server/e2b/control/call.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "server/e2b/core/record.h"
#include "server/e2b/core/tokens.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* SDKs use the features of this version of envd. */
#define ENVD_VERSION "0.6.13"
#define CLIENT_ID "vitrine"

json_t *control_time(int64_t ms)
{
	char text[CLOCK_TEXT_SIZE];
	clock_write(ms, text);
	return json_string(text);
}

json_t *control_sandbox(const struct e2b *e2b, const struct vm *vm)
{
	const struct e2b_record record = e2b_record_of(vm_spec(vm));
	char access[E2B_TOKEN_SIZE], traffic[E2B_TOKEN_SIZE];
	e2b_token_of(&e2b->key, E2B_TOKEN_ACCESS, vm_id(vm), access);
	e2b_token_of(&e2b->key, E2B_TOKEN_TRAFFIC, vm_id(vm), traffic);
	return must(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s?}", "templateID",
		record.template_id, "alias", record.template_id, "sandboxID", vm_id(vm), "clientID",
		CLIENT_ID, "envdVersion", ENVD_VERSION, "envdAccessToken", access,
		"trafficAccessToken", record.is_closed ? traffic : NULL, "domain",
		e2b->public_domain));
}

/* One without a timeout, or paused, has no end. */
static int64_t end_of(const struct vm *vm)
{
	const struct vm_times times = vm_times(vm);
	return times.timeout
		       ? times.timeout
		       : clock_wall_ms() + (int64_t)vm_spec_rows[VM_SPEC_TIMEOUT].field.max * 1000;
}

static json_t *lifecycle_of(const struct vm *vm)
{
	const struct vm_spec *spec = vm_spec(vm);
	return json_pack("{s:s, s:b}", "onTimeout", vm_on_timeout_names[spec->on_timeout],
		"autoResume", e2b_record_of(spec).auto_resume);
}

static int64_t cpus_of(const struct vm *vm)
{
	int64_t cpus = vm_spec(vm)->limits.cpus;
	return cpus > 0 ? cpus : sysconf(_SC_NPROCESSORS_ONLN);
}

json_t *control_detail(const struct e2b *e2b, const struct vm *vm)
{
	const struct vm_spec *spec = vm_spec(vm);
	const struct e2b_record record = e2b_record_of(spec);
	json_t *all = control_sandbox(e2b, vm);
	json_auto_t *more = must(json_pack("{s:o, s:o, s:s, s:I, s:I, s:I, s:O?, s:o, s:[]}",
		"startedAt", control_time(vm_times(vm).created), "endAt", control_time(end_of(vm)),
		"state", vm_state(vm) == VM_PAUSED ? "paused" : "running", "cpuCount",
		(json_int_t)cpus_of(vm), "memoryMB", (json_int_t)spec->limits.memory_mib,
		"diskSizeMB", (json_int_t)spec->limits.disk_mib, "metadata", spec->labels,
		"lifecycle", lifecycle_of(vm), "volumeMounts"));
	json_object_update(all, more);
	if (!spec->labels) {
		json_object_set_new(all, "metadata", json_object());
	}
	if (record.has_network) {
		json_object_set_new(all, "allowInternetAccess",
			json_boolean(spec->network == VM_NETWORK_INTERNET));
	}
	if (record.network) {
		json_object_set(all, "network", (json_t *)record.network);
	}
	return all;
}

/* ---- pages ---- */

static bool read_number(const char *text, size_t least, size_t most, size_t *ret)
{
	size_t len = text ? strlen(text) : 0;
	if (!len || len > 9 || strspn(text, "0123456789") < len) {
		return !text;
	}
	*ret = (size_t)strtoul(text, NULL, 10);
	return *ret >= least && *ret <= most;
}

bool control_page_read(struct control_call *c, size_t most, struct control_page *ret)
{
	*ret = (struct control_page){ .limit = most };
	if (!read_number(http_query(c->r->x, "limit"), 1, most, &ret->limit)) {
		e2b_fail(c->r, 400, "'limit' must be a number from 1 to %zu", most);
		return false;
	}
	if (!read_number(http_query(c->r->x, "nextToken"), 0, SIZE_MAX, &ret->skip)) {
		e2b_fail(c->r, 400, "'nextToken' must be the X-Next-Token of an earlier answer");
		return false;
	}
	return true;
}

void control_page_reply(struct control_call *c, const struct control_page *page, json_t *all)
{
	json_t *shown = must(json_array());
	size_t n = json_array_size(all), end = page->skip + page->limit;
	for (size_t i = page->skip; i < n && i < end; i++) {
		json_array_append(shown, json_array_get(all, i));
	}
	if (n > end) {
		char next[32];
		snprintf(next, sizeof(next), "%zu", end);
		http_set_header(c->r->x, "X-Next-Token", next);
	}
	json_decref(all);
	e2b_reply_json(c->r, 200, shown);
}
