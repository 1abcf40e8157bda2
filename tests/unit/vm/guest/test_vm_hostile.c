// USES vm
/*
 * Agents that lie.  A backend of the test's own gives the other end of the link to the test, which
 * answers what no honest agent would; every time the caller must hear of it, once, and the sandbox
 * must end.
 */

#include "tests/support/liar.h"

#include <criterion/parameterized.h>

/* ---- lies before it is ready ---- */

struct event_lie {
	char events[3][200]; /* JSON, sent in order */
	char says[80];       /* in the reason; "" for none: it gets ready */
};

static struct event_lie event_lies[] = {
	{ { "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\"}",
		  "{\"event\":\"ready\",\"screen\":[1280,800],\"frame\":[1280,800],\"ms\":"
		  "1}" },
		"" },
	{ { "{\"event\":\"hello\",\"protocol\":9,\"version\":\"9\"}" }, "protocol 9" },
	{ { "{\"event\":\"hello\",\"protocol\":1}" }, "'version' is missing" },
	{ { "{\"event\":\"ready\",\"screen\":[1280,800],\"frame\":[1280,800],\"ms\":1}" },
		"'ready' before 'hello'" },
	{ { "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\"}",
		  "{\"event\":\"ready\",\"screen\":[0,800],\"frame\":[0,800],\"ms\":1}" },
		"a screen of 0x800" },
	{ { "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\"}",
		  "{\"event\":\"ready\",\"screen\":[1280,800],\"frame\":[99999,1],\"ms\":"
		  "1}" },
		"a frame of 99999x1" },
	{ { "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\"}",
		  "{\"event\":\"stage\",\"stage\":\"coffee\",\"ms\":1}" },
		"'stage' must be one of" },
	{ { "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\"}", "{\"event\":\"dance\"}" },
		"an unknown event 'dance'" },
	{ { "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\"}",
		  "{\"event\":\"failed\",\"text\":\"no fonts\"}" },
		"could not start: no fonts" },
	{ { "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\"}",
		  "{\"event\":\"resized\",\"screen\":[1280,-1],\"frame\":[1280,800]}" },
		"a screen of 1280x-1" },
	{ { "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\"}",
		  "{\"event\":\"resized\",\"screen\":[4294968576,800],\"frame\":[1280,800]}" },
		"a screen of 4294968576x800" },
	{ { "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\"}",
		  "{\"event\":\"resized\",\"screen\":[1920,1080],\"frame\":[1920,1080]}" },
		"a frame of 1920x1080" },
	{ { "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\"}",
		  "{\"event\":\"resized\",\"screen\":[1920]}" },
		"event 'resized'" },
	{ { "{\"event\":\"failed\",\"text\":\"no answer\"}" }, "could not start: no answer" },
	{ { "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\",\"more\":1}" }, "'more'" },
};

ParameterizedTestParameters(hostile, events)
{
	return cr_make_param_array(
		struct event_lie, event_lies, sizeof(event_lies) / sizeof(event_lies[0]));
}

static void send_events(struct link *link, const struct event_lie *lie)
{
	for (size_t i = 0; i < 3 && lie->events[i][0]; i++) {
		json_t *event = json_loads(lie->events[i], 0, NULL);
		char name[40];
		snprintf(name, sizeof(name), "%s",
			json_string_value(json_object_get(event, "event")));
		link_event(link, name, event);
	}
}

ParameterizedTest(struct event_lie *lie, hostile, events, .timeout = 20)
{
	struct host host;
	static const struct link_handlers handlers = { .closed = ignore_closed };
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &handlers, NULL);
	send_events(link, lie);
	struct waited waited = host_wait(&host, vm);
	cr_assert_eq(waited.times, 1);
	if (lie->says[0]) {
		cr_assert_neq(waited.err.kind, ERR_NONE);
		cr_assert_not_null(strstr(waited.err.text, lie->says), "%s", waited.err.text);
		cr_assert_eq(vm_state(vm), VM_GONE);
	} else {
		cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	}
	link_free(link);
	host_done(&host);
	cr_assert_eq(liar_stops, 1);
	cr_assert_eq(liar_releases, 1);
}

/* ---- lies in replies ---- */

enum client_request {
	ASK_ACT,
	ASK_WINDOW, /* its picture */
	ASK_MARKS,
	ASK_LAUNCH,
	ASK_APPLICATIONS,
	ASK_INFO,
	ASK_PING,
	ASK_EXEC,
	ASK_CLIPBOARD,
	ASK_TEXT,
	ASK_WAIT
};

