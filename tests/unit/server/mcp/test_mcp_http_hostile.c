// USES server
/*
 * Exchanges in any order, with any headers and bodies, that stay open, stall, or go away: whatever
 * comes, each gets an answer or an end, what is sent is JSON, and nothing is used after its end.
 */
#include "tests/support/memory_http.h"

#define OPEN 12
#define ROUNDS 5000

static unsigned long long seed = 20261121;
static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % n;
}
#define ONE_OF(list) (list)[below(sizeof(list) / sizeof((list)[0]))]

#define META \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
	"\"io.modelcontextprotocol/clientCapabilities\":{},\"progressToken\":1}"

static const char *const bodies[] = {
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
	"\"2025-11-25\",\"capabilities\":{}}}",
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
	"\"2025-03-26\",\"capabilities\":{}}}",
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{" META "}}",
	"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}",
	"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"wait\","
	"\"arguments\":{\"duration\":100},\"_meta\":{\"progressToken\":2}}}",
	"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{\"name\":\"wait\","
	"\"arguments\":{\"duration\":0.001}}}",
	"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{\"name\":\"wait\","
	"\"arguments\":{\"duration\":100}," META "}}",
	"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"tools/call\",\"params\":{\"name\":\"type\","
	"\"arguments\":{\"text\":\"x\"}}}",
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":3}}",
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
	"[{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"id\":4,"
	"\"method\":\"tools/call\",\"params\":{\"name\":\"wait\",\"arguments\":{\"duration\":"
	"0.001}}}]",
	"{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"subscriptions/listen\",\"params\":{"
	"\"notifications\":{}," META "}}",
	"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"logging/setLevel\",\"params\":{\"level\":"
	"\"debug\"}}",
};

static const char *const headers[] = {
	"MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/call\nMcp-Name: wait\n",
	"MCP-Protocol-Version: 2026-07-28\nMcp-Method: subscriptions/listen\n",
	"MCP-Protocol-Version: 2025-11-25\n",
	"MCP-Protocol-Version: \xff\n",
	"Mcp-Method: tools/call\nMcp-Name: wait\n",
	"Mcp-Method: tools/call\nMcp-Name: =?base64?d2FpdA==?=\n",
	"Mcp-Name: =?base64?\n",
	"Last-Event-ID: 0-1\n",
	"Last-Event-ID: 99999999999999999999999\n",
};

static struct mcp_client client;
static struct exchange open[OPEN];
static char lines[OPEN][1000];
static char sessions[3][64], ids[4][64]; /* some of those that were given out */

/* Some of a set of headers, mostly with a session and an event that there is. */
static void write_headers(char *out, size_t size)
{
	size_t len = 0;
	out[0] = '\0';
	for (unsigned n = below(2) ? 0 : below(3); n > 0; n--) {
		len += (size_t)snprintf(out + len, size - len, "%s", ONE_OF(headers));
	}
	if (below(2)) {
		len += (size_t)snprintf(out + len, size - len, "Last-Event-ID: %s\n", ONE_OF(ids));
	}
	if (below(8) > 0) {
		snprintf(out + len, size - len, "Mcp-Session-Id: %s\n", ONE_OF(sessions));
	}
}

static void write_body(struct buf *body)
{
	static const char bytes[] = "{}[]\",:0e.-\\\x01\x7f\xc3 aZ";
	buf_printf(body, "%s", ONE_OF(bodies));
	for (unsigned n = below(8) == 0 ? below(3) : 0; n > 0; n--) {
		body->data[below((unsigned)body->len)] = (uint8_t)bytes[below(sizeof(bytes) - 1)];
	}
}

static void begin(unsigned i)
{
	struct exchange *x = &open[i];
	auto_buf struct buf body = { 0 };
	const char *owner = below(10) == 0 ? "bob" : "alice";
	write_headers(lines[i], sizeof(lines[i]));
	write_body(&body);
	*x = (struct exchange){ .json_only = below(6) == 0 };
	switch (below(16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		exchange_open(&client, x, TRANSPORT_STREAM, owner, lines[i]);
		cr_assert(x->streaming || x->closing, "a GET without an answer");
		break;
	case 4:
		exchange_open(&client, x, TRANSPORT_DELETE, owner, lines[i]);
		cr_assert(x->closing, "a DELETE without an answer");
		break;
	default:
		exchange_post(&client, x, owner, lines[i], buf_text(&body));
	}
}

static void check(const struct exchange *x)
{
	static const int statuses[] = { 0, 200, 202, 204, 400, 404, 405, 406 };
	bool known = false;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		known = known || statuses[i] == x->status;
	}
	cr_assert(known, "status %d", x->status);
	if (x->body) {
		json_auto_t *body = parse_json(x->body);
		cr_assert(body);
	}
	for (size_t i = 0; i < x->n; i++) {
		if (x->events[i].text) {
			json_auto_t *message = parse_json(x->events[i].text);
			cr_assert(message);
		}
	}
}

static void finish(unsigned i)
{
	struct exchange *x = &open[i];
	if (!x->client) {
		return;
	}
	if (x->session[0]) {
		snprintf(ONE_OF(sessions), sizeof(sessions[0]), "%s", x->session);
	}
	for (size_t e = 0; e < x->n; e++) {
		if (x->events[e].id) {
			snprintf(ONE_OF(ids), sizeof(ids[0]), "%s", x->events[e].id);
		}
	}
	check(x);
	exchange_done(x);
}

Test(mcp_http_hostile, any_exchanges_in_any_order)
{
	mcp_init(&client, 8);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned i = below(OPEN);
		finish(i);
		begin(i);
		for (unsigned n = below(4); n > 0; n--) {
			sd_event_run(client.event, below(2) ? 0 : 1000);
		}
	}
	for (unsigned i = 0; i < OPEN; i++) {
		finish(i);
	}

	struct exchange x = { 0 };
	exchange_post(&client, &x, "carol", NULL, bodies[0]);
	exchange_wait(&x);
	json_auto_t *pong = parse_json(x.body);
	cr_assert(json_at(pong, "result"), "it does not serve any more");
	exchange_done(&x);
	mcp_done(&client);
}
