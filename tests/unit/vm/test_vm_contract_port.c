// USES vm
/*
 * Connections to ports of a sandbox, as every backend's agent makes them, without a network: bytes come
 * through both ways at once, either side may close first, a reader that stops costs the window, and a
 * port on which nothing listens is told from other failures.
 */
#include "tests/support/contract.h"

#include "vm/guest/conversation.h"

struct caller {
	struct conversation *c; /* NULL: over */
	struct buf out;
	size_t got, held, sum;
	bool holds, connected, closed, ended, writable;
	int times;
	struct err err;
};

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct caller *t = data;
	cr_assert_eq(channel, PORT_BYTES);
	t->got += len;
	for (size_t i = 0; i < len; i++) {
		t->sum += ((const uint8_t *)bytes)[i];
	}
	if (t->holds) {
		t->held += len;
	} else {
		buf_append(&t->out, bytes, len < 1000 ? len : 1000);
		conversation_consumed(c, len);
	}
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	(void)args;
	cr_assert_eq(message, &message_port_connected);
	((struct caller *)data)->connected = true;
	conversation_consumed(c, cost);
}

static void on_writable(struct conversation *c, void *data)
{
	(void)c;
	((struct caller *)data)->writable = true;
}

static void on_closed(struct conversation *c, void *data)
{
	(void)c;
	((struct caller *)data)->closed = true;
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct caller *t = data;
	(void)c, (void)answer;
	t->c = NULL;
	t->ended = true;
	t->times++;
	t->err = err ? *err : (struct err){ 0 };
}

static void call(struct bench *b, unsigned port, struct caller *t)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data,
		.on_message = on_message,
		.on_writable = on_writable,
		.on_closed = on_closed,
		.on_end = on_end,
	};
	t->c = guest_port(vm_guest(b->vm), port, &handlers, t);
}

static void hear(struct bench *b, struct caller *t, const char *text)
{
	while (t->got < strlen(text)) {
		cr_assert_not(t->ended, "%s", t->err.text);
		cr_assert_geq(sd_event_run(b->host.event, UINT64_MAX), 0);
	}
	cr_assert_str_eq(buf_text(&t->out), text);
}

static void hang_up(struct bench *b, struct caller *t)
{
	conversation_close_write(t->c);
	host_until(&b->host, &t->ended);
	cr_expect_eq(t->err.kind, ERR_NONE, "%s", t->err.text);
	cr_expect_eq(t->times, 1);
	buf_done(&t->out);
}

static bool is_fake(const struct bench *b)
{
	return strcmp(b->dialect->backend, "fake") == 0;
}

static void run(struct bench *b, const char *command)
{
	struct answer *a = host_exec(&b->host, b->vm, command, 60000);
	cr_assert(
		a->exec.exited && a->exec.status == 0, "%s: %s%s", command, a->err.text, a->errors);
	answer_free(a);
}

/* It listens when the command ends; it serves one connection, as `body` says, and exits. */
#define LISTENER \
	"python3 -c 'import os,socket\n" \
	"s=socket.create_server((\"%s\",%u),family=socket.%s)\n" \
	"if os.fork(): os._exit(0)\n" \
	"c=s.accept()[0]\n" \
	"%s' >/dev/null 2>&1"
#define ECHO "while d:=c.recv(65536): c.sendall(d)"
#define GREET \
	"c.sendall(b\"hello\"); c.shutdown(socket.SHUT_WR); open(\"/tmp/said\",\"wb\").write(c.recv(9))"
#define SLEEP "import time; time.sleep(1000)"

static void listen_at(
	struct bench *b, const char *address, const char *family, unsigned port, const char *body)
{
	char command[1000];
	snprintf(command, sizeof(command), LISTENER, address, port, family, body);
	run(b, command);
}

static void serve(struct bench *b, unsigned port, const char *body, const char *fake)
{
	char command[100];
	snprintf(command, sizeof(command), "listen %u %s", port, fake);
	if (is_fake(b)) {
		run(b, command);
	} else {
		listen_at(b, "127.0.0.1", "AF_INET", port, body);
	}
}

static void bytes_come_through_both_ways(struct bench *b)
{
	struct caller t = { 0 };
	serve(b, 8001, ECHO, "echo");
	call(b, 8001, &t);
	conversation_write(t.c, PORT_BYTES, "early", 5);
	hear(b, &t, "early");
	cr_expect(t.connected, "it was not announced first");
	conversation_write(t.c, PORT_BYTES, " late", 5);
	hear(b, &t, "early late");
	cr_expect_not(t.closed);
	hang_up(b, &t);
	cr_expect(t.closed);
}

