// USES agent
/* The size of the display at run time: by the agent, and by a program that does not ask it. */
#include "tests/support/target.h"

#include "vm/agent/act/seat.h"
#include "vm/agent/x11/resize.h"

static struct agent_fixture fixture;
static struct target target;

static void start(void)
{
	agent_fixture_start(&fixture, "800x600", false);
	target_open(&target, &fixture, 0, 0, 3840, 2160, false);
	agent_fixture_for_ms(&fixture, 50);
}

static void stop(void)
{
	target_close(&target);
	agent_fixture_stop(&fixture);
}

TestSuite(resize, .init = start, .fini = stop);

static void resize(int width, int height)
{
	struct err err = { 0 };
	cr_assert(resize_display(fixture.agent.display, (struct size){ width, height }, 96, &err),
		"%s", err.text);
	cr_assert(size_equal(fixture.agent.screen, (struct size){ width, height }));
}

/* On a connection of its own, as xrandr does. */
static void a_program_resizes(int width, int height)
{
	static const struct display_handlers none = { 0 };
	struct err err = { 0 };
	struct connections made = connect_now(fixture.name);
	struct display *d = display_open(fixture.agent.event, &made, &none, NULL, &err);
	cr_assert(d, "%s", err.text);
	cr_assert(resize_display(d, (struct size){ width, height }, 96, &err), "%s", err.text);
	display_close(d);
}

static json_int_t number(const struct request *req, const char *object, const char *key)
{
	const json_t *at = *object ? json_object_get(req->result, object) : req->result;
	return json_integer_value(json_object_get(at, key));
}

/* What a model sees. */
static json_int_t expect_frame(int width, int height)
{
	struct request req;
	agent_fixture_act(&fixture, &req, "{'observe': {'mode': 'frame'}}");
	cr_assert(req.result, "%s", req.err.text);
	cr_expect_eq(number(&req, "frame", "width"), width);
	cr_expect_eq(number(&req, "frame", "height"), height);
	json_int_t frame_id = number(&req, "", "frame_id");
	agent_fixture_done(&req);
	return frame_id;
}

static void expect_click(int x, int y, int on_screen_x, int on_screen_y)
{
	char list[120];
	snprintf(list, sizeof(list), "{'actions': [{'action': 'click', 'at': [%d, %d]}]}", x, y);
	target.n = 0;
	agent_fixture_do(&fixture, list);
	target_read(&target);
	const XEvent *press = target_event(&target, ButtonPress, 0);
	cr_assert(press, "no click at %d, %d", x, y);
	cr_expect_eq(press->xbutton.x_root, on_screen_x);
	cr_expect_eq(press->xbutton.y_root, on_screen_y);
}

static void refuses(const char *json, const char *why)
{
	struct request req;
	target.n = 0;
	agent_fixture_act(&fixture, &req, json);
	cr_expect_null(req.result);
	cr_expect_eq(req.err.kind, ERR_STATE);
	cr_expect(strstr(req.err.text, why), "%s", req.err.text);
	cr_expect_eq(target_count(&target, ButtonPress), 0);
	agent_fixture_done(&req);
}

Test(resize, clicks_reach_the_far_corner_of_each_size)
{
	static const struct size sizes[] = { { 1280, 800 }, { 640, 480 }, { 320, 240 },
		{ 1001, 333 }, { 800, 600 } };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct size s = sizes[i];
		resize(s.width, s.height);
		expect_frame(s.width, s.height);
		expect_click(s.width - 1, s.height - 1, s.width - 1, s.height - 1);
		expect_click(0, 0, 0, 0);
	}
}

Test(resize, images_of_a_large_screen_are_smaller_than_it)
{
	resize(2560, 1440);
	expect_frame(1456, 819);
	expect_click(1455, 818, 2559, 1439);
	resize(3840, 2160);
	expect_frame(1456, 819);
	expect_click(1455, 818, 3838, 2158); /* the middle of that pixel */
	resize(800, 600);
	expect_frame(800, 600);
	expect_click(799, 599, 799, 599);
}

Test(resize, a_frame_of_another_size_is_refused)
{
	char list[200];
	struct request settled;
	json_int_t before = expect_frame(800, 600);
	resize(1280, 800);
	snprintf(list, sizeof(list),
		"{'actions': [{'action': 'click', 'at': [10, 10]}], 'observe': {'since': %lld}}",
		(long long)before);
	refuses(list, "resized");
	before = expect_frame(1280, 800);
	resize(640, 480);
	/* Out of bounds now, which is not what is wrong with it. */
	snprintf(list, sizeof(list),
		"{'actions': [{'action': 'click', 'at': [1279, 799]}], 'observe': {'since': %lld}}",
		(long long)before);
	refuses(list, "to 640x480 pixels");
	agent_fixture_act(&fixture, &settled, "{'observe': {'mode': 'settled'}}");
	agent_fixture_done(&settled);
	snprintf(list, sizeof(list),
		"{'actions': [{'action': 'click', 'at': [10, 10]}], 'observe': {'since': %lld}}",
		(long long)expect_frame(640, 480));
	agent_fixture_do(&fixture, list);
}

Test(resize, a_program_is_noticed_with_the_next_answer)
{
	expect_frame(800, 600);
	a_program_resizes(1024, 768);
	expect_frame(1024, 768);
	expect_click(1023, 767, 1023, 767);
	a_program_resizes(500, 400);
	struct request req;
	agent_fixture_act(&fixture, &req, "{'actions': [{'action': 'wait', 'ms': 1}]}");
	const json_t *pointer = json_object_get(req.result, "pointer");
	cr_expect_lt(json_integer_value(json_array_get(pointer, 0)), 500);
	cr_expect_lt(json_integer_value(json_array_get(pointer, 1)), 400);
	cr_expect(size_equal(fixture.agent.frame, (struct size){ 500, 400 }));
	agent_fixture_done(&req);
}

