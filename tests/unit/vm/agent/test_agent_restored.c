// USES agent
/* An agent whose machine was saved and came back with another host.  The test is both: the host,
 * and the machine's first process, which runs the agent's privileged requests. */
#include "tests/support/agent_client.h"

#include "base/base64.h"
#include "vm/agent/init/privileged_request.h"

#include <X11/Xlib.h>
#include <poll.h>

#define TIME_US 1893456000000000 /* the year 2030 */
#define MACHINE_ID "0123456789abcdef0123456789abcdef"

struct machine {
	struct client c;
	int requests; /* the first process's end */
};

static void begin(struct machine *m)
{
	int pair[2];
	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	client_start_with(&m->c, (const char *[]){ "--init-fd", "4", NULL }, pair[1]);
	close(pair[1]);
	m->requests = pair[0];
	client_expect(&m->c, "ready", 0);
}

static void finish(struct machine *m)
{
	client_stop(&m->c);
	close(m->requests);
}

/* Another host at the same bytes, which knows nothing of the old one's. */
static void change_host(struct machine *m)
{
	int fd = fcntl(m->c.spare, F_DUPFD_CLOEXEC, 3);
	link_free(m->c.link);
	json_array_clear(m->c.events);
	m->c.link = link_new(m->c.event, fd, &client_handlers, &m->c);
}

static json_t *restored_args(void)
{
	uint8_t bytes[PRIVILEGED_ENTROPY];
	size_t len;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)i;
	}
	auto_free char *entropy = base64_encode(bytes, sizeof(bytes), &len);
	return json_pack("{s:I, s:s, s:s, s:s, s:s}", "time_us", (json_int_t)TIME_US, "entropy",
		entropy, "hostname", "copy-1", "machine_id", MACHINE_ID, "mac",
		"52:54:00:00:00:01");
}

static struct privileged_request receive_request(struct machine *m)
{
	struct privileged_request request;
	struct err err;
	struct pollfd wait = { m->requests, POLLIN, 0 };
	cr_assert(poll(&wait, 1, CLIENT_PATIENCE_MS) == 1, "no request came");
	cr_assert(privileged_request_receive(m->requests, &request, &err), "%s", err.text);
	return request;
}

/* Answers a privileged request with why (NULL: it went well), and waits for what the host is told. */
static void restored(struct machine *m, const struct err *why, struct answer *a)
{
	struct err err;
	client_ask(&m->c, "restored", restored_args(), a);
	struct privileged_request request = receive_request(m);
	cr_assert(privileged_request_reply(m->requests, request.number, why, &err));
	cr_assert(client_until(&m->c, a->came), "no answer to 'restored' came");
}

static const char *event_at(const struct machine *m, size_t i)
{
	const json_t *event = json_array_get(m->c.events, i);
	const char *name = json_string_value(json_object_get(event, "event"));
	return name ? name : "";
}

/* hello first, ready last, and the six stages between them. */
static void expect_greeting(struct machine *m)
{
	client_expect(&m->c, "ready", 0);
	cr_expect_eq(json_array_size(m->c.events), 8);
	cr_expect_str_eq(event_at(m, 0), "hello");
	for (size_t i = 1; i < 7; i++) {
		cr_expect_str_eq(event_at(m, i), "stage");
	}
	cr_expect_str_eq(event_at(m, 7), "ready");
}

Test(restored, does_the_privileged_request_and_greets)
{
	struct machine m;
	struct answer a;
	begin(&m);
	change_host(&m);
	client_ask(&m.c, "restored", restored_args(), &a);
	struct privileged_request request = receive_request(&m);
	cr_expect_eq(request.time_us, TIME_US);
	cr_expect_eq(request.entropy[63], 63);
	cr_expect_str_eq(request.hostname, "copy-1");
	cr_expect_str_eq(request.machine_id, MACHINE_ID);
	cr_expect_str_eq(request.mac, "52:54:00:00:00:01");
	cr_expect_eq(json_array_size(m.c.events), 0, "it greets before the request is done");
	struct err err;
	cr_assert(privileged_request_reply(m.requests, request.number, NULL, &err));
	expect_greeting(&m);
	cr_expect(a.came && a.result, "%s", a.err.text);
	answer_done(&a);
	client_call(&m.c, "info", NULL, &a);
	cr_expect(a.result, "%s", a.err.text);
	answer_done(&a);
	finish(&m);
}

