/*
 * One request to a port of a sandbox.  It is parsed and composed again for the program, and so is
 * the response for the client, each in parts: what one side has not taken is not read from the other, so a
 * request costs a window each way.  Both ways are open at the same time.
 */
#include "server/e2b/ports/ports.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "server/e2b/core/record.h"
#include "server/e2b/ports/request.h"
#include "server/e2b/ports/response.h"
#include "server/e2b/ports/tunnel.h"
#include "vm/guest/conversation.h"

#include <string.h>
#include <strings.h>

#define RETRY_FOR_US 1000000 /* a program that was just started may not listen yet */
#define RETRY_MS 20
#define UNSENT_MAX (CONVERSATION_WINDOW / 2) /* bytes for the client, before the program waits */

struct proxied {
	struct e2b_request *r;
	struct conversation *c;
	sd_event_source *retry;
	uint64_t began_us;
	struct port_request request;
	struct port_response response;
	struct port_tunnel *tunnel;
	struct buf out; /* for the program, not taken yet */
	size_t owed;    /* bytes of the program not reported as consumed */
	bool connected; /* and the body is being received */
	bool waits;     /* the client, until `out` was taken */
	bool begun;     /* the response */
	bool ended;     /* the program sends no more */
	bool answered;  /* completely, or it failed */
};

static void open_port(struct proxied *p);

/* ---- the end ---- */

static void hang_up(struct proxied *p)
{
	loop_drop(&p->retry);
	conversation_close(take_ptr(&p->c));
}

static void proxied_free(struct proxied *p)
{
	hang_up(p);
	port_tunnel_free(p->tunnel);
	port_request_done(&p->request);
	port_response_done(&p->response);
	buf_done(&p->out);
	free(p);
}

static void on_exchange_closed(struct e2b_request *r)
{
	proxied_free(r->data);
}

/* SDKs recognize these answers. */
static void refuse(struct proxied *p, int status, const char *why, bool is_closed_port)
{
	json_t *text = json_string(why); /* NULL: not UTF-8 */
	json_t *answer = must(json_pack("{s:s, s:o, s:i}", "sandboxId", vm_id(p->r->vm), "message",
		text ? text : json_string("the connection failed"), "code", status));
	if (is_closed_port) {
		json_object_set_new(answer, "port", json_integer(p->r->port));
	}
	e2b_reply_json(p->r, status, answer);
}

static void fail(struct proxied *p, const struct err *why)
{
	struct err shown = *why;
	bool is_gone = why->kind == ERR_GONE || why->kind == ERR_STATE;
	bool is_closed = why->kind == ERR_NOT_FOUND && !p->connected;
	if (p->answered) {
		return;
	}
	p->answered = true;
	hang_up(p);
	vm_hide_paths(p->r->e2b->vms, &shown);
	if (p->begun) {
		http_stream_abort(p->r->x);
	} else if (is_closed) {
		refuse(p, 502, "The sandbox is running but port is not open", true);
	} else {
		refuse(p, why->kind == ERR_LIMIT ? 503 : 502,
			is_gone ? "The sandbox was not found" : shown.text, false);
	}
}

/* ---- the request ---- */

static void write_out(struct proxied *p)
{
	if (!p->c) {
		return;
	}
	buf_consume(&p->out, conversation_write(p->c, PORT_BYTES, p->out.data, p->out.len));
	if (!p->out.len && p->waits) {
		p->waits = false;
		http_receive_more(p->r->x);
	}
}

static size_t take_part(struct http_exchange *x, const void *bytes, size_t len, void *data)
{
	struct proxied *p = data;
	(void)x;
	if (p->out.len && len) {
		p->waits = true;
		return 0;
	}
	if (!p->answered) {
		port_request_part(&p->request, &p->out, bytes, len);
		write_out(p);
	}
	return len;
}

/* ---- the response ---- */

static void copy_header(const char *name, const char *value, void *data)
{
	const struct proxied *p = data;
	if (strcasecmp(name, "Content-Type") != 0) { /* http_stream_begin() writes it */
		http_set_header(p->r->x, name, value);
	}
}

static void begin(struct proxied *p)
{
	const struct port_response *response = &p->response;
	p->begun = true;
	port_response_each(response, copy_header, p);
	http_stream_begin(p->r->x, response->status, port_response_header(response, "Content-Type"),
		response->length);
}

static void write_head(const char *name, const char *value, void *data)
{
	buf_printf(data, "%s: %s\r\n", name, value);
}

static void begin_tunnel(struct proxied *p)
{
	const char *protocol = port_response_header(&p->response, "Upgrade");
	auto_buf struct buf head = { 0 };
	struct err err;
	if (!p->request.is_upgrade || !protocol || !p->c) {
		err_set(&err, ERR_ARGUMENT,
			"the program answered with 101, which was not asked for");
		fail(p, &err);
		return;
	}
	p->begun = true;
	buf_printf(&head,
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n",
		protocol);
	port_response_each(&p->response, write_head, &head);
	buf_append(&head, "\r\n", 2);
	p->tunnel = port_tunnel_new(p->r->e2b->event, p->r->x, p->c, &head);
}

