// USES wire
/* The pure parts of the wire: frames, actions, geometry. */
#include "base/cleanup.h"
#include "vm/wire/action.h"
#include "vm/wire/frame.h"
#include "vm/wire/geometry.h"
#include "vm/wire/messages.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- frames ---- */

Test(frame, every_type_there_and_back_at_every_length)
{
	static const uint32_t lens[FRAME_TYPES] = {
		[FRAME_REQUEST] = 4,
		[FRAME_REPLY] = 50,
		[FRAME_EVENT] = 4,
		[FRAME_DATA] = 77,
		[FRAME_CREDIT] = 4,
		[FRAME_MESSAGE] = 50,
	};
	for (int type = FRAME_REQUEST; type < FRAME_TYPES; type++) {
		uint8_t bytes[200] = { 0 };
		struct frame frame;
		struct err err;
		uint32_t number = type == FRAME_EVENT ? 0 : 0xfedcba98;
		size_t used = 0, len = FRAME_HEADER + lens[type];
		frame_header(bytes, (enum frame_type)type, number, lens[type]);
		for (size_t i = 0; i < len; i++) {
			cr_assert_eq(frame_parse(bytes, i, &frame, &used, &err), FRAME_MORE);
		}
		cr_assert_eq(frame_parse(bytes, sizeof(bytes), &frame, &used, &err), FRAME_OK);
		cr_assert_eq(used, len);
		cr_assert_eq((int)frame.type, type);
		cr_assert_eq(frame.stream, number);
		cr_assert_eq(frame.len, lens[type]);
		cr_assert_eq(frame.payload, bytes + FRAME_HEADER);
	}
}

static enum frame_status status_of(enum frame_type type, uint32_t number, uint32_t len)
{
	uint8_t bytes[FRAME_HEADER];
	struct frame frame;
	struct err err = { 0 };
	size_t used;
	frame_header(bytes, type, number, len);
	enum frame_status status = frame_parse(bytes, sizeof(bytes), &frame, &used, &err);
	cr_assert_eq(status == FRAME_BAD, err.text[0] != '\0');
	return status;
}

Test(frame, bounds_are_known_from_the_header)
{
	cr_assert_eq(status_of(FRAME_REQUEST, 1, FRAME_MAX), FRAME_MORE);
	cr_assert_eq(status_of(FRAME_REQUEST, 1, FRAME_MAX + 1), FRAME_BAD);
	cr_assert_eq(status_of(FRAME_REQUEST, 1, UINT32_MAX), FRAME_BAD);
	cr_assert_eq(status_of(FRAME_REQUEST, 1, 3), FRAME_BAD);
	cr_assert_eq(status_of(FRAME_REQUEST, 0, 4), FRAME_BAD);
	cr_assert_eq(status_of(FRAME_EVENT, 1, 4), FRAME_BAD);
	cr_assert_eq(status_of(FRAME_DATA, 1, 1 + FRAME_CHUNK), FRAME_MORE);
	cr_assert_eq(status_of(FRAME_DATA, 1, 1 + FRAME_CHUNK + 1), FRAME_BAD);
	cr_assert_eq(status_of(FRAME_DATA, 1, 1), FRAME_BAD);
	cr_assert_eq(status_of(FRAME_MESSAGE, 1, 3), FRAME_BAD);
	cr_assert_eq(status_of(FRAME_MESSAGE, 1, FRAME_CHUNK + 1), FRAME_BAD);
	cr_assert_eq(status_of(FRAME_CREDIT, 1, 8), FRAME_BAD);
	cr_assert_eq(status_of(FRAME_END, 1, 0), FRAME_OK);
	cr_assert_eq(status_of(FRAME_END, 1, 1), FRAME_BAD);
	cr_assert_eq(status_of(0, 1, 0), FRAME_BAD);
	cr_assert_eq(status_of(FRAME_TYPES, 1, 0), FRAME_BAD);
}

Test(frame, integers_are_little_endian)
{
	uint8_t bytes[4];
	frame_put_u32(bytes, 0x01020384);
	cr_assert_eq(memcmp(bytes, "\x84\x03\x02\x01", 4), 0);
	cr_assert_eq(frame_get_u32(bytes), 0x01020384);
}

/* ---- actions ---- */