struct reply_lie {
	int ask;
	char reply[360];
	char tail[8];
	char says[80]; /* "": it is no lie */
};

#define ACT_OK "\"pointer\":[1,2],\"frame_id\":5,\"changed\":true"
#define FRAME(more) \
	"{\"done\":[{\"ms\":1}]," ACT_OK \
	",\"frame\":{\"frame_id\":5,\"width\":10,\"height\":10,\"scale\":1," more "}}"
#define JPEG "\xff\xd8\xff\xe0"
#define LOOK(more) \
	"{\"done\":[]," ACT_OK \
	",\"frame\":{\"frame_id\":5,\"width\":10,\"height\":10,\"scale\":1,\"format\":\"jpeg\"," more \
	"}}"
#define TEXT_FOUND(more) "{\"frame_id\":5,\"ms\":1,\"matches\":" more "}"
#define MATCH(box) "{\"text\":\"t\",\"confidence\":9,\"box\":" box "}"
#define WAITED(match) \
	"{\"happened\":true,\"ms\":1,\"from\":1,\"frame_id\":1,\"text\":\"t\",\"match\":" match "}"
#define MARKS(rows) "{\"done\":[]," ACT_OK ",\"marks\":" rows "}"
#define WINDOW "\"id\":1,\"title\":\"t\",\"x\":0,\"y\":0,\"width\":1,\"height\":1"
#define INFO \
	"\"screen\":[1,1],\"frame\":[1,1],\"frame_id\":1,\"uptime_ms\":1,\"layout\":\"us\",\"pid_" \
	"count\":1"

