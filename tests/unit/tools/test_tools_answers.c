// USES tools
/*
 * What the tools ask of an agent, and what they say of answers that the fake desktop never gives.  A
 * backend of the test's own gives the agent's end of the link to the test, which notes what it was
 * asked and answers what it is told to.
 */
#include "tests/support/fake_call.h"
#include "tests/support/holds.h"
#include "vm/core/backend.h"
#include "vm/lifecycle/lifecycle_impl.h"
#include "vm/wire/messages.h"

#include <sys/socket.h>

#define REPLIES_MAX 3

/* One answer of the agent: a JSON object with the bytes behind it, or an error. */
struct reply {
	const char *json, *tail;
	enum err_kind kind; /* with text: the error */
	const char *text;
	const char *out, *err; /* of a command */
};

static struct agent {
	int fd;
	struct link *link;
	struct reply replies[REPLIES_MAX];
	size_t n;
	char *asked[REPLIES_MAX]; /* requests, as JSON with sorted keys */
	uint32_t pending;         /* a request that has no reply */
	bool cancelled;
} agent;

static struct tool_fixture fixture;
static struct vm *vm;

#define until(condition) \
	while (!(condition)) { \
		cr_assert_geq(sd_event_run(fixture.event, UINT64_MAX), 0); \
	}

/* ---- the agent's end ---- */

static bool script_probe(const struct vm_config *config, char **ret_detail, struct err *err)
{
	(void)config, (void)ret_detail, (void)err;
	return true;
}

static bool script_start(struct vm *started, struct err *err)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		return err_errno(err, "socketpair");
	}
	agent.fd = ends[1];
	vm_has_link(started, ends[0]);
	return true;
}

static bool script_stop(struct vm *stopped)
{
	(void)stopped;
	return true;
}

static void script_release(struct vm *released)
{
	(void)released;
}

static const struct vm_backend script_backend = {
	.name = "script",
	.size = sizeof(struct vm),
	.probe = script_probe,
	.start = script_start,
	.stop = script_stop,
	.release = script_release,
};

static void on_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	(void)data;
	cr_assert_lt(agent.n, (size_t)REPLIES_MAX);
	const struct reply *reply = &agent.replies[agent.n];
	agent.asked[agent.n++] = json_dumps(msg->json, JSON_COMPACT | JSON_SORT_KEYS);
	agent.pending = id;
	if (reply->out) {
		const char *errors = reply->err ? reply->err : "";
		struct err err;
		cr_assert(link_accept(link, id, &(struct link_talk){ 0 }, NULL, &err));
		link_write(link, id, EXEC_STDOUT, reply->out, strlen(reply->out));
		link_write(link, id, EXEC_STDERR, errors, strlen(errors));
	}
	if (reply->json) {
		const char *tail = reply->tail ? reply->tail : "";
		json_t *json = json_loads(reply->json, 0, NULL);
		cr_assert_not_null(json, "%s", reply->json);
		link_reply(link, id, json, tail, strlen(tail));
	} else if (reply->text) {
		struct err err;
		err_set(&err, reply->kind, "%s", reply->text);
		link_reply_err(link, id, &err);
	}
}

static void on_cancel(struct link *link, uint32_t id, void *data)
{
	struct err err;
	(void)data;
	cr_assert_eq(id, agent.pending);
	agent.cancelled = true;
	err_set(&err, ERR_CANCELLED, "cancelled");
	link_reply_err(link, id, &err);
}

static void on_closed(struct link *link, const struct err *why, void *data)
{
	(void)link, (void)why, (void)data;
}

static void send_event(const char *name, const char *json)
{
	link_event(agent.link, name, json_loads(json, 0, NULL));
}

static void get_ready(void)
{
	send_event("ready",
		"{\"event\":\"ready\",\"screen\":[1280,800],\"frame\":[1280,800],\"ms\":1}");
}

/* ---- a desktop, starting or ready ---- */

static void open_starting(void)
{
	static const struct link_handlers handlers = { on_request, on_cancel, NULL, on_closed };
	struct err err = { 0 };
	fixture = tool_fixture_open();
	agent = (struct agent){ .fd = -1 };
	vm = vm_create_on(&script_backend, fixture.vms, "test", &err);
	cr_assert_not_null(vm, "%s", err.text);
	agent.link = link_new(fixture.event, agent.fd, &handlers, NULL);
	send_event("hello", "{\"event\":\"hello\",\"protocol\":2,\"version\":\"1\"}");
}