static void accept(const char *json, const char *written)
{
	struct action action;
	struct err err = { 0 };
	json_auto_t *in = json_loads(json, 0, NULL);
	cr_assert(action_decode(in, &action, &err), "%s", err.text);
	json_auto_t *out = action_encode(&action);
	auto_free char *text = json_dumps(out, JSON_COMPACT);
	cr_assert_str_eq(text, written ? written : json);
}

static void refuse(const char *json, const char *words)
{
	struct action action;
	struct err err = { 0 };
	json_auto_t *in = json_loads(json, JSON_DECODE_ANY, NULL);
	cr_assert_not(action_decode(in, &action, &err), "%s", json);
	cr_assert_eq(err.kind, ERR_ARGUMENT);
	cr_assert(strstr(err.text, words), "'%s' is not in: %s", words, err.text);
}

Test(action, every_kind_there_and_back)
{
	accept("{\"action\":\"move\",\"at\":[1,2]}", NULL);
	accept("{\"action\":\"click\"}", NULL);
	accept("{\"action\":\"click\",\"at\":[1,2],\"button\":\"right\",\"count\":2,\"modifiers\":"
	       "\"ctrl\"}",
		NULL);
	accept("{\"action\":\"click\",\"button\":\"left\",\"count\":1}", "{\"action\":\"click\"}");
	accept("{\"action\":\"button_down\",\"at\":[1,2]}", NULL);
	accept("{\"action\":\"button_up\",\"button\":\"middle\"}", NULL);
	accept("{\"action\":\"drag\",\"from\":[1,2],\"at\":[3,4],\"modifiers\":\"shift\"}", NULL);
	accept("{\"action\":\"scroll\",\"direction\":\"up\",\"amount\":3}", NULL);
	accept("{\"action\":\"key\",\"text\":\"ctrl+t\",\"repeat\":5}", NULL);
	accept("{\"action\":\"key_down\",\"text\":\"shift\"}", NULL);
	accept("{\"action\":\"key_up\",\"text\":\"shift\"}", NULL);
	accept("{\"action\":\"hold_key\",\"text\":\"a\",\"ms\":1000}", NULL);
	accept("{\"action\":\"type\",\"text\":\"h\\u00e9\"}",
		"{\"action\":\"type\",\"text\":\"hé\"}");
	accept("{\"action\":\"type\",\"text\":\"\"}", NULL);
	accept("{\"action\":\"wait\",\"ms\":0}", NULL);
}

Test(action, a_zeroed_one_has_its_defaults)
{
	struct action action = { .kind = ACTION_CLICK }, back;
	struct err err;
	json_auto_t *json = action_encode(&action);
	cr_assert(action_decode(json, &back, &err), "%s", err.text);
	cr_assert_eq(back.count, 1);
	cr_assert_eq(back.button, BUTTON_LEFT);
	cr_assert_eq(back.at.count, 0);
}

Test(action, refused)
{
	refuse("7", "an action must be an object");
	refuse("{}", "'action' is missing");
	refuse("{\"action\":\"klick\"}", "'move', 'click'");
	refuse("{\"action\":7}", "got 7");
	refuse("{\"action\":\"move\"}", "move: 'at' is missing");
	refuse("{\"action\":\"move\",\"at\":[1]}", "list of 2");
	refuse("{\"action\":\"move\",\"at\":[1,2],\"text\":\"x\"}", "unknown argument 'text'");
	refuse("{\"action\":\"click\",\"count\":4}", "from 1 to 3");
	refuse("{\"action\":\"click\",\"count\":0}", "from 1 to 3");
	refuse("{\"action\":\"scroll\",\"amount\":1}", "'direction' is missing");
	refuse("{\"action\":\"scroll\",\"direction\":\"up\",\"amount\":-1}", "from 0 to 100");
	refuse("{\"action\":\"key\",\"text\":\"\"}", "got 0 bytes");
	refuse("{\"action\":\"wait\",\"ms\":300001}", "from 0 to 300000");
}

Test(action, words_are_as_many_as_kinds)
{
	struct action action = { 0 };
	int n = 0;
	while (action_kind_names[n]) {
		n++;
	}
	cr_assert_eq(n, ACTION_KINDS);
	for (int i = 0; i < ACTION_KINDS; i++) {
		action.kind = (enum action_kind)i;
		cr_assert_eq(action_is_input(&action), i != ACTION_WAIT);
	}
}