static void a_program_may_close_first(struct bench *b)
{
	struct caller t = { 0 };
	serve(b, 8002, GREET, "greet hello");
	call(b, 8002, &t);
	host_until(&b->host, &t.closed);
	hear(b, &t, "hello");
	cr_expect_not(t.ended, "it ended before the host had");
	conversation_write(t.c, PORT_BYTES, "bye", 3);
	hang_up(b, &t);
	struct answer *a = host_exec(&b->host, b->vm,
		is_fake(b) ? "cat heard"
			   : "until [ -s /tmp/said ]; do sleep 0.02; done; cat /tmp/said",
		60000);
	cr_expect_str_eq(a->out, "bye");
	answer_free(a);
}

static void a_closed_port_is_not_found(struct bench *b)
{
	struct caller t = { 0 };
	call(b, 8003, &t);
	conversation_write(t.c, PORT_BYTES, "never read", 10);
	host_until(&b->host, &t.ended);
	cr_expect_eq(t.err.kind, ERR_NOT_FOUND, "%s", t.err.text);
	cr_expect_not_null(strstr(t.err.text, "8003"), "%s", t.err.text);
	cr_expect_not(t.connected);
	cr_expect_eq(t.times, 1);
}

static void no_port_has_the_number_0(struct bench *b)
{
	struct caller t = { 0 };
	call(b, 0, &t);
	host_until(&b->host, &t.ended);
	cr_expect_eq(t.err.kind, ERR_ARGUMENT, "%s", t.err.text);
}

static void a_reader_that_stops_costs_the_window(struct bench *b)
{
	enum { ALL = 3000000, SOME = 50000 };
	static uint8_t bytes[SOME];
	struct caller t = { .holds = true, .writable = true };
	size_t sent = 0, sum = 0;
	serve(b, 8004, ECHO, "echo");
	call(b, 8004, &t);
	while (sent < ALL) {
		for (size_t i = 0; i < SOME; i++) {
			bytes[i] = (uint8_t)((sent + i) * 7);
		}
		size_t left = ALL - sent;
		size_t n = conversation_write(t.c, PORT_BYTES, bytes, left < SOME ? left : SOME);
		for (size_t i = 0; i < n; i++) {
			sum += bytes[i];
		}
		sent += n;
		cr_assert_leq(t.held, CONVERSATION_WINDOW);
		if (t.held >= CONVERSATION_WINDOW - 64) {
			conversation_consumed(t.c, t.held);
			t.held = 0;
		}
		cr_assert_not(t.ended, "%s", t.err.text);
		cr_assert_geq(sd_event_run(b->host.event, n ? 0 : UINT64_MAX), 0);
	}
	t.holds = false;
	conversation_consumed(t.c, t.held);
	hang_up(b, &t);
	cr_expect_eq(t.got, ALL);
	cr_expect_eq(t.sum, sum, "other bytes came back");
}

static void a_program_that_reads_nothing_stops_its_writer(struct bench *b)
{
	static const char bytes[65536];
	struct caller t = { 0 };
	size_t taken = 0, n;
	if (is_fake(b)) {
		return;
	}
	listen_at(b, "127.0.0.1", "AF_INET", 8005, SLEEP);
	call(b, 8005, &t);
	for (int waits = 0; waits < 2;) {
		n = conversation_write(t.c, PORT_BYTES, bytes, sizeof(bytes));
		taken += n;
		if (n < sizeof(bytes)) {
			run(b, "true");
			waits = t.writable ? 0 : waits + 1;
			t.writable = false;
		}
		cr_assert_leq(taken, 16u << 20, "buffers of the sockets are not that large");
	}
	cr_expect_geq(taken, CONVERSATION_WINDOW);
	conversation_close(t.c);
	run(b, "true");
	cr_expect_eq(t.times, 0);
}

static void a_program_may_listen_on_ipv6_only(struct bench *b)
{
	struct caller t = { 0 };
	if (is_fake(b)) {
		return;
	}
	listen_at(b, "::1", "AF_INET6", 8006, ECHO);
	call(b, 8006, &t);
	conversation_write(t.c, PORT_BYTES, "six", 3);
	hear(b, &t, "six");
	hang_up(b, &t);
}

static const struct contract cases[] = {
	CASE(bytes_come_through_both_ways),
	CASE(a_program_may_close_first),
	CASE(a_closed_port_is_not_found),
	CASE(no_port_has_the_number_0),
	CASE(a_reader_that_stops_costs_the_window),
	CASE(a_program_that_reads_nothing_stops_its_writer),
	CASE(a_program_may_listen_on_ipv6_only),
};

CONTRACT(port, cases)