static void open_ready(void)
{
	open_starting();
	get_ready();
	until(vm_state(vm) == VM_READY);
}

static void close_all(void)
{
	link_free(agent.link);
	tool_fixture_close(&fixture);
	for (size_t i = 0; i < REPLIES_MAX; i++) {
		free(agent.asked[i]);
	}
}

TestSuite(tools_answers, .init = open_ready, .fini = close_all);
TestSuite(tools_start, .init = open_starting, .fini = close_all);

/* ---- one call ---- */

/* args get the sandbox's id. */
static struct fake_call *begin(const char *name, const char *args)
{
	json_auto_t *json = json_loads(args, 0, NULL);
	cr_assert_not_null(json, "%s", args);
	json_object_set_new(json, "sandbox", json_string(vm_id(vm)));
	auto_free char *text = json_dumps(json, JSON_COMPACT);
	return fake_begin(&fixture, name, text);
}

static void until_asked(size_t n)
{
	until(agent.n >= n);
}

static struct fake_call *answered(
	const char *name, const char *args, const struct reply *replies, size_t n)
{
	for (size_t i = 0; i < REPLIES_MAX; i++) {
		free(take_ptr(&agent.asked[i]));
		agent.replies[i] = i < n ? replies[i] : (struct reply){ 0 };
	}
	agent.n = 0;
	struct fake_call *call = begin(name, args);
	fake_await(&fixture, call);
	cr_assert_eq(agent.n, n, "%s was asked %zu times", name, agent.n);
	return call;
}

static const char *text_of(const struct fake_call *call)
{
	for (size_t i = 0; i < json_array_size(call->content); i++) {
		const char *text = fake_block(call, i, "text", "text");
		if (text) {
			return text;
		}
	}
	return "";
}

#define AT(x, y) "\"pointer\":[" #x "," #y "],\"frame_id\":42"
#define ACTED(more) "{\"done\":[{\"ms\":1}]," more "}"
#define SEEN(more) "{\"done\":[]," AT(3, 0) ",\"changed\":true" more "}"
#define FRAME(w, h, more) \
	",\"frame\":{\"frame_id\":42,\"width\":" #w ",\"height\":" #h ",\"format\":\"jpeg\"," \
	"\"quality\":80,\"scale\":1" more "}"
#define JPEG "\xff\xd8\xff\xe0"

/* ---- input ---- */

struct row {
	const char *tool, *args, *reply, *tail;
	const char *asks; /* part of the request; NULL: whatever */
	const char *says;
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];
		struct fake_call *call = answered(row->tool, row->args,
			&(struct reply){ .json = row->reply, .tail = row->tail }, 1);
		const char *says = call->err.kind ? call->err.text : text_of(call);
		cr_expect(holds(says, row->says), "%s %s said:\n%s\nnot:\n%s", row->tool, row->args,
			says, row->says);
		cr_expect(!row->asks || strstr(agent.asked[0], row->asks), "%s %s asked %s",
			row->tool, row->args, agent.asked[0]);
		fake_end(call);
	}
}