Test(observe, defaults)
{
	struct observe observe;
	observe_init(&observe, OBSERVE_SETTLED);
	cr_assert_eq(observe.mode, OBSERVE_SETTLED);
	cr_assert_eq(observe.format, FORMAT_JPEG);
	cr_assert_eq(observe.quality, 80);
	cr_assert_eq(observe.scale, 1);
	cr_assert_eq(observe.region.count, 0);
	cr_assert_eq(observe.max_bytes, OBSERVE_MAX_BYTES);
	cr_assert_eq(observe.quiet_ms, 150);
	cr_assert_eq(observe.timeout_ms, 5000);
	json_auto_t *json = field_encode(observe_fields, &observe);
	auto_free char *text = json_dumps(json, JSON_COMPACT);
	cr_assert_str_eq(text, "{\"mode\":\"settled\"}");
}

/* ---- geometry ---- */

Test(geometry, fit)
{
	static const int all[][4] = {
		{ 1280, 800, 1280, 800 },
		{ 1440, 900, 1389, 868 },
		{ 1600, 900, 1456, 819 },
		{ 1920, 1080, 1456, 819 },
		{ 2560, 1440, 1456, 819 },
		{ 900, 1440, 868, 1389 },
		{ 1024, 768, 1024, 768 },
		{ 1, 1, 1, 1 },
		{ 100000, 1, 1568, 1 },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct size fit = geometry_fit((struct size){ all[i][0], all[i][1] });
		cr_assert_eq(fit.width, all[i][2], "%dx%d: %d", all[i][0], all[i][1], fit.width);
		cr_assert_eq(fit.height, all[i][3], "%dx%d: %d", all[i][0], all[i][1], fit.height);
	}
}

Test(geometry, fill_scales_up_within_the_budget)
{
	for (int width = 10; width < 3000; width += 97) {
		for (int height = 10; height < 3000; height += 101) {
			struct size s = geometry_fill((struct size){ width, height });
			int patches = ((s.width + 27) / 28) * ((s.height + 27) / 28);
			cr_assert_leq(patches, BUDGET_PATCHES);
			cr_assert_leq(s.width, BUDGET_EDGE);
			cr_assert_leq(s.height, BUDGET_EDGE);
			cr_assert(patches > BUDGET_PATCHES * 85 / 100 || s.width == BUDGET_EDGE ||
					  s.height == BUDGET_EDGE,
				"%dx%d -> %dx%d", width, height, s.width, s.height);
		}
	}
}

static void check_round_trips(struct size frame, struct size screen)
{
	for (int x = 0; x < frame.width; x++) {
		struct point p = { x, x % frame.height };
		struct point there = geometry_to_screen(p, frame, screen);
		struct point back = geometry_to_frame(there, frame, screen);
		cr_assert(there.x >= 0 && there.x < screen.width);
		cr_assert(there.y >= 0 && there.y < screen.height);
		cr_assert_eq(back.x, p.x, "%d -> %d -> %d", p.x, there.x, back.x);
		cr_assert_eq(back.y, p.y, "%d -> %d -> %d", p.y, there.y, back.y);
	}
}

Test(geometry, points_come_back)
{
	check_round_trips((struct size){ 1280, 800 }, (struct size){ 1280, 800 });
	check_round_trips((struct size){ 1389, 868 }, (struct size){ 1440, 900 });
	check_round_trips((struct size){ 1456, 819 }, (struct size){ 1920, 1080 });
	check_round_trips((struct size){ 1456, 819 }, (struct size){ 2560, 1440 });
	check_round_trips((struct size){ 100, 100 }, (struct size){ 3000, 3001 });
}

Test(geometry, corners_and_strays)
{
	struct size frame = { 1456, 819 }, screen = { 1920, 1080 };
	struct point p = geometry_to_screen((struct point){ 1455, 818 }, frame, screen);
	cr_assert(p.x == 1919 && p.y == 1079, "%d %d", p.x, p.y);
	p = geometry_to_screen((struct point){ -5, 2000000000 }, frame, screen);
	cr_assert(p.x == 0 && p.y == 1079);
	p = geometry_to_frame((struct point){ 1919, 0 }, frame, screen);
	cr_assert(p.x == 1455 && p.y == 0);
}

/* Half a thousandth of the screen, half a pixel of the frame on each way, and half a pixel of the
 * screen, within which a pixel's centre is the nearest. */
