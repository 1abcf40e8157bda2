// USES tools
#include "fake_call.h"
#include "vm/guest.h"

/*
 * What the tools ask of an agent and what they make of its answers, word by word.  The sandbox is a
 * stand-in in this file: it keeps what it was asked, and the test answers, so every answer an agent
 * may give can be given.
 */

/* ---- the stand-in for vm/ ---- */

struct vm {
	enum vm_state state;
	const char *note;
};

static struct vm stand_in;
static struct vm_wait_handlers waiting; /* and who waits */
static void *waiter;
static bool wait_cancelled;

static struct {
	struct action action;
	size_t n;
	struct observe observe;
	guest_act_fn *act;
	guest_launch_fn *launch;
	guest_json_fn *json;
	guest_exec_fn *exec;
	const char *command, *cwd, *application, *uri;
	int64_t timeout_ms;
	void *data;
	guest_id id, cancelled;
} asked;

struct vm_pool *vm_pool_new(sd_event *event, const struct vm_config *config)
{
	(void)event, (void)config;
	return NULL;
}
void vm_pool_free(struct vm_pool *pool)
{
	(void)pool;
}
struct vm *vm_find(struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	(void)pool, (void)owner;
	if (strcmp(id, "gone") == 0) {
		err_set(err, ERR_GONE, "sandbox gone has ended: the X server died");
		return NULL;
	}
	if (strcmp(id, "mine") != 0) {
		err_set(err, ERR_NOT_FOUND, "you have no sandbox '%s'", id);
		return NULL;
	}
	return &stand_in;
}
struct vm *vm_default(struct vm_pool *pool, const char *owner, struct err *err)
{
	return vm_find(pool, owner, "mine", err);
}
enum vm_state vm_state(const struct vm *vm)
{
	return vm->state;
}
struct size vm_frame(const struct vm *vm)
{
	(void)vm;
	return (struct size){ 1280, 800 };
}
char *vm_take_note(struct vm *vm)
{
	const char *note = take_ptr(&vm->note);
	return note ? must(strdup(note)) : NULL;
}
struct vm_wait *vm_wait(struct vm *vm, const struct vm_wait_handlers *handlers, void *data)
{
	(void)vm;
	waiting = *handlers;
	waiter = data;
	return (struct vm_wait *)&waiting;
}
void vm_wait_cancel(struct vm_wait *wait)
{
	(void)wait;
	wait_cancelled = true;
}
guest_id guest_act(struct vm *vm, const struct action *actions, size_t n,
	const struct observe *observe, guest_act_fn *fn, void *data)
{
	(void)vm;
	if (n) {
		asked.action = *actions;
	}
	asked.n = n;
	asked.observe = *observe;
	asked.act = fn;
	asked.data = data;
	return ++asked.id;
}
guest_id guest_launch(struct vm *vm, const char *application, const char *uri, int64_t timeout_ms,
	guest_launch_fn *fn, void *data)
{
	(void)vm;
	asked.application = application;
	asked.uri = uri;
	asked.timeout_ms = timeout_ms;
	asked.launch = fn;
	asked.data = data;
	return ++asked.id;
}
guest_id guest_applications(struct vm *vm, guest_json_fn *fn, void *data)
{
	(void)vm;
	asked.json = fn;
	asked.data = data;
	return ++asked.id;
}
guest_id guest_exec(struct vm *vm, const char *command, const char *cwd, int64_t timeout_ms,
	guest_exec_fn *fn, void *data)
{
	(void)vm;
	asked.command = command;
	asked.cwd = cwd;
	asked.timeout_ms = timeout_ms;
	asked.exec = fn;
	asked.data = data;
	return ++asked.id;
}
void guest_cancel(struct vm *vm, guest_id id)
{
	(void)vm;
	asked.cancelled = id;
}

/* ---- helpers ---- */

static struct desk desk;

static void open_desk(void)
{
	desk = desk_open();
	stand_in.state = VM_READY;
}

static void close_desk(void)
{
	desk_close(&desk);
}

TestSuite(tools_text, .init = open_desk, .fini = close_desk);

