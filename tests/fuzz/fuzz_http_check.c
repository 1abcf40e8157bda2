// USES transport
/*
 * What we read out of HTTP headers ourselves, and the events we write.  The first byte says which:
 * what comes out must be well-formed whatever came in, and an event must say again what went in.
 */
#include "base/cleanup.h"
#include "transport/http/http_impl.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void try_authority(const char *text)
{
	char name[HTTP_NAME_MAX], port[6], again[HTTP_NAME_MAX], no_port[6];
	if (!http_split_authority(text, name, port)) {
		return;
	}
	check(name[0] && strlen(port) < 6 && strspn(port, "0123456789") == strlen(port));
	check(!strpbrk(name, " \t\r\n/@[]ABC"));
	if (!strchr(name, ':') && name[strlen(name) - 1] != '.') {
		check(http_split_authority(name, again, no_port) && !no_port[0]);
		check(strcmp(name, again) == 0);
	}
}

/* Two lists and a name, a line each. */
static void try_names(char *text)
{
	struct http_names names;
	struct err err = { 0 };
	char *origins = strchr(text, '\n');
	if (origins) {
		*origins++ = '\0';
	}
	char *asked = origins ? strchr(origins, '\n') : NULL;
	if (asked) {
		*asked++ = '\0';
	}
	if (!http_names_init(&names, text, origins, &err)) {
		check(err.text[0]);
		return;
	}
	if (asked) {
		http_host_is_allowed(&names, "own.example", asked);
		if (http_origin_is_allowed(&names, NULL, "own.example", asked)) {
			check(strstr(asked, "://")); /* of any scheme, when it is in the list */
		}
	}
	http_names_done(&names);
}

static void try_headers(const char *text)
{
	const char *token = http_bearer_token(text);
	check(!token || (*token && !strpbrk(token, " \t\r\n\",")));
	http_accepts(text, "application/json");
	http_accepts(text, "text/event-stream");
	if (http_type_is(text, "application/json")) {
		check(strncasecmp(text, "application/json", 16) == 0);
	}
}

static void try_unescape(char *text)
{
	size_t before = strlen(text), after = http_unescape(text);
	check(after <= before && strlen(text) == after);
}

static void try_address(const char *text)
{
	struct http_address at;
	struct err err = { 0 };
	if (http_address_parse(text, &at, &err)) {
		check(at.kind != HTTP_ADDRESS_TCP || (at.host[0] && at.port[0]));
		check(at.kind != HTTP_ADDRESS_UNIX || at.path[0]);
	} else {
		check(err.text[0]);
	}
}

/* data as a client puts it together from the lines of one event. */
static void read_event(const char *at, const char *end, struct buf *data)
{
	bool first = true;
	for (const char *lf; at < end; at = lf + 1) {
		lf = memchr(at, '\n', (size_t)(end - at));
		check(lf && lf > at); /* an empty line would end the event */
		if (strncmp(at, "data: ", 6) == 0) {
			buf_append(data, "\n", first ? 0 : 1);
			buf_append(data, at + 6, (size_t)(lf - at) - 6);
			first = false;
		} else {
			check(strncmp(at, "event: ", 7) == 0 || strncmp(at, "id: ", 4) == 0);
		}
	}
}

static void expect(struct buf *out, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool crlf = data[i] == '\r' && i + 1 < len && data[i + 1] == '\n';
		buf_append(out, data[i] == '\r' ? "\n" : data + i, 1);
		i += crlf;
	}
}

/* A name, a line end, and data. */
static void try_event(char *text, size_t len)
{
	auto_buf struct buf event = { 0 }, got = { 0 }, wanted = { 0 };
	char *data = memchr(text, '\n', len);
	if (!data) {
		return;
	}
	*data++ = '\0';
	size_t data_len = len - (size_t)(data - text);
	http_event_write(&event, text, text, data, data_len, 0);
	check(event.len > 2 && event.data[event.len - 1] == '\n');
	read_event(buf_text(&event), buf_text(&event) + event.len - 1, &got);
	expect(&wanted, data, data_len);
	check(got.len == wanted.len && memcmp(buf_text(&got), buf_text(&wanted), got.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (len < 1) {
		return 0;
	}
	auto_free char *text = must(malloc(len));
	memcpy(text, bytes + 1, len - 1);
	text[len - 1] = '\0';
	switch (bytes[0] % 6) {
	case 0:
		try_authority(text);
		break;
	case 1:
		try_names(text);
		break;
	case 2:
		try_headers(text);
		break;
	case 3:
		try_unescape(text);
		break;
	case 4:
		try_address(text);
		break;
	default:
		try_event(text, len - 1);
		break;
	}
	return 0;
}