static struct reply_lie reply_lies[] = {
	{ ASK_ACT, "{\"done\":[{\"ms\":1}]," ACT_OK "}", "", "" },
	{ ASK_ACT, "{\"done\":[]," ACT_OK "}", "", "0 of 1 actions done" },
	{ ASK_ACT, "{\"done\":[{\"ms\":1},{\"ms\":1}]," ACT_OK "}", "", "at most 1" },
	{ ASK_ACT, "{\"done\":7," ACT_OK "}", "", "'done'" },
	{ ASK_ACT, "{\"done\":[7]," ACT_OK "}", "", "'done'" },
	{ ASK_ACT, "{\"done\":[{\"ms\":-1}]," ACT_OK "}", "", "'ms' must be" },
	{ ASK_ACT,
		"{\"done\":[{\"ms\":1}],\"pointer\":[1280,2],\"frame_id\":5,\"changed\":"
		"true}",
		"", "a pointer at [1280, 2]" },
	{ ASK_ACT, "{\"done\":[{\"ms\":1}],\"pointer\":[1],\"frame_id\":5,\"changed\":true}", "",
		"'pointer'" },
	{ ASK_ACT, "{\"done\":[{\"ms\":1}]," ACT_OK ",\"surprise\":1}", "", "'surprise'" },
	{ ASK_ACT,
		"{\"done\":[],\"failed\":{\"index\":0,\"kind\":\"state\",\"text\":\"no\"}"
		"," ACT_OK "}",
		"", "" },
	{ ASK_ACT,
		"{\"done\":[],\"failed\":{\"index\":1,\"kind\":\"state\",\"text\":\"no\"}"
		"," ACT_OK "}",
		"", "'failed' at index 1 after 0" },
	{ ASK_ACT,
		"{\"done\":[{\"ms\":1}],\"failed\":{\"index\":1,\"kind\":\"state\","
		"\"text\":\"no\"}," ACT_OK "}",
		"", "'failed' at index 1 after 1 of 1" },
	{ ASK_ACT, "{\"done\":[{\"ms\":1}]," ACT_OK ",\"moving\":[[1,2,3]]}", "", "'moving'" },
	{ ASK_ACT, "{\"done\":[{\"ms\":1}]," ACT_OK ",\"moving\":[[1,2,3,99999]]}", "",
		"'moving'" },
	{ ASK_ACT, FRAME("\"format\":\"jpeg\""), "\xff\xd8\xff\xe0", "" },
	{ ASK_ACT, FRAME("\"format\":\"png\""), "\xff\xd8\xff\xe0", "an image that is not png" },
	{ ASK_ACT, FRAME("\"format\":\"gif\""), "GIF89a", "'format' must be one of" },
	{ ASK_ACT, FRAME("\"format\":\"jpeg\""), "", "an image of 0 bytes" },
	{ ASK_ACT, FRAME("\"format\":\"png\",\"raw\":[4,4]"), "pixels", "unrequested pixels" },
	{ ASK_ACT, "{\"done\":[{\"ms\":1}]," ACT_OK "}", "bytes", "payload of 5 bytes" },
	{ ASK_ACT, FRAME("\"format\":\"jpeg\",\"place\":[0,0,10,10]"), JPEG,
		"a place of the screen" },
	{ ASK_ACT, "{\"done\":[{\"ms\":1}]," ACT_OK ",\"marks\":[]}", "", "unrequested marks" },
	{ ASK_WINDOW, LOOK("\"place\":[-5,0,5,10]"), JPEG, "" },
	{ ASK_WINDOW, LOOK("\"title\":\"t\""), JPEG, "a window without its place" },
	{ ASK_WINDOW, LOOK("\"place\":[5,5,5,10]"), JPEG, "a window of 0x5" },
	{ ASK_WINDOW, LOOK("\"place\":[0,0,4000000000,10]"), JPEG, "a window at 4000000000" },
	{ ASK_MARKS, MARKS("[{\"mark\":1,\"role\":\"button\"}]"), "", "" },
	{ ASK_MARKS, MARKS("[7]"), "", "'marks' must hold objects" },
	{ ASK_MARKS, MARKS("[{\"mark\":81,\"role\":\"button\"}]"), "", "'mark' must be" },
	{ ASK_MARKS, MARKS("[{\"mark\":1}]"), "", "'role' is missing" },
	{ ASK_MARKS, MARKS("{}"), "", "'marks' must be an array" },
	{ ASK_LAUNCH, "{\"pid\":7,\"window\":{" WINDOW "}}", "", "" },
	{ ASK_LAUNCH, "{\"pid\":-7}", "", "'pid'" },
	{ ASK_LAUNCH, "{\"pid\":7,\"window\":[]}", "", "'window'" },
	{ ASK_LAUNCH, "{\"pid\":7,\"window\":{\"id\":1}}", "", "'window'" },
	{ ASK_APPLICATIONS, "{\"applications\":[{\"id\":\"a\",\"name\":\"A\",\"program\":\"a\"}]}",
		"", "" },
	{ ASK_APPLICATIONS, "{\"applications\":{}}", "", "'applications' must be an array" },
	{ ASK_APPLICATIONS, "{\"applications\":[null]}", "", "'applications' must hold objects" },
	{ ASK_APPLICATIONS, "{\"applications\":[{\"id\":\"a\"}]}", "", "'name' is missing" },
	{ ASK_INFO, "{" INFO ",\"windows\":[{" WINDOW "}]}", "", "" },
	{ ASK_INFO, "{" INFO ",\"windows\":[7]}", "", "'windows' must hold objects" },
	{ ASK_INFO, "{" INFO "}", "", "'windows' is missing" },
	{ ASK_PING, "{}", "", "" },
	{ ASK_PING, "{\"pong\":1}", "", "'pong'" },
	{ ASK_EXEC, "{\"ms\":1}", "", "'signal'" },
	{ ASK_EXEC, "{\"ms\":1,\"status\":1,\"signal\":9}", "", "'signal'" },
	{ ASK_EXEC, "{\"ms\":1,\"status\":256}", "", "'status' must be" },
	{ ASK_CLIPBOARD, "{\"type\":\"text/plain\"}", "text", "" },
	{ ASK_CLIPBOARD, "{\"absent\":\"empty\"}", "", "" },
	{ ASK_CLIPBOARD, "{}", "", "either 'type' or 'absent'" },
	{ ASK_CLIPBOARD, "{\"type\":\"text/plain\",\"absent\":\"empty\"}", "",
		"either 'type' or 'absent'" },
	{ ASK_CLIPBOARD, "{\"absent\":\"secret\"}", "text", "unexpected payload" },
	{ ASK_CLIPBOARD, "{\"type\":\"text/plain\"}", "te\xff", "must be UTF-8" },
	{ ASK_CLIPBOARD, "{\"type\":\"image/png\"}", "GIF", "must be PNG" },
	{ ASK_CLIPBOARD, "{\"type\":\"image/gif\"}", "GIF", "'type' must be" },
	{ ASK_TEXT, TEXT_FOUND("[" MATCH("[1,2,3,4]") "]"), "", "" },
	{ ASK_TEXT, TEXT_FOUND("{}"), "", "'matches' must be an array" },
	{ ASK_TEXT, TEXT_FOUND("[7]"), "", "a match must be an object" },
	{ ASK_TEXT, TEXT_FOUND("[{\"text\":\"t\"}]"), "", "'box' is missing" },
	{ ASK_TEXT, TEXT_FOUND("[" MATCH("[3,2,3,4]") "]"), "", "a match at [3, 2, 3, 4]" },
	{ ASK_TEXT, TEXT_FOUND("[" MATCH("[-1,2,3,4]") "]"), "", "a match at [-1, 2, 3, 4]" },
	{ ASK_TEXT, TEXT_FOUND("[" MATCH("[1,2,3,99999]") "]"), "", "a match at [1, 2, 3, 99999]" },
	{ ASK_TEXT, TEXT_FOUND("[],\"near\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]"), "", "'near'" },
	{ ASK_TEXT, TEXT_FOUND("[]"), "bytes", "payload" },
	{ ASK_WAIT, WAITED(MATCH("[1,2,3,4]")), "", "" },
	{ ASK_WAIT, WAITED(MATCH("[1,2,3,1]")), "", "a match at [1, 2, 3, 1]" },
};