static const uint8_t picture[] = { 0xff, 0xd8, 0xff, 0xe0 };

static struct guest_frame frame_of(int64_t width, int64_t height)
{
	return (struct guest_frame){ .frame_id = 42,
		.width = width,
		.height = height,
		.quality = 80,
		.scale = 1,
		.bytes = picture,
		.len = sizeof(picture) };
}

/* One call answered with res; its text must be `says`. */
static struct call *answered(const char *name, const char *args, const struct guest_act *res)
{
	struct call *call = call_begin(&desk, name, args);
	cr_assert_eq(call->answers, 0, "%s %s: %s", name, args, call->err.text);
	cr_assert_not_null(asked.act);
	asked.act(res, NULL, asked.data);
	cr_assert_eq(call->answers, 1);
	return call;
}

static void check_text(
	const char *name, const char *args, const struct guest_act *res, const char *says)
{
	struct call *call = answered(name, args, res);
	const char *text = call_block(call, 0, "text", "text");
	cr_assert_not_null(text);
	cr_expect_str_eq(text, says, "%s %s said:\n%s\nnot:\n%s", name, args, text, says);
	cr_expect_eq(call->err.kind, ERR_NONE);
	call_end(call);
}

/* ---- acknowledgements ---- */

struct ack {
	const char *tool, *args, *says;
};

Test(tools_text, acknowledgements)
{
	static const struct ack rows[] = {
		{ "left_click", "{\"coordinate\":[10,20]}", "Clicked." },
		{ "right_click", "{\"coordinate\":[10,20]}", "Right-clicked." },
		{ "middle_click", "{}", "Middle-clicked." },
		{ "double_click", "{\"coordinate\":[10.0,20]}", "Double-clicked." },
		{ "triple_click", "{\"coordinate\":[0,0],\"text\":\"shift\"}", "Triple-clicked." },
		{ "mouse_move", "{\"coordinate\":[1279,799]}", "Moved the mouse." },
		{ "left_mouse_down", "{}", "Left mouse button pressed." },
		{ "left_mouse_up", "{}", "Left mouse button released." },
		{ "left_click_drag", "{\"start_coordinate\":[1,2],\"coordinate\":[3,4]}",
			"Dragged." },
		{ "scroll", "{\"scroll_direction\":\"left\",\"scroll_amount\":3}",
			"Scrolled left." },
	};
	struct guest_act res = {
		.done = 1, .pointer = { 10, 20 }, .frame_id = 42, .changed = true
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char says[200];
		snprintf(says, sizeof(says),
			"%s\nPointer at (10, 20). The screen changed (frame 42).", rows[i].says);
		check_text(rows[i].tool, rows[i].args, &res, says);
	}
}

Test(tools_text, acknowledgements_without_a_pointer)
{
	static const struct ack rows[] = {
		{ "type", "{\"text\":\"x\"}", "Typed.\n1000 characters delivered. " },
		{ "key", "{\"text\":\"ctrl+s\"}", "Pressed ctrl+s.\n" },
		{ "hold_key", "{\"text\":\"shift\",\"duration\":1.5}", "Held shift for 1.5s.\n" },
		{ "wait", "{\"duration\":2.0}", "Waited 2s.\n" },
	};
	struct guest_act res = { .done = 1, .chars = 1000, .frame_id = 41 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char says[200];
		snprintf(says, sizeof(says), "%sThe screen has not changed so far (frame 41).",
			rows[i].says);
		check_text(rows[i].tool, rows[i].args, &res, says);
	}
}

/* ---- what the agent is asked to do ---- */