static double grid_bound(int frame, int screen)
{
	return screen / (2.0 * GRID) + (frame == screen ? 0 : (double)screen / frame) + 0.5;
}

static struct point through_grid(struct point p, struct size frame, struct size screen)
{
	struct point grid = geometry_to_grid(geometry_to_frame(p, frame, screen), frame);
	cr_assert(grid.x >= 0 && grid.x < GRID && grid.y >= 0 && grid.y < GRID);
	return geometry_to_screen(geometry_from_grid(grid, frame), frame, screen);
}

/* The screens of every size that vendors recommend, and some at the bounds. */
Test(geometry, a_place_may_reach_beyond_the_screen)
{
	struct size screen = { 2560, 1440 }, frame = { 1280, 720 }, same = { 1280, 800 };
	struct rect place = { -30, 1000, 3000, 801 };
	cr_expect(rect_equal(geometry_place_to_frame(place, same, same), place));
	cr_expect(rect_equal(geometry_place_to_frame(place, frame, screen),
		(struct rect){ -15, 500, 1500, 401 }));
	cr_expect(rect_equal(geometry_place_to_frame((struct rect){ -1, -3, 1, 1 }, frame, screen),
		(struct rect){ -1, -2, 1, 1 }));
}

Test(geometry, pixels_come_back_from_the_grid)
{
	static const struct size screens[] = { { 1280, 800 }, { 1440, 900 }, { 1600, 900 },
		{ 1920, 1080 }, { 2560, 1440 }, { 1024, 768 }, { 900, 1440 }, { 320, 240 },
		{ 1000, 1000 }, { 3840, 2160 } };
	for (size_t i = 0; i < sizeof(screens) / sizeof(*screens); i++) {
		struct size screen = screens[i], frame = geometry_fit(screen);
		for (int n = 0; n < screen.width || n < screen.height; n++) {
			struct point p = { n % screen.width, n % screen.height };
			struct point back = through_grid(p, frame, screen);
			cr_assert_leq(abs(back.x - p.x), grid_bound(frame.width, screen.width),
				"%d of %d: %d", p.x, screen.width, back.x);
			cr_assert_leq(abs(back.y - p.y), grid_bound(frame.height, screen.height),
				"%d of %d: %d", p.y, screen.height, back.y);
		}
	}
}

Test(geometry, the_grid_is_exact_where_it_can_be)
{
	for (int edge = 240; edge <= 1000; edge++) {
		struct size frame = { edge, edge };
		for (int x = 0; x < edge; x++) {
			struct point p = geometry_to_grid((struct point){ x, x }, frame);
			cr_assert_eq(geometry_from_grid(p, frame).x, x);
		}
	}
	for (int edge = 1000; edge <= 1568; edge++) {
		struct size frame = { edge, edge };
		for (int x = 0; x < GRID; x++) {
			struct point p = geometry_from_grid((struct point){ x, x }, frame);
			cr_assert_eq(geometry_to_grid(p, frame).x, x);
			/* its centre is within half a pixel of the thousandth's centre */
			cr_assert_leq(fabs(p.x + 0.5 - (x + 0.5) * edge / GRID), 0.5 + 1e-9);
		}
	}
}

/* ---- messages ---- */

static void check_part(const struct message *m, const struct message_part *part)
{
	double scratch[64] = { 0 };
	struct err err;
	cr_assert(part->size <= sizeof(scratch), "%s", m->name);
	for (const struct field *f = part->fields; f->name; f++) {
		cr_expect(f->help && *f->help, "%s.%s is not described", m->name, f->name);
		cr_expect_eq(field_find(part->fields, f->name), f, "%s.%s twice", m->name, f->name);
		cr_expect(f->offset < part->size, "%s.%s", m->name, f->name);
	}
	cr_expect_not(message_decode(part, NULL, part->tail_max + 1, scratch, &err), "%s", m->name);
	json_auto_t *stranger = json_pack("{s:i}", "stranger", 1);
	cr_expect_not(message_decode(part, stranger, 0, scratch, &err), "%s", m->name);
}

