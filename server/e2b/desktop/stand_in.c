/* It is asked by HTTP, and the connection is kept: it ends with the program. */
#include "server/e2b/desktop/desktop_impl.h"

#include "base/cleanup.h"
#include "server/e2b/ports/response.h"
#include "vm/guest/conversation.h"

#include <string.h>

#define REQUEST "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define BODY_MAX 4096

struct stand_in {
	struct conversation *c;
	const struct stand_in_fns *fns;
	void *data;
	struct port_response response;
	struct buf body;
	bool told, closed;
	bool inside; /* a callback */
};

static void stand_in_free(struct stand_in *s)
{
	if (!s->inside) {
		port_response_done(&s->response);
		buf_done(&s->body);
		free(s);
	}
}

static void end(struct stand_in *s, const struct err *why)
{
	conversation_close(take_ptr(&s->c));
	if (!s->closed) {
		s->closed = true;
		s->fns->ended(why, s->data);
	}
}

void stand_in_close(struct stand_in *s)
{
	if (s) {
		s->closed = true;
		conversation_close(take_ptr(&s->c));
		stand_in_free(s);
	}
}

/* ---- its answer ---- */

static bool tell(struct stand_in *s, struct err *err)
{
	json_error_t wrong;
	json_auto_t *json = s->response.status == 200
				    ? json_loadb(buf_text(&s->body), s->body.len, 0, &wrong)
				    : NULL;
	if (!json_is_object(json)) {
		return err_set(err, ERR_STATE, "no stream of the desktop was started");
	}
	s->told = true;
	s->fns->told(json_string_value(json_object_get(json, "password")),
		json_string_value(json_object_get(json, "window")), s->data);
	return true;
}

static bool take(struct stand_in *s, const uint8_t *at, size_t len, struct err *err)
{
	for (;;) {
		struct port_span body;
		switch (port_response_next(&s->response, &at, &len, &body, err)) {
		case PORT_HEAD:
			break;
		case PORT_BODY:
			buf_append(&s->body, body.bytes, body.len);
			if (s->body.len > BODY_MAX) {
				return err_set(
					err, ERR_LIMIT, "the stream's program says too much");
			}
			break;
		case PORT_MORE:
			return true;
		case PORT_END:
			return tell(s, err);
		default:
			return err->kind != ERR_NONE
				       ? false
				       : err_set(err, ERR_ARGUMENT, "the stream's program is none");
		}
	}
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct stand_in *s = data;
	struct err err = { 0 };
	(void)channel;
	conversation_consumed(c, len);
	s->inside = true;
	if (!s->told && !take(s, bytes, len, &err)) {
		end(s, &err);
	}
	s->inside = false;
	if (s->closed) {
		stand_in_free(s);
	}
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	(void)message, (void)args, (void)data;
	conversation_consumed(c, cost);
}

static void over(struct stand_in *s, const struct err *why)
{
	struct err err;
	if (!why) {
		err_set(&err, ERR_STATE, "the stream was stopped");
	}
	end(s, why ? why : &err);
	stand_in_free(s);
}

static void on_closed(struct conversation *c, void *data)
{
	(void)c;
	over(data, NULL);
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct stand_in *s = data;
	(void)c, (void)answer;
	s->c = NULL;
	over(s, err);
}

struct stand_in *stand_in_open(struct guest *guest, const struct stand_in_fns *fns, void *data)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data,
		.on_message = on_message,
		.on_closed = on_closed,
		.on_end = on_end,
	};
	const struct msg_port_connect args = { E2B_STREAM_PORT };
	const struct conversation_how how = {
		.message = &message_port_connect, .args = &args, .is_aside = true
	};
	struct stand_in *s = must(calloc(1, sizeof(*s)));
	s->fns = fns;
	s->data = data;
	s->c = conversation_open(guest, &how, &handlers, s);
	conversation_write(s->c, PORT_BYTES, REQUEST, strlen(REQUEST));
	return s;
}
