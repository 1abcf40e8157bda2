#include "tests/support/link_pair.h"

void pair_on_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	struct end *end = data;
	json_t *args = json_object_get(msg->json, "args");
	end->ids[end->requests++ % REQUESTS] = id;
	snprintf(end->last_op, sizeof(end->last_op), "%s",
		json_string_value(json_object_get(msg->json, "op")));
	if (end->free_in_request) {
		link_free(link);
		end->link = NULL;
	} else if (end->answer) {
		link_reply(link, id, json_incref(args), "tail", 4);
	}
}

void pair_on_cancel(struct link *link, uint32_t id, void *data)
{
	struct end *end = data;
	struct err err;
	end->cancels++;
	err_set(&err, ERR_CANCELLED, "taken back");
	link_reply_err(link, id, &err);
}

void pair_on_event(struct link *link, const struct link_msg *msg, void *data)
{
	struct end *end = data;
	(void)link;
	end->events++;
	end->tail_len = msg->tail_len;
	snprintf(end->last_event, sizeof(end->last_event), "%s",
		json_string_value(json_object_get(msg->json, "event")));
}

void pair_on_closed(struct link *link, const struct err *why, void *data)
{
	struct end *end = data;
	end->closed++;
	end->why = *why;
	link_free(link);
	end->link = NULL;
}

const struct link_handlers pair_host_handlers = {
	.event = pair_on_event, .closed = pair_on_closed
};
const struct link_handlers pair_agent_handlers = {
	.request = pair_on_request, .cancel = pair_on_cancel, .closed = pair_on_closed
};

void pair_on_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	struct answer *answer = data;
	answer->count++;
	json_decref(answer->result);
	answer->result = msg ? json_incref((json_t *)msg->json) : NULL;
	if (err) {
		answer->err = *err;
	}
	if (answer->again-- > 0) {
		link_request(answer->end->link, "again", NULL, pair_on_reply, answer);
	}
	if (answer->end && answer->end->free_in_reply) {
		link_free(answer->end->link);
		answer->end->link = NULL;
	}
}

void pair_settle(struct pair *pair)
{
	while (sd_event_run(pair->event, 20000) > 0) {
	}
}

void pair_begin(struct pair *pair)
{
	int ends[2];
	struct err err;
	pair->event = loop_new(&err);
	cr_assert(pair->event);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pair->host.link = link_new(pair->event, ends[0], &pair_host_handlers, &pair->host);
	pair->agent.link = link_new(pair->event, ends[1], &pair_agent_handlers, &pair->agent);
}

void pair_end(struct pair *pair)
{
	link_free(pair->host.link);
	link_free(pair->agent.link);
	pair_settle(pair);
	sd_event_unref(pair->event);
}

/* ---- hostile bytes ---- */

void pair_put(int fd, enum frame_type type, uint32_t number, const char *json, size_t tail)
{
	uint8_t bytes[4096] = { 0 };
	size_t len = strlen(json);
	frame_header(bytes, type, number, (uint32_t)(4 + len + tail));
	frame_put_u32(bytes + FRAME_HEADER, (uint32_t)len);
	memcpy(bytes + FRAME_HEADER + 4, json, len);
	cr_assert_eq(write(fd, bytes, FRAME_HEADER + 4 + len + tail),
		(ssize_t)(FRAME_HEADER + 4 + len + tail));
}

void pair_put_raw(int fd, enum frame_type type, uint32_t number, const void *payload, size_t len)
{
	uint8_t bytes[64] = { 0 };
	frame_header(bytes, type, number, (uint32_t)len);
	memcpy(bytes + FRAME_HEADER, payload, len);
	cr_assert_eq(write(fd, bytes, FRAME_HEADER + len), (ssize_t)(FRAME_HEADER + len));
}

void victim_begin(struct victim *v, const struct link_handlers *handlers)
{
	int ends[2];
	struct err err;
	v->pair.event = loop_new(&err);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	v->pair.host.link = link_new(v->pair.event, ends[0], handlers, &v->pair.host);
	v->fd = ends[1];
}

void victim_end(struct victim *v, const char *words)
{
	pair_settle(&v->pair);
	cr_assert_eq(v->pair.host.closed, 1, "%s", words);
	cr_assert(strstr(v->pair.host.why.text, words), "'%s' is not in: %s", words,
		v->pair.host.why.text);
	close(v->fd);
	sd_event_unref(v->pair.event);
}