/* The agent has read the list and not yet the event. */
Test(resize, a_list_of_another_size_is_not_mapped)
{
	a_program_resizes(1024, 768);
	refuses("{'actions': [{'action': 'click', 'at': [10, 10]}]}", "from 800x600 to 1024x768");
	expect_click(10, 10, 10, 10);
	struct request req;
	a_program_resizes(900, 700);
	agent_fixture_act(&fixture, &req, "{'actions': [{'action': 'key', 'text': 'a'}]}");
	cr_expect(req.result, "keys have no coordinates: %s", req.err.text);
	agent_fixture_done(&req);
}

Test(resize, stops_a_list_that_runs)
{
	struct request req;
	target.n = 0;
	agent_fixture_begin(&fixture, &req,
		agent_fixture_json("{'actions': [{'action': 'click', 'at': [10, 10]}, {'action': "
				   "'wait', 'ms': 300}, {'action': 'click', 'at': [20, 20]}]}"));
	agent_fixture_until(&fixture, (target_read(&target), target_count(&target, ButtonRelease)));
	a_program_resizes(1024, 768);
	agent_fixture_finish(&req);
	const json_t *failed = json_object_get(req.result, "failed");
	const char *text = json_string_value(json_object_get(failed, "text"));
	cr_assert(text);
	cr_expect(strstr(text, "1024x768"), "%s", text);
	cr_expect_eq(json_integer_value(json_object_get(failed, "index")), 2);
	target_read(&target);
	cr_expect_eq(target_count(&target, ButtonPress), 1);
	agent_fixture_done(&req);
}

/* Each size has a mode of its own, which must not stay. */
Test(resize, an_event_that_a_program_made_up_is_none)
{
	Window root = DefaultRootWindow(target.x);
	XEvent event = { .xconfigure = {
				 .type = ConfigureNotify,
				 .event = root,
				 .window = root,
				 .height = 65535,
			 } };
	XSendEvent(target.x, root, False, StructureNotifyMask, &event);
	XSync(target.x, False);
	agent_fixture_for_ms(&fixture, 50);
	cr_expect(size_equal(fixture.agent.screen, (struct size){ 800, 600 }));
	expect_click(799, 599, 799, 599);
}

Test(resize, many_sizes_leave_nothing_behind)
{
	for (int i = 0; i < 300; i++) {
		resize(400 + i, 700 - i);
	}
	resize(801, 601);
	struct err err = { 0 };
	cr_expect(resize_display(fixture.agent.display, (struct size){ 801, 601 }, 96, &err));
	expect_frame(801, 601);
}

Test(resize, what_the_server_does_not_take_changes_nothing)
{
	struct err err = { 0 };
	cr_expect_not(resize_display(fixture.agent.display, (struct size){ 40000, 300 }, 96, &err));
	cr_expect_eq(err.kind, ERR_STATE);
	cr_expect(strstr(err.text, "40000x300"), "%s", err.text);
	expect_frame(800, 600);
	expect_click(799, 599, 799, 599);
}

Test(resize, counts_as_a_change_of_all)
{
	struct request req;
	char list[120];
	struct rect area;
	json_int_t before = expect_frame(800, 600);
	resize(640, 480);
	struct seat *seat = act_queue_seat(fixture.agent.acts, &(struct err){ 0 });
	cr_expect(changes_since(seat->changes, (uint64_t)before, &area));
	cr_expect(rect_equal(area, (struct rect){ 0, 0, 640, 480 }));
	snprintf(list, sizeof(list), "{'observe': {'mode': 'frame', 'since': %lld}}",
		(long long)before);
	agent_fixture_act(&fixture, &req, list);
	cr_expect_eq(number(&req, "frame", "width"), 640);
	agent_fixture_done(&req);
}

Test(resize, settles_while_and_after_it_is_resized)
{
	struct request req;
	static const struct size sizes[] = { { 1920, 1080 }, { 640, 480 }, { 3840, 2160 },
		{ 320, 240 }, { 800, 600 } };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct size fit = geometry_fit(sizes[i]);
		agent_fixture_begin(&fixture, &req,
			agent_fixture_json("{'observe': {'mode': 'settled', 'quiet_ms': 100}}"));
		a_program_resizes(sizes[i].width, sizes[i].height);
		agent_fixture_finish(&req);
		cr_assert(req.result, "%s", req.err.text);
		cr_expect_eq(number(&req, "frame", "width"), fit.width);
		agent_fixture_done(&req);
		agent_fixture_act(&fixture, &req, "{'observe': {'mode': 'settled'}}");
		cr_assert(req.result, "%s", req.err.text);
		cr_expect_eq(number(&req, "frame", "height"), fit.height);
		agent_fixture_done(&req);
	}
}

/* Nothing is asked in between. */
Test(resize, what_is_drawn_beyond_the_old_size_is_a_change)
{
	struct rect area = { 1500, 900, 7, 7 };
	GC gc = XCreateGC(target.x, target.window, 0, NULL);
	struct seat *seat = act_queue_seat(fixture.agent.acts, &(struct err){ 0 });
	a_program_resizes(1920, 1080);
	agent_fixture_for_ms(&fixture, 50);
	uint64_t before = display_frame_id(fixture.agent.display);
	XFillRectangle(target.x, target.window, gc, area.x, area.y, 7, 7);
	XFlush(target.x);
	agent_fixture_until(&fixture, display_frame_id(fixture.agent.display) > before);
	cr_expect(changes_in(seat->changes, before, area));
	cr_expect_not(changes_in(seat->changes, before, (struct rect){ 100, 100, 7, 7 }));
	XFreeGC(target.x, gc);
}
