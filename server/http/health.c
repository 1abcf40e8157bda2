#include "server/http/health.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "server/http/readiness.h"
#include "vm/guest/guest.h"
#include "vm/lifecycle/lifecycle.h"

#include <string.h>

/* Routes for operators: liveness, readiness and metrics.  No handler blocks.  A child process
 * determines readiness in advance, and a scrape sends the pings whose results the next scrape
 * reports. */

struct status {
	struct http *http;
	const struct config *config;
	struct metrics *metrics;
	const struct server *server;
	struct vm_pool *vms;
	struct ready *ready;
	size_t pings; /* not answered yet */
};

static void reply_text(struct http_exchange *x, int status, const char *text)
{
	http_reply(x, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void run_healthz(struct http_exchange *x, void *data)
{
	(void)data;
	reply_text(x, 200, "ok\n");
}

static void on_ready(const struct err *why, void *data)
{
	struct http_exchange *x = data;
	auto_buf struct buf text = { 0 };
	http_on_closed(x, NULL, NULL);
	if (why->kind == ERR_NONE) {
		reply_text(x, 200, "ready\n");
		return;
	}
	buf_printf(&text, "not ready: %s\n", why->text);
	http_set_header(x, "Retry-After", "10");
	reply_text(x, 503, buf_text(&text));
}

/* The client disconnected before the response. */
static void on_probe_closed(struct http_exchange *x, void *data)
{
	(void)x;
	ready_forget(data);
}

static void run_readyz(struct http_exchange *x, void *data)
{
	struct status *status = data;
	struct ready_wait *wait = ready_ask(status->ready, on_ready, x);
	if (wait) {
		http_on_closed(x, on_probe_closed, wait);
	}
}

/* ---- /metrics ---- */

struct ping {
	struct status *status;
	uint64_t began;
};

static void on_pong(const json_t *result, const struct err *err, void *data)
{
	struct ping *ping = data;
	(void)result;
	ping->status->pings--;
	if (!err) {
		metrics_count_ping(ping->status->metrics, loop_now_us() - ping->began);
	}
	free(ping);
}

static void ping_one(struct vm *vm, void *data)
{
	struct status *status = data;
	if (vm_state(vm) == VM_READY) {
		struct ping *ping = must(calloc(1, sizeof(*ping)));
		*ping = (struct ping){ status, loop_now_us() };
		status->pings++;
		guest_ping(vm_guest(vm), on_pong, ping);
	}
}

/* Called after the scrape was sent, so that its own work is not measured.  An agent that has not
 * responded is not sent another ping. */
static void ping_all(struct http_exchange *x, void *data)
{
	struct status *status = data;
	(void)x;
	if (status->pings == 0) {
		vm_pool_each(status->vms, ping_one, status);
	}
}

static void count_one(struct vm *vm, void *data)
{
	struct metrics_now *now = data;
	now->sandboxes[vm_state(vm)]++;
}

static void read_http(const struct http_counts *counts, struct metrics_now *now)
{
	now->connections = counts->connections;
	now->streams = counts->streams;
	now->requests = counts->requests;
	now->bytes_in = counts->bytes_in;
	now->bytes_out = counts->bytes_out;
	now->rejected_host = counts->rejected_host;
	now->rejected_origin = counts->rejected_origin;
	now->rejected_auth = counts->rejected_auth;
	now->rejected_size = counts->rejected_size;
	now->rejected_busy = counts->rejected_busy;
	now->rejected_memory = counts->rejected_memory;
}

static void run_metrics(struct http_exchange *x, void *data)
{
	struct status *status = data;
	http_on_closed(x, ping_all, status);
	struct metrics_now now = { .calls = server_calls(status->server) };
	auto_buf struct buf text = { 0 };
	int64_t wanted, ready;
	vm_pool_each(status->vms, count_one, &now);
	vm_pool_reserve(status->vms, &wanted, &ready);
	now.warm_wanted = (uint64_t)wanted;
	now.warm_ready = (uint64_t)ready;
	read_http(http_counts(status->http), &now);
	metrics_read_process(&now);
	metrics_write(status->metrics, &now, &text);
	http_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", text.data, text.len);
}

/* ---- RFC 9728 ---- */

static void run_metadata(struct http_exchange *x, void *data)
{
	const struct status *status = data;
	const char *base = http_base_url(x);
	auto_buf struct buf resource = { 0 };
	buf_printf(&resource, "%s/mcp", base ? base : http_url(status->http));
	json_auto_t *metadata = must(json_pack("{ss s[s] s[s] ss}", "resource", buf_text(&resource),
		"authorization_servers", status->config->http.auth_server,
		"bearer_methods_supported", "header", "resource_name", "Vitrine"));
	auto_free char *text = must(json_dumps(metadata, JSON_COMPACT));
	http_reply(x, 200, "application/json", text, strlen(text));
}

/* ---- interface ---- */

struct status *status_new(sd_event *event, struct http *http, const struct config *config,
	struct metrics *metrics, const struct server *server, struct vm_pool *vms)
{
	struct status *status = must(calloc(1, sizeof(*status)));
	*status = (struct status){ .http = http,
		.config = config,
		.metrics = metrics,
		.server = server,
		.vms = vms,
		.ready = ready_new(event, config->vm.backend) };
	const struct http_route routes[] = {
		{ "GET", "/healthz", true, run_healthz, status, true },
		{ "GET", "/readyz", true, run_readyz, status, true },
		{ "GET", "/metrics", config->http.open_metrics, run_metrics, status, true },
		/* Only with an authorization server. */
		{ "GET", STATUS_METADATA_PATH, true, run_metadata, status, false },
		{ "GET", "/.well-known/oauth-protected-resource", true, run_metadata, status,
			false },
	};
	size_t n = sizeof(routes) / sizeof(*routes) - (config->http.auth_server ? 0 : 2);
	for (size_t i = 0; i < n; i++) {
		http_add_route(http, &routes[i]);
	}
	return status;
}

void status_free(struct status *status)
{
	if (status) {
		ready_free(status->ready);
		free(status);
	}
}
