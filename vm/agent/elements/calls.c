#include "vm/agent/elements/calls.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define UNDER_WAY_MAX 128

struct asked {
	TAILQ_ENTRY(asked) entry;
	struct calls *calls;
	sd_bus_message *message; /* until it is sent */
	sd_bus_slot *slot;
	uint64_t sent_us;
	calls_fn *fn;
	void *data;
};
TAILQ_HEAD(asked_list, asked);

struct calls {
	sd_bus *bus;
	uint64_t timeout_us;
	void (*after)(void *data);
	void *data;
	struct asked_list waiting, sent;
	unsigned n_sent, late;
};

static void asked_free(struct asked *asked)
{
	sd_bus_message_unref(asked->message);
	sd_bus_slot_unref(asked->slot);
	free(asked);
}

static void free_list(struct asked_list *list)
{
	struct asked *asked;
	while ((asked = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, asked, entry);
		asked_free(asked);
	}
}

struct calls *calls_new(sd_bus *bus, uint64_t timeout_us, void (*after)(void *data), void *data)
{
	struct calls *c = must(calloc(1, sizeof(*c)));
	*c = (struct calls){ sd_bus_ref(bus), timeout_us, after, data };
	TAILQ_INIT(&c->waiting);
	TAILQ_INIT(&c->sent);
	return c;
}

void calls_free(struct calls *c)
{
	if (c) {
		free_list(&c->waiting);
		free_list(&c->sent);
		sd_bus_unref(c->bus);
		free(c);
	}
}

unsigned calls_late(const struct calls *c)
{
	return c->late;
}

/* ---- sending and answers ---- */

static void send_more(struct calls *c);

static void finish(struct asked *asked, sd_bus_message *answer)
{
	calls_fn *fn = asked->fn;
	void *data = asked->data;
	TAILQ_REMOVE(&asked->calls->sent, asked, entry);
	asked->calls->n_sent--;
	asked_free(asked);
	fn(answer, data);
}

static int on_answer(sd_bus_message *answer, void *data, sd_bus_error *ignored)
{
	struct asked *asked = data;
	struct calls *c = asked->calls;
	(void)ignored;
	bool failed = sd_bus_message_is_method_error(answer, NULL);
	/* A program that ends while it is asked gives the same error earlier. */
	c->late += failed && loop_now_us() - asked->sent_us >= c->timeout_us;
	finish(asked, failed ? NULL : answer);
	send_more(c);
	calls_check(c);
	return 0;
}

static void send_one(struct calls *c, struct asked *asked)
{
	TAILQ_REMOVE(&c->waiting, asked, entry);
	TAILQ_INSERT_TAIL(&c->sent, asked, entry);
	c->n_sent++;
	asked->sent_us = loop_now_us();
	int r = asked->message ? sd_bus_call_async(c->bus, &asked->slot, asked->message, on_answer,
					 asked, c->timeout_us)
			       : -EINVAL;
	asked->message = sd_bus_message_unref(asked->message);
	if (r < 0) {
		finish(asked, NULL);
	}
}

static void send_more(struct calls *c)
{
	struct asked *asked;
	while (c->n_sent < UNDER_WAY_MAX && (asked = TAILQ_FIRST(&c->waiting))) {
		send_one(c, asked);
	}
}

void calls_check(struct calls *c)
{
	send_more(c);
	if (c->n_sent == 0 && TAILQ_EMPTY(&c->waiting)) {
		c->after(c->data);
	}
}

void calls_ask(struct calls *c, struct bus_ref to, const char *interface, const char *member,
	calls_fn *fn, void *data, const char *types, ...)
{
	struct asked *asked = must(calloc(1, sizeof(*asked)));
	*asked = (struct asked){ .calls = c, .fn = fn, .data = data };
	int r = sd_bus_message_new_method_call(
		c->bus, &asked->message, to.bus, to.path, interface, member);
	if (r >= 0 && types) {
		va_list args;
		va_start(args, types);
		r = sd_bus_message_appendv(asked->message, types, args);
		va_end(args);
	}
	if (r < 0) {
		asked->message = sd_bus_message_unref(asked->message);
	}
	TAILQ_INSERT_TAIL(&c->waiting, asked, entry);
}

void calls_get(struct calls *c, struct bus_ref to, const char *interface, const char *property,
	calls_fn *fn, void *data)
{
	calls_ask(c, to, "org.freedesktop.DBus.Properties", "Get", fn, data, "ss", interface,
		property);
}

/* ---- values of properties ---- */

static bool read_value(sd_bus_message *answer, const char *type, void *ret)
{
	return answer && sd_bus_message_enter_container(answer, 'v', type) > 0 &&
	       sd_bus_message_read_basic(answer, *type, ret) > 0;
}

bool calls_read_text(sd_bus_message *answer, const char **ret)
{
	return read_value(answer, "s", ret);
}

char *calls_read_number_text(sd_bus_message *answer)
{
	double number;
	char text[40];
	if (!read_value(answer, "d", &number)) {
		return NULL;
	}
	snprintf(text, sizeof(text), "%.6g", number);
	return must(strdup(text));
}

bool calls_read_count(sd_bus_message *answer, int32_t *ret)
{
	return read_value(answer, "i", ret);
}

/* ---- states ---- */

bool calls_read_states(sd_bus_message *answer, uint64_t *ret)
{
	const void *words;
	size_t size;
	if (!answer || sd_bus_message_read_array(answer, 'u', &words, &size) < 0) {
		return false;
	}
	const uint32_t *at = words;
	*ret = (size >= 4 ? at[0] : 0) | (size >= 8 ? (uint64_t)at[1] << 32 : 0);
	return true;
}

bool calls_read_box(sd_bus_message *answer, struct rect *ret)
{
	int x, y, w, h;
	if (!answer || sd_bus_message_enter_container(answer, 'r', "iiii") <= 0 ||
		sd_bus_message_read(answer, "iiii", &x, &y, &w, &h) < 0) {
		return false;
	}
	*ret = (struct rect){ x, y, w, h };
	return w > 0 && h > 0;
}