static void finish(struct proxied *p)
{
	p->answered = true;
	hang_up(p);
	http_stream_end(p->r->x);
}

static void take_piece(struct proxied *p, enum port_piece piece, const struct port_span *body,
	const struct err *err)
{
	switch (piece) {
	case PORT_HEAD:
		if (p->response.status == 101) {
			begin_tunnel(p);
		} else {
			begin(p);
		}
		break;
	case PORT_BODY:
		http_stream_write(p->r->x, body->bytes, body->len);
		break;
	case PORT_RAW:
		p->owed -= body->len; /* the tunnel reports it */
		port_tunnel_data(p->tunnel, body->bytes, body->len);
		break;
	case PORT_END:
		finish(p);
		break;
	case PORT_BAD:
		fail(p, err);
		break;
	case PORT_MORE:
		break;
	}
}

/* What the client has not taken yet is bounded by what the program may send. */
static void credit(struct proxied *p)
{
	bool is_taken = !p->begun || p->tunnel || http_stream_pending(p->r->x) < UNSENT_MAX;
	if (!p->answered && p->c && p->owed && is_taken) {
		conversation_consumed(p->c, p->owed);
		p->owed = 0;
	}
}

/* Bytes of the program; or it has ended. */
static void take(struct proxied *p, const uint8_t *bytes, size_t len)
{
	enum port_piece piece = PORT_HEAD;
	while (!p->answered && piece != PORT_MORE) {
		struct port_span body;
		struct err err;
		piece = port_response_next(&p->response, &bytes, &len, &body, &err);
		if (piece == PORT_MORE && p->ended) {
			piece = port_response_close(&p->response, &err);
		}
		take_piece(p, piece, &body, &err);
	}
	credit(p);
}

static void on_drained(struct http_exchange *x, void *data)
{
	(void)x;
	credit(data);
}

/* ---- the program ---- */

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct proxied *p = data;
	(void)c, (void)channel;
	if (p->tunnel) {
		port_tunnel_data(p->tunnel, bytes, len);
		return;
	}
	p->owed += len;
	take(p, bytes, len);
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	struct proxied *p = data;
	(void)message, (void)args;
	bool is_first = !p->connected;
	conversation_consumed(c, cost);
	p->connected = true;
	if (is_first && p->request.has_body) {
		http_receive(p->r->x, take_part, p);
	}
}

static void on_writable(struct conversation *c, void *data)
{
	struct proxied *p = data;
	(void)c;
	if (p->tunnel) {
		port_tunnel_writable(p->tunnel);
	} else {
		write_out(p);
	}
}

static void on_program_closed(struct conversation *c, void *data)
{
	struct proxied *p = data;
	(void)c;
	p->ended = true;
	if (p->tunnel) {
		port_tunnel_closed(p->tunnel, false);
	} else {
		take(p, NULL, 0);
	}
}

static int on_retry(sd_event_source *source, uint64_t usec, void *data)
{
	struct proxied *p = data;
	(void)source, (void)usec;
	loop_drop(&p->retry);
	open_port(p);
	return 0;
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct proxied *p = data;
	(void)c, (void)answer;
	p->c = NULL;
	p->ended = true;
	if (p->tunnel) {
		port_tunnel_closed(p->tunnel, true);
	} else if (!err) {
		take(p, NULL, 0);
	} else if (err->kind == ERR_NOT_FOUND && !p->connected &&
		   loop_now_us() - p->began_us < RETRY_FOR_US) {
		p->retry = loop_after_ms(p->r->e2b->event, RETRY_MS, on_retry, p);
	} else {
		fail(p, err);
	}
}

static void open_port(struct proxied *p)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data,
		.on_message = on_message,
		.on_writable = on_writable,
		.on_closed = on_program_closed,
		.on_end = on_end,
	};
	p->ended = false;
	p->out.len = 0;
	buf_append(&p->out, p->request.head.data, p->request.head.len);
	p->c = guest_port(vm_guest(p->r->vm), (unsigned)p->r->port, &handlers, p);
	write_out(p);
}

void e2b_ports_run(struct e2b_request *r)
{
	struct port_request request;
	struct err err;
	const struct e2b_record record = e2b_record_of(vm_spec(r->vm));
	if (!port_request_init(&request, r->x, record.mask_host, r->port, &err)) {
		e2b_fail(r, 400, "%s", err.text);
		return;
	}
	struct proxied *p = must(calloc(1, sizeof(*p)));
	p->r = r;
	p->request = request;
	p->response.is_for_head = strcmp(http_method(r->x), "HEAD") == 0;
	p->began_us = loop_now_us();
	r->data = p;
	r->closed = on_exchange_closed;
	http_stream_on_drained(r->x, on_drained, p);
	open_port(p);
}