Test(tools_text, actions)
{
	struct guest_act res = { .done = 1 };
	call_end(answered("double_click", "{\"coordinate\":[7,0],\"text\":\"ctrl+shift\"}", &res));
	cr_expect_eq(asked.action.kind, ACTION_CLICK);
	cr_expect_eq(asked.action.at.count, 2);
	cr_expect_eq(asked.action.at.at[0], 7);
	cr_expect_eq(asked.action.at.at[1], 0);
	cr_expect_eq(asked.action.count, 2);
	cr_expect_eq(asked.action.button, BUTTON_LEFT);
	cr_expect_eq(asked.observe.mode, OBSERVE_NONE);
	call_end(answered("right_click", "{\"text\":\"\"}", &res));
	cr_expect_eq(asked.action.button, BUTTON_RIGHT);
	cr_expect_eq(asked.action.at.count, 0);
	cr_expect_null(asked.action.modifiers, "an empty text holds nothing");
	call_end(answered(
		"left_click_drag", "{\"start_coordinate\":[1,2],\"coordinate\":[3,4]}", &res));
	cr_expect_eq(asked.action.kind, ACTION_DRAG);
	cr_expect_eq(asked.action.from.at[1], 2);
	cr_expect_eq(asked.action.at.at[1], 4);
	call_end(answered("scroll", "{\"scroll_direction\":\"right\",\"scroll_amount\":0}", &res));
	cr_expect_eq(asked.action.kind, ACTION_SCROLL);
	cr_expect_eq(asked.action.direction, SCROLL_RIGHT);
	cr_expect_eq(asked.action.amount, 0);
	call_end(answered("hold_key", "{\"text\":\"a\",\"duration\":0.0625}", &res));
	cr_expect_eq(asked.action.ms, 63, "rounded to whole milliseconds");
	call_end(answered("wait", "{\"duration\":300}", &res));
	cr_expect_eq(asked.action.ms, 300000);
	call_end(answered("key", "{\"text\":\"a\",\"repeat\":100,\"observe\":\"settled\"}", &res));
	cr_expect_eq(asked.action.repeat, 100);
	cr_expect_eq(asked.observe.mode, OBSERVE_SETTLED);
	call_end(answered("key", "{\"text\":\"a\"}", &res));
	cr_expect_eq(asked.action.repeat, 1);
}

/* ---- observing ---- */

Test(tools_text, a_frame_comes_with_the_acknowledgement)
{
	struct guest_act res = {
		.done = 1, .frame_id = 42, .changed = true, .frame = frame_of(1280, 800)
	};
	struct call *call = answered("left_click", "{\"observe\":\"frame\"}", &res);
	cr_expect_eq(asked.observe.mode, OBSERVE_FRAME);
	cr_expect_eq(json_array_size(call->content), 2);
	cr_expect_str_eq(call_block(call, 0, "text", "text"),
		"Clicked.\nPointer at (0, 0). The screen changed (frame 42).");
	cr_expect_str_eq(call_block(call, 1, "image", "data"), "/9j/4A==");
	cr_expect_str_eq(call_block(call, 1, "image", "mimeType"), "image/jpeg");
	call_end(call);
}

Test(tools_text, settling)
{
	struct guest_act res = {
		.done = 1, .frame_id = 42, .changed = true, .settled = true, .waited_ms = 230
	};
	const char *args = "{\"text\":\"a\",\"observe\":\"settled\"}";
	check_text("key", args, &res,
		"Pressed a.\nThe screen changed and settled after 230 ms (frame 42).");
	res.changed = false;
	check_text("key", args, &res,
		"Pressed a.\nThe screen did not change within 230 ms (frame 42).");
	res.settled = false;
	res.changed = true;
	res.waited_ms = 5000;
	json_auto_t *moving = json_loads("[[0,0,32,32],[64,0,96,32]]", 0, NULL);
	res.moving = moving;
	check_text("key", args, &res,
		"Pressed a.\nThe screen changed and had not settled after 5000 ms (frame 42). "
		"Still "
		"moving: [0, 0, 32, 32], [64, 0, 96, 32].");
	for (int i = 0; i < 6; i++) {
		json_array_append_new(moving, json_pack("[i,i,i,i]", i, 0, i + 1, 1));
	}
	struct call *call = answered("key", args, &res);
	cr_expect_not_null(strstr(call_block(call, 0, "text", "text"), "] and 2 more regions."));
	call_end(call);
}

/* ---- failing ---- */

