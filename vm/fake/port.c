/*
 * The fake agent's `port_connect`: up to four listening programs, which the command
 * "listen PORT WHAT [TEXT]" makes.  What they hear is kept for the command "cat heard".
 *
 *     echo        writes back what it reads, until its input ends
 *     greet TEXT  writes TEXT at once and closes; what it reads then is only kept
 *     after WORD TEXT   the same after it has read WORD
 *     switch WORD TEXT  writes TEXT after it has read WORD, and then back what it reads
 *     none        no program listens any more
 *
 * TEXT and WORD may contain \r, \n and \\.
 */
#include "vm/fake/fake.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

struct fake_port {
	const struct fake_listener *listener;
	struct buf out;
	bool says, closes, closed, host_ended;
	size_t owed;
};

/* ---- the command ---- */

static struct fake_listener *find(struct fake_desktop *d, unsigned port)
{
	for (size_t i = 0; i < FAKE_LISTENERS_MAX; i++) {
		if (d->listeners[i].port == port) {
			return &d->listeners[i];
		}
	}
	return NULL;
}

static void unescape(struct buf *to, const char *text, size_t len)
{
	for (const char *end = text + len; text < end; text++) {
		char c = *text;
		if (c == '\\' && text + 1 < end) {
			text++;
			c = (char)(*text == 'r' ? '\r' : *text == 'n' ? '\n' : *text);
		}
		buf_append(to, &c, 1);
	}
}

void fake_listen(struct fake_desktop *d, const char *rest)
{
	char what[8];
	unsigned port;
	int at = 0;
	if (sscanf(rest, "%5u %7s%n", &port, what, &at) != 2) {
		return;
	}
	struct fake_listener *l = find(d, port);
	l = l ? l : find(d, 0);
	if (!l) {
		return;
	}
	buf_done(&l->text);
	l->port = strcmp(what, "none") == 0 ? 0 : port;
	l->waits = strcmp(what, "after") == 0 || strcmp(what, "switch") == 0;
	l->echoes = strcmp(what, "echo") == 0 || strcmp(what, "switch") == 0;
	rest += at + (rest[at] == ' ');
	l->word.len = 0;
	if (l->waits) {
		size_t len = strcspn(rest, " ");
		unescape(&l->word, rest, len);
		rest += len + (rest[len] == ' ');
	}
	unescape(&l->text, rest, strlen(rest));
}

/* ---- the connection ---- */

static void proceed(struct fake_request *req)
{
	struct fake_port *p = req->port;
	struct link *link = req->fake->link;
	buf_consume(&p->out, link_write(link, req->id, PORT_BYTES, p->out.data, p->out.len));
	if (p->out.len) {
		return;
	}
	link_consumed(link, req->id, p->owed);
	p->owed = 0;
	if (p->closes && !p->closed) {
		p->closed = true;
		link_end(link, req->id);
	}
	if (p->closed && p->host_ended) {
		fake_reply(req, NULL, NULL, 0);
	}
}

static void say(struct fake_request *req)
{
	struct fake_port *p = req->port;
	const struct fake_listener *l = p->listener;
	if (!p->says) {
		p->says = true;
		p->closes = !l->echoes;
		buf_append(&p->out, l->text.data, l->text.len);
	}
}

static void on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct fake_request *req = data;
	struct fake_port *p = req->port;
	struct buf *heard = &req->fake->desktop.heard;
	(void)link, (void)id, (void)channel;
	p->owed += len;
	if (p->listener->echoes && (p->says || !p->listener->waits)) {
		buf_append(&p->out, bytes, len);
	} else {
		buf_append(heard, bytes, len);
		if (p->listener->waits && strstr(buf_text(heard), buf_text(&p->listener->word))) {
			say(req);
		}
	}
	proceed(req);
}

static void on_writable(struct link *link, uint32_t id, void *data)
{
	(void)link, (void)id;
	proceed(data);
}

static void on_ended(struct link *link, uint32_t id, void *data)
{
	struct fake_request *req = data;
	(void)link, (void)id;
	req->port->host_ended = req->port->closes = true;
	proceed(req);
}

static const struct link_talk talk = {
	.data = on_data,
	.writable = on_writable,
	.ended = on_ended,
};

static void done(struct fake_request *req)
{
	buf_done(&req->port->out);
	free(req->port);
}

bool fake_port_connect(struct fake_request *req, struct err *err)
{
	struct fake_desktop *d = &req->fake->desktop;
	unsigned port = (unsigned)((const struct msg_port_connect *)req->args)->port;
	const struct fake_listener *l = find(d, port);
	if (!l) {
		return err_set(
			err, ERR_NOT_FOUND, "no program in the sandbox listens on port %u", port);
	}
	req->port = must(calloc(1, sizeof(*req->port)));
	req->port->listener = l;
	req->done = done;
	if (!link_accept(req->fake->link, req->id, &talk, req, err)) {
		return false;
	}
	link_send_message(req->fake->link, req->id,
		message_speech_encode(&message_port_connected, NULL), NULL, 0);
	d->heard.len = 0;
	if (!l->echoes && !l->waits) {
		say(req);
	}
	proceed(req);
	return true;
}