ParameterizedTestParameters(hostile, replies)
{
	return cr_make_param_array(
		struct reply_lie, reply_lies, sizeof(reply_lies) / sizeof(reply_lies[0]));
}

static void on_lie_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	const struct reply_lie *lie = data;
	(void)msg;
	json_error_t why;
	json_t *reply = json_loads(lie->reply, 0, &why);
	cr_assert_not_null(reply, "%s: %s", why.text, lie->reply);
	link_reply(link, id, reply, lie->tail, strlen(lie->tail));
}

static void on_clipboard(const struct guest_clipboard *res, const struct err *err, void *data)
{
	json_auto_t *nothing = json_object();
	on_json(res ? nothing : NULL, err, data);
}

static void look(struct vm *vm, int64_t window, int64_t marks_ms, struct answer *answer)
{
	struct observe how;
	observe_init(&how, OBSERVE_FRAME);
	how.of_window = window;
	how.marks_ms = marks_ms;
	guest_act(vm_guest(vm), NULL, 0, &how, on_act, answer);
}

static void ask(struct vm *vm, int what, struct answer *answer)
{
	struct action wait = { .kind = ACTION_WAIT, .ms = 1 };
	static const struct clipboard_wish any = { 2, { CLIPBOARD_TEXT, CLIPBOARD_PNG } };
	switch ((enum client_request)what) {
	case ASK_ACT:
		guest_act(vm_guest(vm), &wait, 1, NULL, on_act, answer);
		break;
	case ASK_WINDOW:
		look(vm, 7, 0, answer);
		break;
	case ASK_MARKS:
		look(vm, 0, 1000, answer);
		break;
	case ASK_LAUNCH:
		guest_launch(vm_guest(vm), "x", NULL, 1000, on_launch, answer);
		break;
	case ASK_APPLICATIONS:
		guest_applications(vm_guest(vm), on_json, answer);
		break;
	case ASK_INFO:
		guest_info(vm_guest(vm), on_json, answer);
		break;
	case ASK_PING:
		guest_ping(vm_guest(vm), on_json, answer);
		break;
	case ASK_EXEC:
		guest_exec(vm_guest(vm), "x", NULL, 1000, on_exec, answer);
		break;
	case ASK_CLIPBOARD:
		guest_clipboard_get(vm_guest(vm), GUEST_ASKER_AGENT, &any, on_clipboard, answer);
		break;
	case ASK_TEXT:
		guest_find_text(
			vm_guest(vm), &(struct msg_find_text){ .text = "x" }, on_json, answer);
		break;
	case ASK_WAIT:
		guest_wait(vm_guest(vm),
			&(struct msg_wait){ .until = WAIT_TEXT, .text = "x", .timeout_ms = 1000 },
			on_json, answer);
		break;
	}
}