static void check_failure(struct call *call, enum err_kind kind, const char *says)
{
	cr_expect_eq(call->answers, 1);
	cr_expect_eq(call->err.kind, kind);
	cr_expect_str_eq(call->err.text, says, "said:\n%s\nnot:\n%s", call->err.text, says);
}

Test(tools_text, an_action_that_fails)
{
	struct guest_act res = { .frame = frame_of(1280, 800) };
	err_set(&res.failed, ERR_ARGUMENT, "there is no key 'Retrun'; did you mean 'Return'?");
	struct call *call = answered("key", "{\"text\":\"Retrun\",\"observe\":\"frame\"}", &res);
	check_failure(call, ERR_ARGUMENT, "there is no key 'Retrun'; did you mean 'Return'?");
	cr_expect_not_null(call_block(call, 0, "image", "data"), "the frame shows how far it came");
	call_end(call);
}

Test(tools_text, a_sandbox_that_ends_meanwhile)
{
	struct err gone;
	err_set(&gone, ERR_GONE, "sandbox mine has ended: its agent died");
	static const char *const names[] = { "left_click", "screenshot", "cursor_position" };
	for (size_t i = 0; i < 3; i++) {
		struct call *call = call_begin(&desk, names[i], "{\"sandbox\":\"mine\"}");
		asked.act(NULL, &gone, asked.data);
		check_failure(call, ERR_GONE,
			"sandbox mine has ended: its agent died. Call again without 'sandbox' for "
			"a new "
			"desktop; what was in the old one is lost");
		call_end(call);
	}
}

Test(tools_text, other_sandboxes)
{
	struct call *call = call_begin(&desk, "left_click", "{\"sandbox\":\"stranger\"}");
	check_failure(call, ERR_NOT_FOUND, "you have no sandbox 'stranger'");
	call_end(call);
	call = call_begin(&desk, "run_command", "{\"command\":\"true\",\"sandbox\":\"gone\"}");
	check_failure(call, ERR_GONE,
		"sandbox gone has ended: the X server died. Call again without 'sandbox' for a new "
		"desktop; "
		"what was in the old one is lost");
	call_end(call);
}

Test(tools_text, a_note_comes_last)
{
	struct guest_act res = { .done = 1, .pointer = { 3, 0 }, .frame = frame_of(1280, 800) };
	stand_in.note = "The window manager died and was restarted.";
	struct call *call = answered("screenshot", "{}", &res);
	cr_expect_eq(json_array_size(call->content), 3);
	cr_expect_str_eq(
		call_block(call, 2, "text", "text"), "The window manager died and was restarted.");
	call_end(call);
	check_text("cursor_position", "{}", &res, "X=3,Y=0");
}

/* ---- waiting and taking back ---- */

Test(tools_text, waits_until_ready_and_tells_stages)
{
	stand_in.state = VM_STARTING;
	asked.act = NULL;
	struct call *call = call_begin(&desk, "cursor_position", "{}");
	cr_expect_null(asked.act, "nothing is asked of a sandbox that is not ready");
	waiting.stage("x-server", 1, 5, waiter);
	waiting.stage("window-manager", 3, 5, waiter);
	cr_expect_eq(call->stages, 2);
	cr_expect_str_eq(call->stage, "Starting the desktop: window-manager");
	stand_in.state = VM_READY;
	waiting.done(&stand_in, NULL, waiter);
	struct guest_act res = { .pointer = { 1, 2 } };
	asked.act(&res, NULL, asked.data);
	cr_expect_str_eq(call_block(call, 0, "text", "text"), "X=1,Y=2");
	call_end(call);
}

Test(tools_text, a_sandbox_that_does_not_start)
{
	struct err why;
	stand_in.state = VM_STARTING;
	struct call *call = call_begin(&desk, "screenshot", "{}");
	err_set(&why, ERR_HOST, "sandbox mine could not start: there is no Xvnc");
	waiting.done(&stand_in, &why, waiter);
	check_failure(call, ERR_HOST, "sandbox mine could not start: there is no Xvnc");
	call_end(call);
}

