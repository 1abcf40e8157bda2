/*
 * One request and its response.  It is suspended while its handler works, and resumed by the
 * response. It ends when MHD reports that everything was sent, or earlier if the client
 * disconnects.
 */
#include "transport/http/http_impl.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SMALL_ANSWER 4096 /* in bytes: not more than any connection buffers */

struct http_exchange *http_exchange_new(struct http_conn *conn)
{
	struct http_exchange *x = must(calloc(1, sizeof(*x)));
	x->http = conn->http;
	x->conn = conn;
	conn->x = x;
	return x;
}

static void fire_closed(struct http_exchange *x)
{
	http_parse_forget(x);
	void (*fn)(struct http_exchange *, void *) = take_ptr(&x->closed);
	if (fn) {
		fn(x, x->closed_data);
	}
}

static void drop_headers(struct http_exchange *x)
{
	struct http_answer_header *header;
	while ((header = x->headers)) {
		x->headers = header->next;
		free(header->name);
		free(header->value);
		free(header);
	}
}

void http_exchange_free(struct http_exchange *x)
{
	struct http_text *text;
	x->gone = true;
	fire_closed(x);
	http_stream_forget(x);
	http_upgrade_forget(x);
	while ((text = x->trimmed)) {
		x->trimmed = text->next;
		free(text);
	}
	drop_headers(x);
	buf_done(&x->answer);
	buf_done(&x->body);
	http_let_go(x);
	free(x->path);
	free(x->target);
	free(x->owner);
	x->conn->x = NULL;
	free(x);
}

void http_exchange_lose(struct http_exchange *x)
{
	x->gone = true;
	fire_closed(x);
	http_upgrade_forget(x);
	http_exchange_resume(x); /* so that MHD ends it */
}

bool http_exchange_suspend(struct http_exchange *x)
{
	if (x->conn->lost) {
		x->gone = true;
		fire_closed(x);
		return false;
	}
	x->suspended = true;
	MHD_suspend_connection(x->conn->mhd);
	if (x->conn->hung) {
		http_conn_probe(x->conn);
	}
	return true;
}

void http_exchange_resume(struct http_exchange *x)
{
	if (x->suspended) {
		x->suspended = false;
		MHD_resume_connection(x->conn->mhd);
		http_poke(x->http);
	}
}

/* ---- the request ---- */

const char *http_method(const struct http_exchange *x)
{
	return x->method;
}

const char *http_path(const struct http_exchange *x)
{
	return x->path;
}

const char *http_target(const struct http_exchange *x)
{
	const char *from = http_after_scheme(x->target);
	return from ? from + strcspn(from, "/") : x->target;
}

const char *http_query(const struct http_exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->conn->mhd, MHD_GET_ARGUMENT_KIND, name);
}

static const char *keep(struct http_exchange *x, const char *text, size_t len)
{
	struct http_text *kept = must(calloc(1, sizeof(*kept) + len + 1));
	memcpy(kept->text, text, len);
	kept->next = x->trimmed;
	x->trimmed = kept;
	return kept->text;
}

/* Without the white space around it. */
static const char *trim(struct http_exchange *x, const char *value)
{
	value += strspn(value, " \t");
	size_t len = strlen(value);
	if (len == 0 || !strchr(" \t", value[len - 1])) {
		return value;
	}
	while (len > 0 && strchr(" \t", value[len - 1])) {
		len--;
	}
	return keep(x, value, len);
}

const char *http_header(const struct http_exchange *x, const char *name)
{
	const char *value = MHD_lookup_connection_value(x->conn->mhd, MHD_HEADER_KIND, name);
	return value ? trim((struct http_exchange *)x, value) : NULL;
}

struct each {
	struct http_exchange *x;
	void (*fn)(const char *name, const char *value, void *data);
	void *data;
};

static enum MHD_Result call_each(
	void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const struct each *each = data;
	(void)kind;
	each->fn(name, value ? trim(each->x, value) : "", each->data);
	return MHD_YES;
}

void http_each_header(const struct http_exchange *x,
	void (*fn)(const char *name, const char *value, void *data), void *data)
{
	struct each each = { (struct http_exchange *)x, fn, data };
	MHD_get_connection_values(x->conn->mhd, MHD_HEADER_KIND, call_each, &each);
}

