#include "server/client/client.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "server/client/find.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <wslay/wslay.h>

/* libcurl connects (TLS, unix sockets, proxies), libwslay makes the frames. */

#define CONNECT_SECONDS 15
#define HEAD_MAX 16384

struct remote_client {
	CURL *curl;
	int fd;
	wslay_event_context_ptr ws;
	struct buf arrived; /* read with the response's head */
	struct remote_frames frames;
	remote_heard_fn *fn; /* during remote_run() */
	void *data;
	json_t *answer;
	struct err err;
	bool over, lost;
};

static bool wait_for(const struct remote_client *c, short events)
{
	struct pollfd fd = { c->fd, events, 0 };
	return poll(&fd, 1, CONNECT_SECONDS * 1000) > 0;
}

static bool send_text(struct remote_client *c, const char *text)
{
	for (size_t left = strlen(text); left;) {
		size_t n = 0;
		CURLcode code = curl_easy_send(c->curl, text, left, &n);
		if (code != CURLE_OK && (code != CURLE_AGAIN || !wait_for(c, POLLOUT))) {
			return false;
		}
		text += n;
		left -= n;
	}
	return true;
}

static bool read_head(struct remote_client *c, struct buf *head)
{
	char bytes[4096], *end = NULL;
	while (head->len < HEAD_MAX && !end) {
		size_t n = 0;
		CURLcode code = curl_easy_recv(c->curl, bytes, sizeof(bytes), &n);
		if (code == CURLE_AGAIN ? !wait_for(c, POLLIN) : code != CURLE_OK || !n) {
			return false;
		}
		buf_append(head, bytes, n);
		end = head->len ? memmem(head->data, head->len, "\r\n\r\n", 4) : NULL;
	}
	if (!end) {
		return false;
	}
	size_t len = (size_t)(end + 4 - (char *)head->data);
	buf_append(&c->arrived, head->data + len, head->len - len);
	head->len = len;
	head->data[len] = '\0';
	return true;
}

/* RFC 6455, 4.1.  The server's proof is not checked: who answers 101 is our peer. */
static bool shake_hands(
	struct remote_client *c, const char *host, const char *path, struct err *err)
{
	auto_buf struct buf request = { 0 }, head = { 0 };
	uint8_t random[16];
	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		return err_errno(err, "no random bytes");
	}
	size_t key_len;
	auto_free char *key = base64_encode(random, sizeof(random), &key_len);
	const char *token = getenv("VITRINE_TOKEN");
	buf_printf(&request,
		"GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
		"Sec-WebSocket-Protocol: vitrine\r\n",
		path, host, key);
	if (token) {
		buf_printf(&request, "Authorization: Bearer %s\r\n", token);
	}
	buf_printf(&request, "\r\n");
	if (!send_text(c, buf_text(&request)) || !read_head(c, &head)) {
		return err_set(err, ERR_HOST, "the server closed the connection");
	}
	return strncmp(buf_text(&head), "HTTP/1.1 101", 12) == 0 ||
	       err_set(err, ERR_HOST, "the server refused: %.*s",
		       (int)strcspn(buf_text(&head), "\r"), buf_text(&head));
}