Test(tools_text, taken_back_before_it_is_ready)
{
	stand_in.state = VM_STARTING;
	asked.cancelled = 0;
	struct call *call = call_begin(&desk, "type", "{\"text\":\"a\"}");
	call_cancel(call);
	cr_expect(wait_cancelled);
	check_failure(
		call, ERR_CANCELLED, "cancelled before the desktop was ready; nothing was done");
	cr_expect_eq(asked.cancelled, 0);
	call_end(call);
}

Test(tools_text, taken_back_while_it_runs)
{
	struct err why;
	struct call *call = call_begin(&desk, "hold_key", "{\"text\":\"a\",\"duration\":300}");
	call_cancel(call);
	cr_expect_eq(call->answers, 0, "the agent still answers, when the keys are released");
	cr_expect_eq(asked.cancelled, asked.id);
	err_set(&why, ERR_CANCELLED, "cancelled");
	asked.act(NULL, &why, asked.data);
	check_failure(call, ERR_CANCELLED, "cancelled");
	call_end(call);
}

/* ---- pictures ---- */

Test(tools_text, screenshot)
{
	struct guest_act res = { .frame = frame_of(1280, 800) };
	struct call *call = answered("screenshot", "{}", &res);
	cr_expect_eq(asked.n, 0);
	cr_expect_eq(asked.observe.mode, OBSERVE_FRAME);
	cr_expect_eq(asked.observe.quality, 80);
	cr_expect_eq(asked.observe.max_bytes, OBSERVE_MAX_BYTES);
	cr_expect_eq(json_array_size(call->content), 2);
	cr_expect_str_eq(call_block(call, 0, "image", "data"), "/9j/4A==");
	cr_expect_str_eq(call_block(call, 1, "text", "text"), "1280x800, frame 42.");
	call_end(call);
}

Test(tools_text, a_smaller_screenshot_says_what_coordinates_mean)
{
	struct guest_act res = { .frame = frame_of(640, 400) };
	res.frame.format = FORMAT_PNG;
	res.frame.reduced = "The image was reduced to half its size.";
	struct call *call =
		answered("screenshot", "{\"format\":\"png\",\"quality\":50,\"scale\":0.5}", &res);
	cr_expect_eq(asked.observe.format, FORMAT_PNG);
	cr_expect_eq(asked.observe.quality, 50);
	cr_expect_float_eq(asked.observe.scale, 0.5, 1e-9);
	cr_expect_str_eq(call_block(call, 0, "image", "mimeType"), "image/png");
	cr_expect_str_eq(call_block(call, 1, "text", "text"),
		"640x400, frame 42.\nThe image was reduced to half its size.\nThe image is scaled "
		"down; "
		"coordinates are still pixels of the unscaled 1280x800 screen.");
	call_end(call);
}

Test(tools_text, zoom)
{
	struct guest_act res = { .frame = frame_of(1000, 500) };
	struct call *call = answered("zoom", "{\"region\":[100,200,500,400]}", &res);
	cr_expect(asked.observe.fill);
	cr_expect_eq(asked.observe.region.count, 4);
	cr_expect_eq(asked.observe.region.at[3], 400);
	cr_expect_not_null(call_block(call, 0, "image", "data"));
	cr_expect_str_eq(call_block(call, 1, "text", "text"),
		"Region [100, 200, 500, 400] at 2.5 times its size (1000x500), frame 42.\n"
		"Coordinates of other tools are still pixels of the whole 1280x800 screen.");
	call_end(call);
}

Test(tools_text, the_largest_picture_fits_every_client)
{
	struct guest_act res = { .frame = frame_of(1280, 800) };
	auto_free uint8_t *bytes = must(calloc(1, OBSERVE_MAX_BYTES));
	res.frame.bytes = bytes;
	res.frame.len = OBSERVE_MAX_BYTES;
	struct call *call = answered("screenshot", "{}", &res);
	auto_free char *whole = json_dumps(call->content, JSON_COMPACT);
	cr_expect_lt(strlen(whole), (size_t)750000);
	call_end(call);
}

Test(tools_text, no_picture_is_a_failure)
{
	struct guest_act res = { .done = 0 };
	struct call *call = answered("screenshot", "{}", &res);
	check_failure(call, ERR_HOST, "the desktop sent no picture; try again");
	call_end(call);
}