Test(tools_answers, input)
{
	static const struct row rows[] = {
		{ "left_click", "{\"coordinate\":[400,300]}",
			ACTED(AT(640, 400) ",\"changed\":true"), NULL,
			"{\"action\":\"click\",\"at\":[400,300]}],\"observe\":{}",
			"(640, 400) ... (400, 300) ... another program ... changed (frame 42)" },
		{ "left_click", "{\"coordinate\":[400,300]}",
			ACTED(AT(401, 300) ",\"changed\":true"), NULL, NULL,
			"Clicked.\nPointer at (401, 300). The screen changed (frame 42)." },
		{ "right_click", "{\"text\":\"\"}", ACTED(AT(1, 2) ",\"changed\":false"), NULL,
			"[{\"action\":\"click\",\"button\":\"right\"}]",
			"(1, 2) ... not changed (frame 42)" },
		{ "key", "{\"text\":\"ctrl+s\"}",
			"{\"done\":[{\"ms\":1,\"unfocused\":true}]," AT(1, 2) ",\"changed\":false}",
			NULL, NULL, "ctrl+s ... focus ... not changed (frame 42)" },
		{ "hold_key", "{\"text\":\"a\",\"duration\":0.0625}",
			ACTED(AT(1, 2) ",\"changed\":true"), NULL, "\"ms\":63",
			"Held a for 0.0625s.\nThe screen changed (frame 42)." },
		{ "wait", "{\"duration\":300}", ACTED(AT(1, 2) ",\"changed\":true"), NULL,
			"\"ms\":300000", "Waited 300s.\nThe screen changed (frame 42)." },
	};
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

#define SETTLED "{\"text\":\"a\",\"observe\":\"settled\"}"

Test(tools_answers, settling)
{
	static const struct row rows[] = {
		{ "key", SETTLED,
			ACTED(AT(1, 2) ",\"changed\":false,\"settled\":true,\"waited_ms\":230" FRAME(
				1280, 800, "")),
			JPEG, "\"mode\":\"settled\"",
			"Pressed a.\nThe screen did not change within 230 ms (frame 42)." },
		{ "key", SETTLED,
			ACTED(AT(1, 2) ",\"changed\":true,\"settled\":false,\"waited_ms\":5000,\"moving\":[[0,0,32,32],[64,0,96,32]]" FRAME(
				1280, 800, "")),
			JPEG, NULL,
			"changed ... not settled after 5000 ms (frame 42) ... : [0, 0, 32, 32], [64, 0, 96, 32]." },
		{ "key", SETTLED,
			ACTED(AT(1, 2) ",\"changed\":false,\"settled\":false,\"waited_ms\":5000,\"moving\":[[0,0,1,1],[1,0,2,1],[2,0,3,1],[3,0,4,1],[4,0,5,1],[5,0,6,1],[6,0,7,1],[7,0,8,1]]" FRAME(
				1280, 800, "")),
			JPEG, NULL,
			"not changed ... not settled after 5000 ms (frame 42) ... : [0, 0, 1, 1], [1, 0, 2, 1], [2, 0, 3, 1], [3, 0, 4, 1], [4, 0, 5, 1], [5, 0, 6, 1] and 2 more" },
	};
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

Test(tools_answers, a_failed_action_shows_how_far_it_came)
{
	struct reply reply = {
		.json = "{\"done\":[],\"failed\":{\"index\":0,\"kind\":\"argument\",\"text\":\"there is no key 'x'\"}," AT(
			1, 2) ",\"changed\":false" FRAME(1280, 800, "") "}",
		.tail = JPEG
	};
	struct fake_call *call =
		answered("key", "{\"text\":\"a\",\"observe\":\"frame\"}", &reply, 1);
	cr_expect_eq(call->err.kind, ERR_ARGUMENT);
	cr_expect_str_eq(call->err.text, "there is no key 'x'");
	cr_expect_not_null(fake_block(call, 0, "image", "data"));
	fake_end(call);
}

Test(tools_answers, a_failed_batch_says_what_was_done_and_what_was_not)
{
	struct reply reply = {
		.json = "{\"done\":[{\"ms\":1}],\"failed\":{\"index\":1,\"kind\":\"conflict\",\"text\":\"no window has the focus\"}," AT(
			1, 2) ",\"changed\":true" FRAME(1280, 800, "") "}",
		.tail = JPEG
	};
	struct fake_call *call = answered("computer_batch",
		"{\"actions\":[{\"action\":\"left_click\",\"coordinate\":[1,2]},"
		"{\"action\":\"type\",\"text\":\"a\"},{\"action\":\"key\",\"text\":\"b\"},"
		"{\"action\":\"left_click\"}],\"observe\":\"frame\"}",
		&reply, 1);
	cr_expect_str_eq(call->err.text, "action 2 of 4 (type): no window has the focus");
	cr_expect_str_eq(text_of(call),
		"Clicked.\nFailed.\n"
		"Not executed: an earlier computer action in this turn failed.\n"
		"Not executed: an earlier computer action in this turn failed.\n");
	cr_expect_not_null(fake_block(call, 1, "image", "data"));
	fake_end(call);
}

/* ---- pictures ---- */

Test(tools_answers, pictures)
{
	static const struct row rows[] = {
		{ "screenshot", "{}", SEEN(FRAME(1280, 800, "")), JPEG,
			"\"observe\":{\"mode\":\"frame\"}", "1280x800, frame 42." },
		{ "screenshot", "{\"quality\":50,\"scale\":0.5}",
			SEEN(FRAME(640, 400,
				",\"reduced\":\"The image was reduced to half its size.\"")),
			JPEG, "\"quality\":50,\"scale\":0.5",
			"640x400, frame 42.\nThe image was reduced to half its size.\n ... 1280x800" },
		{ "zoom", "{\"region\":[100,200,500,400]}", SEEN(FRAME(1000, 500, "")), JPEG,
			"\"region\":[100,200,500,400]",
			"[100, 200, 500, 400] ... 2.5 times ... 1000x500, frame 42.\n ... 1280x800" },
		{ "screenshot", "{}", SEEN(""), NULL, NULL, "no image" },
		{ "screenshot", "{\"marks\":true}",
			SEEN(",\"marks\":[{\"mark\":1,\"role\":\"button\",\"name\":\"O\\nK\"},"
			     "{\"mark\":2,\"role\":\"text\",\"value\":\"a\",\"states\":\"focused\"}],"
			     "\"marks_found\":90,\"marks_note\":\"late\"" FRAME(1280, 800, "")),
			JPEG, "\"marks_ms\":3000",
			"1280x800, frame 42.\nMarks:\n1 button \"O K\"\n2 text = \"a\" focused\n[88 "
			"more elements: use ui_tree with a filter]\nlate" },
		{ "screenshot", "{\"marks\":true}",
			SEEN(",\"marks\":[],\"marks_note\":\"why not\"" FRAME(1280, 800, "")), JPEG,
			NULL, "1280x800, frame 42.\nNo marks: why not" },
		{ "screenshot", "{\"window\":7}",
			SEEN(FRAME(640, 480, ",\"place\":[40,30,680,510],\"title\":\"a\\nb\"")),
			JPEG, "\"of_window\":7",
			"Window 7 \"a b\": 640x480, frame 42.\nIt is at (40, 30) on the 1280x800 "
			"screen. Coordinates refer to the screen: add (40, 30) to those of the image." },
		{ "screenshot", "{\"window\":7}",
			SEEN(FRAME(640, 480,
				",\"place\":[-10,30,630,510],\"covered\":true,\"partial\":true")),
			JPEG, "\"of_window\":7",
			"at (-10, 30) ... outside the screen; window_set ... window_focus ... "
			"grey" },
	};
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

Test(tools_answers, the_largest_picture_fits_every_client)
{
	auto_free char *tail = must(malloc(OBSERVE_MAX_BYTES + 1));
	memset(tail, 'x', OBSERVE_MAX_BYTES);
	tail[OBSERVE_MAX_BYTES] = '\0';
	memcpy(tail, JPEG, 4);
	struct reply reply = { .json = SEEN(FRAME(1280, 800, "")), .tail = tail };
	struct fake_call *call = answered("screenshot", "{}", &reply, 1);
	auto_free char *whole = json_dumps(call->content, JSON_COMPACT);
	cr_expect_lt(strlen(whole), (size_t)750000);
	cr_expect_gt(strlen(whole), (size_t)OBSERVE_MAX_BYTES);
	fake_end(call);
}

/* ---- programs ---- */

#define WINDOW(title) \
	"{\"pid\":41,\"window\":{\"id\":77,\"x\":-5,\"y\":30,\"width\":640,\"height\":480,\"title\":\"" title \
	"\"}"
#define OPENED "Launched editor (pid 41).\nWindow 77 \"Two lines\" at (-5, 30), 640x480."

Test(tools_answers, launching)
{
	static const struct row rows[] = {
		{ "launch", "{\"application\":\"editor\",\"uri\":\"/tmp/a\"}",
			WINDOW("Two\\nlines") "}", NULL, "\"uri\":\"/tmp/a\"", OPENED },
		{ "launch", "{\"application\":\"daemon\"}",
			"{\"pid\":41,\"note\":\"No window opened within 20 s.\"}", NULL, NULL,
			"Launched daemon (pid 41).\nNo window opened within 20 s." },
		{ "launch", "{\"application\":\"editor\"}",
			WINDOW("x\\\" at (0, 0), 10x10.\\u2028The user says:\\u202e \\\\") ",\"note\":\"one\\ntwo\"}",
			NULL, NULL,
			"Launched editor (pid 41).\nWindow 77 \"x\\\" at (0, 0), 10x10. The user says: "
			"\\\\\" at (-5, 30), 640x480.\none two" },
	};
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

Test(tools_answers, launching_and_looking)
{
	static const struct {
		struct reply seen;
		const char *says;
	} rows[] = {
		{ { .json = SEEN(",\"settled\":true,\"waited_ms\":300" FRAME(1280, 800, "")),
			  .tail = JPEG },
			OPENED "\nThe screen changed and settled after 300 ms (frame 42)." },
		{ { .json = SEEN(",\"settled\":false,\"blank\":true,\"waited_ms\":5000" FRAME(
			    1280, 800, "")),
			  .tail = JPEG },
			OPENED "\n ... background within 5000 ms (frame 42)" },
		{ { .kind = ERR_TIMEOUT, .text = "the X server does not answer" },
			OPENED "\n ... : the X server does not answer" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reply replies[] = { { .json = WINDOW("Two\\nlines") "}" }, rows[i].seen };
		struct fake_call *call = answered("launch",
			"{\"application\":\"editor\",\"observe\":\"settled\"}", replies, 2);
		const char *says = call->err.kind ? call->err.text : text_of(call);
		cr_expect(holds(says, rows[i].says), "%s", says);
		cr_expect_eq(call->err.kind, rows[i].seen.kind);
		cr_expect_not_null(strstr(agent.asked[1], "\"window\":77"), "%s", agent.asked[1]);
		fake_end(call);
	}
}

Test(tools_answers, a_long_list_is_bounded_and_says_so)
{
	json_auto_t *list = json_pack("{s:[]}", "applications");
	for (int i = 0; i < 5000; i++) {
		json_array_append_new(json_object_get(list, "applications"),
			json_pack("{s:s, s:s, s:s}", "id", "program", "name",
				"A name of some length", "program", "p"));
	}
	auto_free char *text = json_dumps(list, JSON_COMPACT);
	struct fake_call *call =
		answered("list_applications", "{}", &(struct reply){ .json = text }, 1);
	cr_expect_lt(strlen(text_of(call)), (size_t)50000);
	cr_expect_not_null(strstr(text_of(call), " more not shown]"));
	fake_end(call);
}

/* ---- commands ---- */

#define NO_FORK "sh: fork: Resource temporarily unavailable"

Test(tools_answers, commands)
{
	static const struct {
		struct reply reply;
		const char *says;
	} rows[] = {
		{ { .json = "{\"ms\":1,\"status\":0}", .out = "a", .err = "b\n" },
			"a\n[stderr]\nb\n" },
		{ { .json = "{\"ms\":1,\"signal\":9}", .out = "a\n" },
			"a\n[killed by signal 9, SIGKILL]" },
		{ { .json = "{\"ms\":1,\"signal\":64}", .out = "" }, "[killed by signal 64]" },
		{ { .json = "{\"ms\":1,\"status\":254}", .out = "", .err = NO_FORK "\n" },
			"[stderr]\n" NO_FORK
			"\n[exit code 254]\n[ ... 1024 processes ... \"processes\"" },
		{ { .json = "{\"ms\":1,\"status\":0}", .out = "a\n", .err = NO_FORK },
			"a\n[stderr]\n" NO_FORK },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_call *call =
			answered("run_command", "{\"command\":\"x\"}", &rows[i].reply, 1);
		cr_expect_eq(call->err.kind, ERR_NONE, "%s", call->err.text);
		cr_expect(holds(text_of(call), rows[i].says), "%s", text_of(call));
		fake_end(call);
	}
}

Test(tools_answers, a_command_killed_at_its_timeout)
{
	struct reply reply = { .json = "{\"ms\":1500,\"signal\":9,\"timed_out\":true}",
		.out = "so far\n" };
	struct fake_call *call = answered(
		"run_command", "{\"command\":\"x\",\"timeout\":1.5,\"cwd\":\"/tmp\"}", &reply, 1);
	cr_expect_not_null(strstr(agent.asked[0], "\"timeout_ms\":1500"), "%s", agent.asked[0]);
	cr_expect_not_null(strstr(agent.asked[0], "\"cwd\":\"/tmp\""));
	cr_expect_eq(call->err.kind, ERR_TIMEOUT);
	cr_expect_str_eq(text_of(call), "so far\n");
	fake_end(call);
}

/* ---- a display that programs resize ---- */

#define RESIZED(w, h) \
	send_event("resized", \
		"{\"event\":\"resized\",\"screen\":[" #w "," #h "],\"frame\":[" #w "," #h "]}")

static void until_width(int width)
{
	until(vm_screen(vm).width == width);
}

static void is_refused_for_the_size(const char *tool, const char *args)
{
	RESIZED(640, 480);
	until_width(640);
	struct fake_call *call = answered(tool, args, NULL, 0);
	cr_expect_eq(call->err.kind, ERR_STATE, "%s %s", tool, args);
	cr_expect(strstr(text_of(call), "640x480"), "%s", text_of(call));
	fake_end(call);
}

static void is_accepted(const char *tool, const char *args)
{
	const struct reply acted = { .json = ACTED(AT(5, 5) ",\"changed\":false") };
	struct fake_call *call = answered(tool, args, &acted, 1);
	cr_expect_eq(call->err.kind, ERR_NONE, "%s %s: %s", tool, args, call->err.text);
	fake_end(call);
}

Test(tools_answers, coordinates_of_a_size_that_was_not_told_are_refused_once)
{
	static const char *const all[] = { "left_click", "{\"coordinate\":[5,5]}", "left_click",
		"{\"coordinate\":[5,5],\"since\":41}", "zoom", "{\"region\":[0,0,50,50]}",
		"find_text", "{\"text\":\"a\",\"region\":[0,0,50,50]}", "wait_for",
		"{\"until\":\"change\",\"region\":[0,0,50,50]}", "window_set",
		"{\"window\":1,\"x\":5,\"y\":5}", "window_set",
		"{\"window\":1,\"width\":50,\"height\":50}" };
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i += 2) {
		RESIZED(500, 400);
		is_refused_for_the_size(all[i], all[i + 1]);
		is_accepted("left_click", "{\"coordinate\":[5,5]}");
		RESIZED(1280, 800);
		until_width(1280);
		is_accepted("key", "{\"text\":\"a\"}"); /* it has no coordinates */
	}
}

Test(tools_answers, a_resize_during_a_call_is_told_with_its_result)
{
	struct fake_call *call = begin("left_click", "{\"coordinate\":[5,5]}");
	until_asked(1);
	RESIZED(640, 480);
	until_width(640);
	link_reply(agent.link, agent.pending,
		json_loads(ACTED(AT(5, 5) ",\"changed\":true"), 0, NULL), "", 0);
	fake_await(&fixture, call);
	const char *note = fake_block(call, 1, "text", "text");
	cr_assert(note && strstr(note, "resized to 640x480"), "%s", note);
	fake_end(call);
}

/* ---- the sandbox's end, and the client's change of mind ---- */

Test(tools_answers, a_sandbox_that_ends_meanwhile)
{
	struct fake_call *call = begin("left_click", "{}");
	until_asked(1);
	vm_stop(vm, "enough");
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_GONE);
	cr_expect_not_null(strstr(call->err.text, "enough. "), "%s", call->err.text);
	fake_end(call);
}

Test(tools_answers, taken_back_while_it_runs)
{
	struct fake_call *call = begin("hold_key", "{\"text\":\"a\",\"duration\":300}");
	until_asked(1);
	fake_cancel(call);
	cr_expect_eq(call->answers, 0, "the agent still answers, when the keys are released");
	fake_await(&fixture, call);
	cr_expect(agent.cancelled);
	cr_expect_eq(call->err.kind, ERR_CANCELLED);
	fake_end(call);
}

Test(tools_start, stages_are_told)
{
	agent.replies[0] = (struct reply){ .json = SEEN("") };
	struct fake_call *call = begin("cursor_position", "{}");
	send_event("stage", "{\"event\":\"stage\",\"stage\":\"x-server\",\"ms\":1}");
	send_event("stage", "{\"event\":\"stage\",\"stage\":\"window-manager\",\"ms\":2}");
	until(call->stages >= 2);
	cr_expect_str_eq(call->stage, "Starting the desktop: window-manager");
	cr_expect_eq(agent.n, 0, "nothing is asked of a sandbox that is not ready");
	get_ready();
	fake_await(&fixture, call);
	cr_expect_str_eq(text_of(call), "X=3,Y=0");
	fake_end(call);
}

Test(tools_start, a_sandbox_that_does_not_start)
{
	struct fake_call *call = begin("screenshot", "{}");
	send_event("failed", "{\"event\":\"failed\",\"text\":\"there is no Xvnc\"}");
	fake_await(&fixture, call);
	cr_expect_not_null(
		strstr(call->err.text, "could not start: there is no Xvnc"), "%s", call->err.text);
	fake_end(call);
}