static ssize_t on_recv(wslay_event_context_ptr ws, uint8_t *to, size_t len, int flags, void *data)
{
	struct remote_client *c = data;
	size_t n = 0;
	(void)flags;
	if (c->arrived.len) {
		n = c->arrived.len < len ? c->arrived.len : len;
		memcpy(to, c->arrived.data, n);
		buf_consume(&c->arrived, n);
		return (ssize_t)n;
	}
	CURLcode code = curl_easy_recv(c->curl, to, len, &n);
	if (code == CURLE_OK && n) {
		return (ssize_t)n;
	}
	c->lost |= code != CURLE_AGAIN;
	wslay_event_set_error(
		ws, code == CURLE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t on_send(
	wslay_event_context_ptr ws, const uint8_t *bytes, size_t len, int flags, void *data)
{
	struct remote_client *c = data;
	size_t n = 0;
	(void)flags;
	CURLcode code = curl_easy_send(c->curl, bytes, len, &n);
	if (code == CURLE_OK && n) {
		return (ssize_t)n;
	}
	c->lost |= code != CURLE_AGAIN && code != CURLE_OK;
	wslay_event_set_error(ws, c->lost ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
	return -1;
}

static int on_mask(wslay_event_context_ptr ws, uint8_t *to, size_t len, void *data)
{
	(void)ws, (void)data;
	return getrandom(to, len, 0) == (ssize_t)len ? 0 : -1;
}

static void take_end(struct remote_client *c, unsigned kind, const uint8_t *bytes, size_t len)
{
	json_t *json = json_loadb((const char *)bytes, len, 0, NULL);
	c->over = true;
	if (kind == REMOTE_ANSWER && json_is_object(json)) {
		c->answer = json;
		return;
	}
	const char *text = json_string_value(json_object_get(json, "text"));
	const char *word = json_string_value(json_object_get(json, "kind"));
	err_set(&c->err, word ? err_kind_from(word) : ERR_HOST, "%s",
		text ? text : "the server's answer is malformed");
	json_decref(json);
}

static size_t on_frame(unsigned kind, const uint8_t *bytes, size_t len, void *data)
{
	struct remote_client *c = data;
	if (kind == REMOTE_ANSWER || kind == REMOTE_ERROR) {
		take_end(c, kind, bytes, len);
	} else if (!c->over && c->fn) {
		c->fn(kind, bytes, len, c->data);
	}
	return len;
}

static void on_message(
	wslay_event_context_ptr ws, const struct wslay_event_on_msg_recv_arg *message, void *data)
{
	struct remote_client *c = data;
	(void)ws;
	if (message->opcode == WSLAY_BINARY_FRAME &&
		!remote_frames_add(
			&c->frames, message->msg, message->msg_length, on_frame, c, &c->err)) {
		c->over = true;
	}
}

static bool connect_to(struct remote_client *c, const char *at, const char *path, struct err *err)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = on_recv,
		.send_callback = on_send,
		.genmask_callback = on_mask,
		.on_msg_recv_callback = on_message,
	};
	struct curl_slist *headers = NULL;
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURLU *parts = curl_url();
	char *host = NULL, *port = NULL;
	c->curl = remote_handle(at, path, &headers);
	curl_slist_free_all(headers); /* libcurl sends none */
	curl_easy_setopt(c->curl, CURLOPT_CONNECT_ONLY, 1L);
	CURLcode code = curl_easy_perform(c->curl);
	curl_easy_getinfo(c->curl, CURLINFO_ACTIVESOCKET, &fd);
	c->fd = fd;
	if (curl_url_set(parts, CURLUPART_URL, at, 0) == CURLUE_OK) {
		curl_url_get(parts, CURLUPART_HOST, &host, 0);
		curl_url_get(parts, CURLUPART_PORT, &port, 0);
	}
	auto_buf struct buf name = { 0 };
	buf_printf(&name, "%s%s%s", host ? host : "localhost", port ? ":" : "", port ? port : "");
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	if (code != CURLE_OK) {
		return err_set(
			err, ERR_HOST, "cannot connect to %s: %s", at, curl_easy_strerror(code));
	}
	return shake_hands(c, buf_text(&name), path, err) &&
	       (wslay_event_context_client_init(&c->ws, &callbacks, c) == 0 ||
		       err_set(err, ERR_HOST, "out of memory"));
}

struct remote_client *remote_open(const struct remote_where *where, const char *sandbox,
	const char *op, json_t *op_args, const struct buf *tail, struct err *err)
{
	json_auto_t *args = op_args, *all = remote_sandboxes(where, err);
	const json_t *place = all ? remote_choose(all, sandbox, err) : NULL;
	if (!place) {
		return NULL;
	}
	auto_buf struct buf path = { 0 };
	buf_printf(
		&path, "/api/sandboxes/%s/talk", json_string_value(json_object_get(place, "id")));
	struct remote_client *c = must(calloc(1, sizeof(*c)));
	if (!connect_to(c, json_string_value(json_object_get(place, "at")), buf_text(&path), err)) {
		remote_client_free(c);
		return NULL;
	}
	json_auto_t *request = json_pack("{s:s, s:O}", "op", op, "args", args);
	auto_free char *text = must(json_dumps(request, JSON_COMPACT));
	if (tail && tail->len) {
		remote_say(c, REMOTE_TAIL, tail->data, tail->len);
	}
	remote_say(c, REMOTE_REQUEST, text, strlen(text));
	return c;
}

void remote_client_free(struct remote_client *c)
{
	if (!c) {
		return;
	}
	if (c->ws) {
		wslay_event_context_free(c->ws);
	}
	if (c->curl) {
		curl_easy_cleanup(c->curl);
	}
	json_decref(c->answer);
	buf_done(&c->arrived);
	buf_done(&c->frames.pending);
	free(c);
}

/* ---- talking ---- */

void remote_say(struct remote_client *c, unsigned kind, const void *bytes, size_t len)
{
	auto_buf struct buf frame = { 0 };
	remote_frame_append(&frame, kind, bytes, len);
	const struct wslay_event_msg message = { WSLAY_BINARY_FRAME, frame.data, frame.len };
	if (wslay_event_queue_msg(c->ws, &message) != 0) {
		c->lost = true;
	}
}

size_t remote_queued(const struct remote_client *c)
{
	return wslay_event_get_queued_msg_length(c->ws);
}

struct pollfd remote_poll(const struct remote_client *c)
{
	short events = POLLIN | (wslay_event_want_write(c->ws) ? POLLOUT : 0);
	return (struct pollfd){ c->fd, events, 0 };
}

bool remote_run(struct remote_client *c, remote_heard_fn *fn, void *data, json_t **ret_answer,
	struct err *err)
{
	c->fn = fn;
	c->data = data;
	bool broken = wslay_event_recv(c->ws) != 0 || wslay_event_send(c->ws) != 0 || c->lost ||
		      wslay_event_get_close_received(c->ws);
	*ret_answer = NULL;
	if (c->over) {
		*ret_answer = json_incref(c->answer);
		*err = c->err;
	} else if (broken) {
		err_set(err, ERR_GONE, "the server closed the connection");
	}
	return !c->over && !broken;
}

json_t *remote_await(struct remote_client *c, remote_heard_fn *fn, void *data, struct err *err)
{
	json_t *answer;
	while (remote_run(c, fn, data, &answer, err)) {
		struct pollfd fd = remote_poll(c);
		poll(&fd, 1, -1);
	}
	return answer;
}