const char *http_base_url(struct http_exchange *x)
{
	char name[HTTP_NAME_MAX], port[6], url[HTTP_NAME_MAX + 32];
	const char *host = http_header(x, "Host");
	if (!host || !http_split_authority(host, name, port)) {
		return NULL;
	}
	bool is_https = x->http->tls || x->http->options.behind_proxy;
	int len = snprintf(url, sizeof(url), "%s://%s", is_https ? "https" : "http", host);
	return keep(x, url, (size_t)len);
}

const char *http_owner(const struct http_exchange *x)
{
	return x->owner;
}

const char *http_body(const struct http_exchange *x, size_t *ret_len)
{
	*ret_len = x->body.len;
	return buf_text(&x->body);
}

void http_forget_body(struct http_exchange *x)
{
	buf_done(&x->body);
}

void http_on_closed(
	struct http_exchange *x, void (*fn)(struct http_exchange *x, void *data), void *data)
{
	x->closed = fn;
	x->closed_data = data;
}

/* ---- the response ---- */

void http_set_header(struct http_exchange *x, const char *name, const char *value)
{
	struct http_answer_header *header = must(calloc(1, sizeof(*header)));
	header->name = must(strdup(name));
	header->value = must(strdup(value));
	struct http_answer_header **last = &x->headers;
	while (*last) {
		last = &(*last)->next;
	}
	*last = header;
}

static void add_headers(struct http_exchange *x, struct MHD_Response *response)
{
	struct http_answer_header *header;
	for (header = x->headers; header; header = header->next) {
		if (MHD_add_response_header(response, header->name, header->value) != MHD_YES) {
			log_warning("the response header %s cannot be \"%s\"", header->name,
				header->value);
		}
	}
	drop_headers(x);
}

static struct MHD_Response *whole_response(struct http_exchange *x)
{
	struct buf answer = x->answer;
	x->answer = (struct buf){ 0 };
	return must(MHD_create_response_from_buffer(answer.len, answer.data,
		answer.data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT));
}

enum MHD_Result http_exchange_pass(struct http_exchange *x)
{
	struct MHD_Response *response = x->streaming ? http_stream_response(x) : whole_response(x);
	unsigned status = x->status;
	add_headers(x, response);
	x->status = 0;
	http_conn_deadline(x->conn, UINT64_MAX);
	buf_done(&x->body);
	budget_set(x->budget, &x->body_held, 0);
	enum MHD_Result r = MHD_queue_response(x->conn->mhd, status, response);
	MHD_destroy_response(response);
	return r;
}

void http_exchange_answer(struct http_exchange *x, unsigned status)
{
	x->status = status;
	x->answered = true;
	http_body_hurry(x);
	http_exchange_resume(x);
}

static bool has_header(const struct http_exchange *x, const char *name)
{
	const struct http_answer_header *header = x->headers;
	while (header && strcasecmp(header->name, name) != 0) {
		header = header->next;
	}
	return header;
}

void http_reply(struct http_exchange *x, int status, const char *type, const void *body, size_t len)
{
	if (x->answered || x->gone) {
		return;
	}
	if (len > SMALL_ANSWER && !http_hold(x, &x->answer_held, len)) {
		x->http->counts.rejected_memory++;
		http_set_header(x, "Retry-After", "1");
		http_refuse(x, 503,
			"no memory is left for the response: too many responses are "
			"unread; read them first");
		return;
	}
	if (len > 0) {
		buf_append(&x->answer, body, len);
	}
	if (type) {
		http_set_header(x, "Content-Type", type);
	}
	if (!has_header(x, "Cache-Control")) {
		http_set_header(x, "Cache-Control", "no-store");
	}
	http_set_header(x, "X-Content-Type-Options", "nosniff");
	x->http->counts.bytes_out += len;
	http_exchange_answer(x, (unsigned)status);
}

/* Appends text as the contents of a JSON string. */
static void write_json_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\') {
			buf_printf(out, "\\%c", *text);
		} else if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e) {
			buf_append(out, "?", 1);
		} else {
			buf_append(out, text, 1);
		}
	}
}

void http_refuse(struct http_exchange *x, int status, const char *fmt, ...)
{
	char text[400];
	auto_buf struct buf body = { 0 };
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(&body, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"");
	write_json_text(&body, text);
	buf_printf(&body, "\"}}");
	http_reply(x, status, "application/json", body.data, body.len);
}