/* ---- programs ---- */

static const struct guest_launch opened = { .pid = 41,
	.has_window = true,
	.window = {
		.id = 77, .x = -5, .y = 30, .width = 640, .height = 480, .title = "Two\nlines" } };

Test(tools_text, launch)
{
	struct call *call =
		call_begin(&desk, "launch", "{\"application\":\"mousepad\",\"uri\":\"/tmp/a\"}");
	cr_expect_str_eq(asked.application, "mousepad");
	cr_expect_str_eq(asked.uri, "/tmp/a");
	asked.launch(&opened, NULL, asked.data);
	cr_expect_str_eq(call_block(call, 0, "text", "text"),
		"Launched mousepad (pid 41).\nWindow 77 \"Two lines\" at (-5, 30), 640x480.");
	call_end(call);
}

Test(tools_text, launch_without_a_window)
{
	struct guest_launch res = { .pid = 41, .note = "No window opened within 20 s." };
	struct call *call = call_begin(&desk, "launch", "{\"application\":\"daemon\"}");
	asked.launch(&res, NULL, asked.data);
	cr_expect_str_eq(call_block(call, 0, "text", "text"),
		"Launched daemon (pid 41).\nNo window opened within 20 s.");
	call_end(call);
}

Test(tools_text, launch_and_look)
{
	struct guest_act seen = { .frame_id = 43,
		.changed = true,
		.settled = true,
		.waited_ms = 300,
		.frame = frame_of(1280, 800) };
	struct call *call = call_begin(
		&desk, "launch", "{\"application\":\"mousepad\",\"observe\":\"settled\"}");
	asked.launch(&opened, NULL, asked.data);
	cr_expect_eq(call->answers, 0);
	cr_expect_eq(asked.n, 0);
	cr_expect_eq(asked.observe.mode, OBSERVE_SETTLED);
	asked.act(&seen, NULL, asked.data);
	cr_expect_str_eq(call_block(call, 0, "text", "text"),
		"Launched mousepad (pid 41).\nWindow 77 \"Two lines\" at (-5, 30), 640x480.\n"
		"The screen changed and settled after 300 ms (frame 43).");
	cr_expect_not_null(call_block(call, 1, "image", "data"));
	call_end(call);
}

Test(tools_text, launch_and_no_picture)
{
	struct err why;
	struct call *call =
		call_begin(&desk, "launch", "{\"application\":\"a\",\"observe\":\"frame\"}");
	asked.launch(&(struct guest_launch){ .pid = 9 }, NULL, asked.data);
	err_set(&why, ERR_TIMEOUT, "the X server does not answer");
	asked.act(NULL, &why, asked.data);
	check_failure(call, ERR_TIMEOUT,
		"Launched a (pid 9).\nbut no picture of it could be taken: the X server does not "
		"answer");
	call_end(call);
}

Test(tools_text, list_applications)
{
	json_auto_t *result =
		json_loads("{\"applications\":["
			   "{\"id\":\"mousepad\",\"name\":\"Mousepad\",\"program\":\"mousepad\","
			   "\"comment\":\"Simple text editor\"},"
			   "{\"id\":\"xterm\",\"name\":\"XTerm\",\"program\":\"xterm\"}]}",
			0, NULL);
	struct call *call = call_begin(&desk, "list_applications", "{}");
	asked.json(result, NULL, asked.data);
	cr_expect_str_eq(call_block(call, 0, "text", "text"),
		"2 applications; launch takes the word before the colon.\n"
		"mousepad: Mousepad - Simple text editor\nxterm: XTerm");
	call_end(call);
}

Test(tools_text, a_long_list_is_bounded_and_says_so)
{
	json_auto_t *result = json_pack("{s:[]}", "applications");
	for (int i = 0; i < 5000; i++) {
		json_array_append_new(json_object_get(result, "applications"),
			json_pack("{s:s, s:s}", "id", "program", "name", "A name of some length"));
	}
	struct call *call = call_begin(&desk, "list_applications", "{}");
	asked.json(result, NULL, asked.data);
	const char *text = call_block(call, 0, "text", "text");
	cr_expect_lt(strlen(text), (size_t)50000);
	cr_expect_not_null(strstr(text, " more are not shown]"));
	call_end(call);
}