/* That the speaker's own messages are heard, and nothing else. */
static void check_speech(const struct message_speech *speech)
{
	struct err err;
	void *args = NULL;
	for (const struct message *const *at = speech->messages; *at; at++) {
		check_part(*at, &(*at)->request);
	}
	unsigned n = 0;
	while (speech->channels[n]) {
		cr_expect(message_channel(speech, n++, &err));
	}
	cr_expect_not(message_channel(speech, n, &err));
	json_auto_t *stranger = json_pack("{s:s, s:{}}", "message", "stranger", "args");
	const struct link_msg msg = { .json = stranger };
	cr_expect_null(message_speech_decode(speech, &msg, &args, &err));
	cr_expect_null(args);
}

/* That a row decoded into so many bytes writes to no others. */
static void check_row(const struct message *m, const struct field *fields)
{
	for (const struct field *f = fields; f && f->name; f++) {
		cr_expect_leq(f->offset + sizeof(struct field_ints), (size_t)MESSAGE_ROW_SIZE,
			"%s.%s", m->name, f->name);
	}
}

Test(messages, tables_are_whole)
{
	const struct message *m;
	for (size_t i = 0; (m = message_request_at(i)); i++) {
		check_part(m, &m->request);
		check_part(m, &m->answer);
		for (const struct message_member *at = m->members; at && at->name; at++) {
			check_row(m, at->fields);
		}
		if (m->talk) {
			check_row(m, m->talk->agent.rows[0]);
			cr_expect(m->talk->agent.channels[0] || m->talk->agent.messages[0],
				"%s: nothing to say", m->name);
			check_speech(&m->talk->host);
			check_speech(&m->talk->agent);
		}
	}
	for (size_t i = 0; (m = message_event_at(i)); i++) {
		check_part(m, &m->request);
	}
}

Test(messages, there_and_back)
{
	const struct msg_exec exec = {
		.command = "true", .cwd = "/tmp", .timeout_ms = 5, .input = true
	};
	struct msg_exec got;
	struct err err;
	json_auto_t *json = message_encode(&message_exec.request, &exec);
	cr_assert(message_decode(&message_exec.request, json, 0, &got, &err), "%s", err.text);
	cr_expect_str_eq(got.command, "true");
	cr_expect_str_eq(got.cwd, "/tmp");
	cr_expect_eq(got.timeout_ms, 5);
	cr_expect(got.input);
	const struct msg_exec_answer answers[] = { { .status = 0, .ms = 0 },
		{ .status = 255, .ms = 3, .timed_out = true }, { .status = -1, .signal = 9 } };
	for (size_t i = 0; i < 3; i++) {
		struct msg_exec_answer back;
		json_auto_t *said = message_encode(&message_exec.answer, &answers[i]);
		cr_assert(
			message_decode(&message_exec.answer, said, 0, &back, &err), "%s", err.text);
		cr_expect_eq(back.status, answers[i].status);
		cr_expect_eq(back.signal, answers[i].signal);
		cr_expect_eq(back.ms, answers[i].ms);
		cr_expect_eq(back.timed_out, answers[i].timed_out);
	}
}

static bool hears(const char *text, size_t tail_len, struct err *err)
{
	void *args = NULL;
	json_auto_t *json = json_loads(text, 0, NULL);
	const struct link_msg msg = { json, (const uint8_t *)"tail", tail_len };
	const struct message *m = message_speech_decode(&message_exec.talk->host, &msg, &args, err);
	cr_expect(!m || (m == &message_signal && ((struct msg_signal *)args)->signal == 9));
	free(args);
	return m;
}

Test(messages, a_conversations_messages_are_checked)
{
	struct err err;
	json_auto_t *json = message_speech_encode(&message_signal, &(struct msg_signal){ 9 });
	auto_free char *text = json_dumps(json, 0);
	cr_expect(hears(text, 0, &err), "%s", err.text);
	cr_expect_not(hears(text, 4, &err), "a tail that the row does not allow");
	static const char *const bad[] = { "{}", "{\"message\":7,\"args\":{}}",
		"{\"message\":\"signal\"}", "{\"message\":\"signal\",\"args\":[9]}",
		"{\"message\":\"signal\",\"args\":{}}",
		"{\"message\":\"signal\",\"args\":{\"signal\":0}}",
		"{\"message\":\"signal\",\"args\":{\"signal\":9},\"more\":1}",
		"{\"message\":\"started\",\"args\":{\"pid\":9}}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_not(hears(bad[i], 0, &err), "%s", bad[i]);
	}
}
