// USES vm
/* Windows are listed, focused, placed and closed, on each backend. */
#include "tests/support/contract.h"

#include "vm/wire/messages.h"

static int64_t launch(struct bench *b, const char *application)
{
	struct answer *a = answer_new();
	guest_launch(vm_guest(b->vm), application, NULL, 60000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert(a->launch.has_window, "%s", a->err.text);
	int64_t id = a->launch.window.id;
	answer_free(a);
	return id;
}

/* The two terminals of all cases: the start of one takes an emulated machine a second. */
static struct {
	int64_t first, second;
} terminal;

/* No application is named: the desktop has one for the file. */
static void opens_a_file(struct bench *b)
{
	struct answer *a = answer_new();
	guest_launch(vm_guest(b->vm), NULL, "/etc/passwd", 120000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert(a->launch.has_window, "%s", a->err.text);
	cr_expect_not_null(a->launch.application);
	cr_expect_gt(a->launch.from, 0);
	answer_free(a);
}

static json_t *list(struct bench *b)
{
	struct got got = { 0 };
	guest_windows(vm_guest(b->vm), on_got, &got);
	cr_assert(!got.done, "from the loop");
	host_until(&b->host, &got.done);
	cr_assert_not_null(got.json, "%s", got.err.text);
	json_t *windows = json_incref(json_object_get(got.json, "windows"));
	json_decref(got.json);
	return windows;
}

static struct got change(struct bench *b, struct msg_window_change change)
{
	struct got got = { 0 };
	guest_window_change(vm_guest(b->vm), &change, on_got, &got);
	host_until(&b->host, &got.done);
	return got;
}

static int64_t member(const json_t *window, const char *key)
{
	return json_integer_value(json_object_get(window, key));
}

static void is_listed_in_stacking_order(struct bench *b)
{
	terminal.first = launch(b, b->dialect->terminal);
	terminal.second = launch(b, b->dialect->terminal);
	json_auto_t *windows = list(b);
	cr_assert_geq(json_array_size(windows), 2u);
	const json_t *top = json_array_get(windows, 0), *next = json_array_get(windows, 1);
	cr_expect_eq(member(top, "id"), terminal.second);
	cr_expect_eq(member(next, "id"), terminal.first);
	cr_expect(json_is_true(json_object_get(top, "active")));
	cr_expect_not(json_is_true(json_object_get(next, "active")));
	cr_expect_gt(member(next, "pid"), 0);
	cr_expect_gt(member(next, "width"), 0);
}

static void focus(struct bench *b, int64_t window)
{
	struct got got = change(b,
		(struct msg_window_change){ .window = window, .verb = WINDOW_FOCUS, .state = -1 });
	cr_assert_not_null(got.json, "%s", got.err.text);
	cr_expect(json_is_true(json_object_get(got.json, "done")));
	cr_expect(json_is_true(json_object_get(json_object_get(got.json, "window"), "active")));
	json_decref(got.json);
}

static void gets_the_focus(struct bench *b)
{
	focus(b, terminal.first);
	json_auto_t *windows = list(b);
	cr_expect_eq(member(json_array_get(windows, 0), "id"), terminal.first);
	cr_expect_eq(member(json_array_get(windows, 1), "id"), terminal.second);
}

static void expect_state(struct bench *b, int64_t id, enum window_state state)
{
	struct got got = change(b, (struct msg_window_change){
					   .window = id, .verb = WINDOW_SET, .state = (int)state });
	cr_assert_not_null(got.json, "%s", got.err.text);
	cr_expect(json_is_true(json_object_get(got.json, "done")), "%s", window_state_names[state]);
	const char *now =
		json_string_value(json_object_get(json_object_get(got.json, "window"), "state"));
	cr_expect_str_eq(now ? now : "normal", window_state_names[state]);
	json_decref(got.json);
}

static void takes_each_state(struct bench *b)
{
	static const enum window_state states[] = { WINDOW_MAXIMIZED, WINDOW_FULLSCREEN,
		WINDOW_MINIMIZED, WINDOW_PLAIN, WINDOW_MINIMIZED, WINDOW_MAXIMIZED, WINDOW_PLAIN };
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		expect_state(b, terminal.first, states[i]);
	}
}

static void is_placed(struct bench *b)
{
	struct msg_window_change args = { .window = terminal.first,
		.verb = WINDOW_SET,
		.state = -1,
		.place = { 2, { 120, 90 } },
		.size = { 2, { 500, 320 } } };
	struct got got = change(b, args);
	cr_assert_not_null(got.json, "%s", got.err.text);
	const json_t *now = json_object_get(got.json, "window");
	cr_expect_eq(
		member(now, "x"), 120, "at %d, %d", (int)member(now, "x"), (int)member(now, "y"));
	cr_expect_eq(member(now, "y"), 90);
	/* A terminal has whole characters. */
	cr_expect(member(now, "width") > 470 && member(now, "width") <= 500);
	cr_expect(member(now, "height") > 290 && member(now, "height") <= 320);
	json_decref(got.json);
	expect_state(b, terminal.first, WINDOW_MAXIMIZED);
	got = change(b, args);
	cr_expect_eq(got.err.kind, ERR_STATE);
	cr_expect(strstr(got.err.text, "maximized"), "%s", got.err.text);
	expect_state(b, terminal.first, WINDOW_PLAIN);
}

static struct answer *look_at(struct bench *b, int64_t window)
{
	struct answer *a = answer_new();
	struct observe how;
	observe_init(&how, OBSERVE_FRAME);
	how.of_window = window;
	guest_act(vm_guest(b->vm), NULL, 0, &how, on_act, a);
	host_until(&b->host, &a->done);
	return a;
}

static void has_a_picture_of_its_own(struct bench *b)
{
	int64_t id = terminal.first;
	focus(b, terminal.second);
	struct answer *a = look_at(b, id);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	const struct guest_frame *frame = &a->act.frame;
	json_auto_t *windows = list(b);
	const json_t *now = json_array_get(windows, 1);
	cr_expect_eq(member(now, "id"), id);
	cr_expect_eq(frame->place.x, member(now, "x"));
	cr_expect_eq(frame->place.y, member(now, "y"));
	cr_expect_eq(frame->place.width, frame->width);
	cr_expect_eq(frame->place.height, frame->height);
	cr_expect_gt(a->image_len, 0);
	answer_free(a);
	expect_state(b, id, WINDOW_MINIMIZED);
	a = look_at(b, id);
	cr_expect_eq(a->err.kind, ERR_STATE);
	cr_expect(strstr(a->err.text, "window_focus"), "%s", a->err.text);
	answer_free(a);
}

static void is_closed_and_then_unknown(struct bench *b)
{
	bool fake = strcmp(b->dialect->backend, "fake") == 0; /* its terminal asks */
	struct msg_window_change args = { .window = fake ? launch(b, "editor") : terminal.second,
		.verb = WINDOW_CLOSE,
		.state = -1 };
	struct got got = change(b, args);
	cr_assert_not_null(got.json, "%s", got.err.text);
	cr_expect(json_is_true(json_object_get(got.json, "done")));
	cr_expect_null(json_object_get(got.json, "window"));
	json_decref(got.json);
	for (int verb = WINDOW_FOCUS; verb <= WINDOW_CLOSE; verb++) {
		args.verb = verb;
		got = change(b, args);
		cr_expect_eq(got.err.kind, ERR_NOT_FOUND);
	}
}

static const struct contract cases[] = {
	CASE(is_listed_in_stacking_order), /* opens the terminals of the next ones */
	CASE(gets_the_focus),
	CASE(takes_each_state),
	CASE(is_placed),
	CASE(has_a_picture_of_its_own),
	CASE(is_closed_and_then_unknown),
	CASE(opens_a_file),
};

CONTRACT(windows, cases)