Test(restored, forgets_what_the_old_host_asked_for)
{
	struct machine m;
	struct shell old = { 0 }, sh;
	struct answer a;
	begin(&m);
	client_call(&m.c, "watch", json_pack("{s:b}", "on", 1), &a);
	answer_done(&a);
	shell_ask(&m.c, "echo $$; exec sleep 1000", NULL, 600000, &old);
	cr_assert(client_until(&m.c, old.out.len > 0));
	pid_t pid = (pid_t)atol(buf_text(&old.out));
	client_call(&m.c, "freeze", NULL, &a);
	answer_done(&a);
	change_host(&m);
	restored(&m, NULL, &a); /* with the number of a request that is still open */
	cr_expect(a.result, "%s", a.err.text);
	answer_done(&a);
	expect_greeting(&m);
	cr_expect(process_ends(pid), "the old host's command still runs");
	shell_run(&m.c, "echo again", &sh);
	cr_expect_str_eq(buf_text(&sh.out), "again\n");
	client_call(&m.c, "launch",
		json_pack("{s:s, s:i}", "application", "xterm", "timeout_ms", 20000), &a);
	cr_expect(json_object_get(a.result, "window"), "%s", a.err.text);
	answer_done(&a);
	cr_expect_null(client_find(&m.c, "screen", 0), "it still tells of screen changes");
	shell_done(&sh);
	shell_done(&old);
	finish(&m);
}

static unsigned buttons_down(struct client *c)
{
	struct shell sh;
	Window root, child;
	int x, y;
	unsigned mask = 0;
	shell_run(c, "printf %s $DISPLAY", &sh);
	Display *display = XOpenDisplay(buf_text(&sh.out));
	cr_assert(display, "cannot open display '%s'", buf_text(&sh.out));
	XQueryPointer(display, DefaultRootWindow(display), &root, &child, &x, &y, &x, &y, &mask);
	XCloseDisplay(display);
	shell_done(&sh);
	return mask & (Button1Mask | Button2Mask | Button3Mask);
}

Test(restored, lets_go_of_what_is_held_down)
{
	struct machine m;
	struct answer a;
	begin(&m);
	client_call(&m.c, "act",
		json_pack("{s:[{s:s, s:s}], s:{}}", "actions", "action", "button_down", "button",
			"left", "observe"),
		&a);
	cr_assert(a.result, "%s", a.err.text);
	answer_done(&a);
	cr_assert_eq(buttons_down(&m.c), Button1Mask);
	change_host(&m);
	restored(&m, NULL, &a);
	answer_done(&a);
	cr_expect_eq(buttons_down(&m.c), 0);
	finish(&m);
}

Test(restored, a_privileged_request_that_fails_is_told)
{
	struct machine m;
	struct answer a;
	struct err why;
	begin(&m);
	err_set(&why, ERR_HOST, "cannot set the clock: it is stuck");
	restored(&m, &why, &a);
	cr_expect_eq(a.err.kind, ERR_HOST);
	cr_expect(strstr(a.err.text, "it is stuck"), "%s", a.err.text);
	client_call(&m.c, "ping", NULL, &a);
	cr_expect_eq(a.err.kind, ERR_STATE, "a host that was not restored is served");
	cr_expect(strstr(a.err.text, "'restored'"), "%s", a.err.text);
	restored(&m, NULL, &a);
	cr_expect(a.result, "%s", a.err.text);
	answer_done(&a);
	finish(&m);
}

/* A host that asks again before the first request is done hears of its own only. */
Test(restored, a_late_answer_is_not_taken_for_another)
{
	struct machine m;
	struct answer first, second;
	struct err err, why;
	begin(&m);
	client_ask(&m.c, "restored", restored_args(), &first);
	struct privileged_request one = receive_request(&m);
	change_host(&m);
	client_ask(&m.c, "restored", restored_args(), &second);
	struct privileged_request two = receive_request(&m);
	err_set(&why, ERR_HOST, "this is the first");
	cr_assert(privileged_request_reply(m.requests, one.number, &why, &err));
	cr_assert(privileged_request_reply(m.requests, two.number, NULL, &err));
	cr_assert(client_until(&m.c, second.came));
	cr_expect(second.result, "%s", second.err.text);
	expect_greeting(&m);
	answer_done(&second);
	finish(&m);
}

static const struct {
	const char *key, *value, *words;
} bad[] = {
	{ "time_us", "5", "'time_us'" },
	{ "time_us", "null", "'time_us' is missing" },
	{ "time_us", "99999999999999999", "'time_us'" },
	{ "entropy", "\"AAAA\"", "'entropy'" },
	{ "entropy",
		"\"!"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAA\"",
		"'entropy'" },
	{ "entropy", "null", "'entropy' is missing" },
	{ "hostname", "\"\"", "'hostname'" },
	{ "hostname", "\"a b\"", "'hostname'" },
	{ "hostname", "\"-a\"", "'hostname'" },
	{ "hostname", "\"a-\"", "'hostname'" },
	{ "hostname", "\"a.b\"", "'hostname'" },
	{ "hostname", "\"a\\n127.0.0.1\"", "'hostname'" },
	{ "machine_id", "\"0123456789abcdef0123456789abcdeF\"", "'machine_id'" },
	{ "machine_id", "\"00000000000000000000000000000000\"", "'machine_id'" },
	{ "machine_id", "\"0123\"", "'machine_id'" },
	{ "mac", "\"01:00:00:00:00:01\"", "'mac'" },
	{ "mac", "\"00:00:00:00:00:00\"", "'mac'" },
	{ "mac", "\"52-54-00-00-00-01\"", "'mac'" },
	{ "mac", "\"52:54:00:00:00\"", "'mac'" },
	{ "colour", "\"red\"", "'colour'" },
};