ParameterizedTest(struct reply_lie *lie, hostile, replies, .timeout = 20)
{
	struct host host;
	static const struct link_handlers handlers = {
		.request = on_lie_request, .cancel = ignore_cancel, .closed = ignore_closed
	};
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &handlers, lie);
	struct answer *answer = answer_new(), *other = answer_new();
	say_ready(link);
	host_wait(&host, vm);
	ask(vm, lie->ask, answer);
	host_until(&host, &answer->done);
	ask(vm, lie->ask,
		other); /* after a lie it is refused, and the first is not answered again */
	host_until(&host, &other->done);
	cr_assert_eq(answer->times, 1);
	cr_assert_eq(other->times, 1);
	if (lie->says[0]) {
		cr_assert_eq(answer->err.kind, ERR_GONE, "%s", answer->err.text);
		cr_assert_not_null(strstr(answer->err.text, "agent sent"), "%s", answer->err.text);
		cr_assert_not_null(strstr(answer->err.text, lie->says), "%s", answer->err.text);
		cr_assert_eq(other->err.kind, ERR_GONE);
		cr_assert_eq(vm_state(vm), VM_GONE);
	} else {
		cr_assert_eq(answer->err.kind, ERR_NONE, "%s", answer->err.text);
		cr_assert_eq(vm_state(vm), VM_READY);
	}
	answer_free(answer);
	answer_free(other);
	link_free(link);
	host_done(&host);
	cr_assert_eq(liar_releases, 1);
}

/* ---- silence, garbage, and the end of the line ---- */

static void never_answer(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	(void)link;
	(void)id;
	(void)msg;
	(void)data;
}

static const struct link_handlers silent = {
	.request = never_answer, .cancel = ignore_cancel, .closed = ignore_closed
};

Test(hostile, an_agent_that_hangs_is_ended, .timeout = 20)
{
	struct host host;
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &silent, NULL);
	struct answer *answer = answer_new();
	say_ready(link);
	host_wait(&host, vm);
	vm->core->guest.liveness_ms = 30;
	host_for_ms(&host, 150);
	cr_assert_eq(vm_state(vm), VM_READY, "silence is fine while nobody asks");
	guest_info(vm_guest(vm), on_json, answer);
	host_until(&host, &answer->done);
	cr_assert_eq(answer->err.kind, ERR_GONE);
	cr_assert_not_null(strstr(answer->err.text, "has not responded"), "%s", answer->err.text);
	answer_free(answer);
	link_free(link);
	host_done(&host);
}

static void ask_each(struct vm *vm, struct answer *answers[4])
{
	for (size_t i = 0; i < 4; i++) {
		answers[i] = answer_new();
	}
	guest_exec(vm_guest(vm), "x", NULL, 1, on_exec, answers[0]);
	guest_look(vm_guest(vm), NULL, on_act, answers[1]);
	guest_launch(vm_guest(vm), "x", NULL, 1, on_launch, answers[2]);
	guest_info(vm_guest(vm), on_json, answers[3]);
}

static void hear_each(struct host *host, struct answer *answers[4], enum err_kind kind)
{
	for (size_t i = 0; i < 4; i++) {
		host_until(host, &answers[i]->done);
		cr_expect_eq(answers[i]->err.kind, kind, "%zu: %s", i, answers[i]->err.text);
		cr_expect_not_null(strstr(answers[i]->err.text, "did not complete '"), "%s",
			answers[i]->err.text);
		answer_free(answers[i]);
	}
}

Test(hostile, a_call_that_an_agent_only_sits_on_ends, .timeout = 60)
{
	struct host host;
	struct answer *answers[4];
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &lazy, NULL);
	say_ready(link);
	host_wait(&host, vm);
	vm->core->guest.grace_ms = 30;
	ask_each(vm, answers);
	hear_each(&host, answers, ERR_TIMEOUT);
	cr_assert_eq(vm_state(vm), VM_READY, "only the calls have ended");
	link_free(link);
	host_done(&host);
}

Test(hostile, an_agent_that_does_not_stop_ends, .timeout = 60)
{
	struct host host;
	struct answer *answers[4];
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &lazy_and_stubborn, NULL);
	say_ready(link);
	host_wait(&host, vm);
	vm->core->guest.grace_ms = vm->core->guest.liveness_ms = 30;
	ask_each(vm, answers);
	hear_each(&host, answers, ERR_GONE);
	link_free(link);
	host_done(&host);
}

