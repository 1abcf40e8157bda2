#include "server/e2b/ports/request.h"

#include "server/e2b/ports/header.h"
#include "transport/http/check.h"

#include <string.h>
#include <strings.h>

#define PORT_WORD "${PORT}"

static bool is_target(const char *target)
{
	if (*target != '/' && strcmp(target, "*") != 0) {
		return false;
	}
	while (*target > ' ' && *target != 0x7f) {
		target++;
	}
	return *target == '\0';
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcasecmp(name, *names) != 0) {
		names++;
	}
	return *names;
}

/* ---- headers ---- */

struct copying {
	struct buf *out;
	const char *connection;
	bool bad;
};

/* Expect was answered by the listener; the others are written below, or are the client's secret. */
static void copy_header(const char *name, const char *value, void *data)
{
	static const char *const ours[] = { "Host", "Content-Length", "Expect", "X-Forwarded-Host",
		"X-Forwarded-Proto", "E2b-Traffic-Access-Token", NULL };
	struct copying *c = data;
	if (is_one_of(name, ours) || port_is_hop_by_hop(name, c->connection)) {
		return;
	}
	c->bad = c->bad || !port_name_is_good(name, strlen(name)) ||
		 !port_value_is_good(value, strlen(value));
	buf_printf(c->out, "%s: %s\r\n", name, value);
}

static void write_host(struct buf *out, const char *host, const char *mask, int port)
{
	const char *word = mask ? strstr(mask, PORT_WORD) : NULL;
	if (word) {
		buf_printf(out, "Host: %.*s%d%s\r\n", (int)(word - mask), mask, port,
			word + strlen(PORT_WORD));
	} else {
		buf_printf(out, "Host: %s\r\n", mask ? mask : host);
	}
	buf_printf(out, "X-Forwarded-Host: %s\r\n", host);
}

static const char *scheme_of(const struct http_exchange *x)
{
	const char *base = http_base_url((struct http_exchange *)x);
	return base && strncmp(base, "https:", 6) == 0 ? "https" : "http";
}

/* What follows belongs to our connection to the program. */
static void write_framing(struct port_request *request, const struct http_exchange *x)
{
	const char *length = http_header(x, "Content-Length");
	const char *upgrade = http_header(x, "Upgrade");
	struct buf *out = &request->head;
	request->is_chunked = http_header(x, "Transfer-Encoding") != NULL;
	request->has_body = request->is_chunked || (length && strcmp(length, "0") != 0);
	request->is_upgrade = upgrade && !request->has_body &&
			      http_has_word(http_header(x, "Connection"), "upgrade");
	if (request->is_chunked) {
		buf_printf(out, "Transfer-Encoding: chunked\r\n");
	} else if (length) {
		buf_printf(out, "Content-Length: %s\r\n", length);
	}
	if (request->is_upgrade) {
		buf_printf(out, "Connection: Upgrade\r\nUpgrade: %s\r\n", upgrade);
	} else {
		buf_printf(out, "Connection: close\r\n");
	}
	buf_printf(out, "\r\n");
}

static bool is_good(const char *value)
{
	return !value || port_value_is_good(value, strlen(value));
}

bool port_request_init(struct port_request *request, const struct http_exchange *x,
	const char *mask, int port, struct err *err)
{
	const char *host = http_header(x, "Host"), *length = http_header(x, "Content-Length");
	*request = (struct port_request){ 0 };
	struct copying copying = { &request->head, http_header(x, "Connection"), false };
	if (!port_name_is_good(http_method(x), strlen(http_method(x))) ||
		!is_target(http_target(x))) {
		return err_set(err, ERR_ARGUMENT, "the request's target must be a path");
	}
	if (length && strspn(length, "0123456789") != strlen(length)) {
		return err_set(err, ERR_ARGUMENT, "Content-Length must be a number");
	}
	buf_printf(&request->head, "%s %s HTTP/1.1\r\n", http_method(x), http_target(x));
	write_host(&request->head, host ? host : "localhost", mask, port);
	buf_printf(&request->head, "X-Forwarded-Proto: %s\r\n", scheme_of(x));
	http_each_header(x, copy_header, &copying);
	write_framing(request, x);
	if (copying.bad || !is_good(host) || !is_good(mask) ||
		!is_good(http_header(x, "Upgrade"))) {
		port_request_done(request);
		return err_set(err, ERR_ARGUMENT, "a header contains invalid characters");
	}
	return true;
}

void port_request_done(struct port_request *request)
{
	buf_done(&request->head);
}

void port_request_part(
	const struct port_request *request, struct buf *out, const void *bytes, size_t len)
{
	if (!request->is_chunked) {
		buf_append(out, bytes, len);
		return;
	}
	buf_printf(out, "%zx\r\n", len);
	buf_append(out, bytes, len);
	buf_append(out, "\r\n", 2);
}