Test(restored, refuses_what_it_cannot_use)
{
	struct machine m;
	struct pollfd request;
	begin(&m);
	request = (struct pollfd){ m.requests, POLLIN, 0 };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct answer a;
		json_t *args = restored_args();
		json_object_set_new(
			args, bad[i].key, json_loads(bad[i].value, JSON_DECODE_ANY, NULL));
		client_call(&m.c, "restored", args, &a);
		cr_expect_eq(a.err.kind, ERR_ARGUMENT, "%s=%s is taken", bad[i].key, bad[i].value);
		cr_expect(strstr(a.err.text, bad[i].words), "'%s' is not in: %s", bad[i].words,
			a.err.text);
		answer_done(&a);
		cr_expect_eq(poll(&request, 1, 0), 0, "%s=%s leads to a privileged request",
			bad[i].key, bad[i].value);
	}
	finish(&m);
}

/* Names that are left out stay as they are. */
Test(restored, needs_no_names)
{
	struct machine m;
	struct answer a;
	struct err err;
	json_t *args = restored_args();
	json_object_del(args, "hostname");
	json_object_del(args, "machine_id");
	json_object_del(args, "mac");
	begin(&m);
	client_ask(&m.c, "restored", args, &a);
	struct privileged_request request = receive_request(&m);
	cr_expect_str_empty(request.hostname);
	cr_expect_str_empty(request.machine_id);
	cr_expect_str_empty(request.mac);
	cr_assert(privileged_request_reply(m.requests, request.number, NULL, &err));
	cr_assert(client_until(&m.c, a.came));
	cr_expect(a.result, "%s", a.err.text);
	answer_done(&a);
	finish(&m);
}

Test(restored, is_not_for_desktops_in_namespaces)
{
	struct client c;
	struct answer a;
	client_start_ready(&c);
	client_call(&c, "restored", restored_args(), &a);
	cr_expect_eq(a.err.kind, ERR_UNSUPPORTED, "%s", a.err.text);
	client_call(&c, "ping", NULL, &a);
	cr_expect(a.result, "%s", a.err.text);
	answer_done(&a);
	client_stop(&c);
}

Test(restored, meets_a_desktop_whose_x_server_just_died)
{
	struct machine m;
	struct answer a;
	begin(&m);
	kill(client_pid_of(&m.c, "Xvnc"), SIGKILL);
	change_host(&m);
	restored(&m, NULL, &a);
	cr_expect(a.result, "%s", a.err.text);
	answer_done(&a);
	client_expect(&m.c, "ready", 0);
	cr_expect_str_eq(event_at(&m, 0), "hello");
	client_call(&m.c, "info", NULL, &a);
	cr_expect(a.result, "%s", a.err.text);
	answer_done(&a);
	finish(&m);
}

/* ---- freeze ---- */

Test(agent_freeze, is_silent_until_asked)
{
	struct client c;
	struct shell sh;
	struct answer a;
	client_start_ready(&c);
	shell_ask(&c, "for i in $(seq 40); do echo $i; sleep 0.05; done", NULL, 60000, &sh);
	cr_assert(client_until(&c, sh.out.len > 0));
	client_call(&c, "freeze", NULL, &a);
	answer_done(&a);
	size_t before = sh.out.len;
	bool later = false;
	sd_event_source *timer = loop_after_ms(c.event, 500, client_too_late, &later);
	while (!later) {
		sd_event_run(c.event, UINT64_MAX);
	}
	loop_drop(&timer);
	cr_expect_eq(sh.out.len, before, "a frozen agent goes on talking");
	client_call(&c, "ping", NULL, &a);
	answer_done(&a);
	shell_wait(&c, &sh);
	cr_expect_eq(shell_number(&sh, "status"), 0);
	cr_expect(strstr(buf_text(&sh.out), "\n40\n"), "output was lost: %s", buf_text(&sh.out));
	shell_done(&sh);
	client_stop(&c);
}

/* What each copy is likely to be asked first is there when it is. */
Test(agent_freeze, leaves_the_next_picture_ready)
{
	struct client c;
	struct answer a, again;
	json_t *look = json_pack("{s:[], s:{s:s}}", "actions", "observe", "mode", "frame");
	client_start_ready(&c);
	client_call(&c, "freeze", NULL, &a);
	answer_done(&a);
	client_call(&c, "act", json_incref(look), &a);
	client_call(&c, "act", look, &again);
	cr_assert(a.result && again.result, "%s%s", a.err.text, again.err.text);
	cr_expect_eq(a.tail.len, again.tail.len);
	answer_done(&a);
	answer_done(&again);
	client_stop(&c);
}