Test(hostile, an_agent_that_never_gets_ready_is_ended, .timeout = 20)
{
	struct host host;
	struct vm *vm =
		liar_new(&host, (struct vm_config){ .backend = "fake", .start_timeout_ms = 30 });
	struct waited waited = host_wait(&host, vm);
	cr_assert_eq(waited.err.kind, ERR_TIMEOUT);
	cr_assert_not_null(strstr(waited.err.text, "not ready"), "%s", waited.err.text);
	host_done(&host);
}

Test(hostile, a_link_that_closes_ends_it, .timeout = 20)
{
	struct host host;
	struct err err;
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &silent, NULL);
	struct answer *answer = answer_new(), *late = answer_new();
	say_ready(link);
	host_wait(&host, vm);
	guest_exec(vm_guest(vm), "x", NULL, 1000, on_exec, answer);
	link_free(link);
	host_for_ms(&host, 20);
	guest_ping(vm_guest(vm), on_json, late); /* in the moment in which nobody knows yet */
	host_until(&host, &answer->done);
	host_until(&host, &late->done);
	cr_assert_eq(answer->err.kind, ERR_GONE);
	cr_assert_eq(late->err.kind, ERR_GONE);
	cr_assert_null(vm_find(host.pool, "alice", vm_id(vm), &err));
	cr_assert_not_null(strstr(err.text, "connection to its agent was lost"), "%s", err.text);
	answer_free(answer);
	answer_free(late);
	host_done(&host);
}

Test(hostile, garbage_ends_it, .timeout = 20)
{
	struct host host;
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	cr_assert_eq(write(liar_last->fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	struct waited waited = host_wait(&host, vm);
	cr_assert_neq(waited.err.kind, ERR_NONE);
	cr_assert_eq(vm_state(vm), VM_GONE);
	host_done(&host);
}

/* ---- outputs of commands ---- */

struct teller {
	struct link *link;
	uint32_t id;
	size_t left;
};

static void write_more(struct link *link, uint32_t id, void *data)
{
	struct teller *teller = data;
	static const char bad[] = "\xff\xfe\0text\n";
	while (teller->left) {
		size_t n = teller->left < 9 ? teller->left : 9;
		size_t taken = link_write(link, id, EXEC_STDOUT, bad, n);
		teller->left -= taken;
		if (taken < n) {
			return;
		}
	}
	link_reply(link, id, json_pack("{s:i, s:i}", "status", 0, "ms", 1), NULL, 0);
}

static void on_tell(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	static const struct link_talk talk = { .writable = write_more };
	struct err err;
	(void)msg;
	cr_assert(link_accept(link, id, &talk, data, &err));
	write_more(link, id, data);
}

Test(hostile, output_of_any_bytes_and_size_is_consumed, .timeout = 20)
{
	struct host host;
	struct teller teller = { .left = 9000000 };
	static const struct link_handlers handlers = {
		.request = on_tell, .cancel = ignore_cancel, .closed = ignore_closed
	};
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &handlers, &teller);
	say_ready(link);
	host_wait(&host, vm);
	struct answer *a = host_exec(&host, vm, "x", 1000);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert_eq(a->exec.out.total, 9000000);
	cr_assert(a->exec.exited);
	cr_assert_eq(strncmp(a->out, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdtext\n", 14), 0, "%.20s",
		a->out);
	json_t *text = json_string(a->out);
	cr_assert_not_null(text, "the output is no JSON text");
	json_decref(text);
	answer_free(a);
	link_free(link);
	host_done(&host);
}

static void count(struct vm *changed, void *data)
{
	cr_assert_not_null(changed);
	++*(int *)data;
}

Test(hostile, a_watched_screen_is_told_at_most_5_times_a_second, .timeout = 20)
{
	struct host host;
	int told = 0;
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &silent, NULL);
	say_ready(link);
	host_wait(&host, vm);
	static const struct vm_listener events = { .screen = count };
	struct listener listener;
	listener_add(vm_listeners(host.pool), &listener, &events, &told);
	vm_watch(vm, true);
	for (int i = 0; i < 1000; i++) {
		link_event(link, "screen", json_pack("{s:i}", "frame_id", i));
	}
	host_for_ms(&host, 300);
	cr_assert_geq(told, 1);
	cr_assert_leq(told, 2);
	vm_watch(vm, false);
	link_event(link, "screen", json_pack("{s:i}", "frame_id", 1001));
	int before = told;
	host_for_ms(&host, 300);
	cr_assert_eq(told, before, "told though nobody watches");
	link_free(link);
	host_done(&host);
}