/* ---- commands ---- */

static void check_command(const struct guest_exec *res, const char *says)
{
	struct call *call = call_begin(&desk, "run_command", "{\"command\":\"x\"}");
	asked.exec(res, NULL, asked.data);
	const char *text = call_block(call, 0, "text", "text");
	cr_assert_not_null(text);
	cr_expect_eq(call->err.kind, ERR_NONE);
	cr_expect_str_eq(text, says, "said:\n%s\nnot:\n%s", text, says);
	call_end(call);
}

#define OUT(text) \
	{ \
		.head = text, .tail = "", .total = sizeof(text) - 1 \
	}

Test(tools_text, command_output)
{
	check_command(&(struct guest_exec){ .exited = true, .out = OUT("a\nb\n"), .err = OUT("") },
		"a\nb\n");
	check_command(&(struct guest_exec){ .exited = true, .out = OUT(""), .err = OUT("") },
		"[no output]");
	check_command(&(struct guest_exec){ .exited = true, .out = OUT("a"), .err = OUT("b\n") },
		"a\n[stderr]\nb\n");
	check_command(
		&(struct guest_exec){
			.exited = true, .status = 2, .out = OUT(""), .err = OUT("no such file") },
		"[stderr]\nno such file\n[exit code 2]");
	check_command(
		&(struct guest_exec){ .exited = true, .status = 1, .out = OUT(""), .err = OUT("") },
		"[exit code 1]");
	check_command(&(struct guest_exec){ .status = 9, .out = OUT("a\n"), .err = OUT("") },
		"a\n[killed by signal 9, SIGKILL]");
	check_command(&(struct guest_exec){ .status = 64, .out = OUT(""), .err = OUT("") },
		"[killed by signal 64]");
}

Test(tools_text, long_command_output)
{
	struct guest_exec res = {
		.exited = true,
		.out = { .head = "beginning", .tail = "end\n", .cut = 12345678, .total = 12345691 },
		.err = { .head = "", .tail = "" },
	};
	check_command(&res, "beginning\n[12,345,678 bytes cut here]\nend\n");
	res.out.cut = 999;
	check_command(&res, "beginning\n[999 bytes cut here]\nend\n");
	res.out.cut = 1002;
	check_command(&res, "beginning\n[1,002 bytes cut here]\nend\n");
}

Test(tools_text, a_command_killed_at_its_timeout)
{
	struct guest_exec res = {
		.status = 9, .timed_out = true, .out = OUT("so far\n"), .err = OUT("")
	};
	struct call *call = call_begin(
		&desk, "run_command", "{\"command\":\"x\",\"timeout\":1.5,\"cwd\":\"/tmp\"}");
	cr_expect_str_eq(asked.command, "x");
	cr_expect_str_eq(asked.cwd, "/tmp");
	cr_expect_eq(asked.timeout_ms, 1500);
	asked.exec(&res, NULL, asked.data);
	check_failure(call, ERR_TIMEOUT,
		"the command was killed, with all its children, at its timeout of 1.5 s; its "
		"output until "
		"then is below; give a larger 'timeout' (up to 3600) or start it in the background "
		"with its "
		"output in a file");
	cr_expect_str_eq(call_block(call, 0, "text", "text"), "so far\n");
	call_end(call);
}

Test(tools_text, a_command_that_could_not_run)
{
	struct err why;
	struct call *call =
		call_begin(&desk, "run_command", "{\"command\":\"x\",\"cwd\":\"/nowhere\"}");
	cr_expect_eq(asked.timeout_ms, 120000);
	err_set(&why, ERR_ARGUMENT, "there is no directory '/nowhere'");
	asked.exec(NULL, &why, asked.data);
	check_failure(call, ERR_ARGUMENT, "there is no directory '/nowhere'");
	call_end(call);
}
