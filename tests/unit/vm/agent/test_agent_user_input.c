// USES agent
/* Text that a user types is read back from a window that answers pings as programs do. */
#include "tests/support/text.h"
#include "tests/support/user_input_fixture.h"
#include "vm/agent/x11/keys.h"

TestSuite(user_input, .init = user_start, .fini = user_stop, .timeout = 120);

static const char *const scripts[] = {
	"déjà vu: Größe, ñandú, Århus «ok» 100% #1 @home {x} [y] ~z",
	"Zażółć gęślą JAŹŃ",
	"Καλημέρα κόσμε",
	"Съешь же ещё этих мягких французских булок, да выпей чаю",
	"שלום עולם",
	"مرحبا بالعالم",
	"नमस्ते दुनिया",
	"视野无限广，窗外有蓝天",
	"いろはにほへと漢字カナ",
	"다람쥐 헌 쳇바퀴에",
	"👍🏽 🇪🇺 𝔘𝔫𝔦 done",
};
#define N_SCRIPTS (sizeof(scripts) / sizeof(*scripts))

Test(user_input, types_every_script_on_every_layout)
{
	static const char *const layouts[] = { "us", "de", "fr", "ru", "us,ru" };
	auto_buf struct buf want = { 0 };
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		agent_fixture_run(&fixture, "setxkbmap", layouts[i]);
		for (size_t j = 0; j < N_SCRIPTS; j++) {
			user_types(scripts[j]);
			buf_printf(&want, "%s", scripts[j]);
			expect_text(buf_text(&want));
		}
	}
	cr_assert(all_keys_up());
}

/* The same, with another group of the layout in force. */
Test(user_input, types_every_script_in_another_group)
{
	auto_buf struct buf want = { 0 };
	agent_fixture_run(&fixture, "setxkbmap", "us,ru");
	XkbLockGroup(display_x(fixture.agent.display), XkbUseCoreKbd, 1);
	for (size_t j = 0; j < N_SCRIPTS; j++) {
		user_types(scripts[j]);
		buf_printf(&want, "%s", scripts[j]);
	}
	expect_text(buf_text(&want));
	cr_assert_eq(keyboard_state().locked_group, 1);
}

Test(user_input, takes_a_burst_of_a_thousand_characters)
{
	auto_buf struct buf text = { 0 };
	text_append_cjk(&text, 500);
	user_types(buf_text(&text));
	expect_text(buf_text(&text));
}

static void begin_agent(struct request *req, const char *text)
{
	agent_fixture_begin(&fixture, req,
		json_pack("{s:[{s:s, s:s}]}", "actions", "action", "type", "text", text));
}

static void end_agent(struct request *req)
{
	agent_fixture_finish(req);
	cr_assert(req->result, "%s", req->err.text);
	const char *why =
		json_string_value(json_object_get(json_object_get(req->result, "failed"), "text"));
	cr_assert_null(why, "%s", why);
	agent_fixture_done(req);
}

Test(user_input, never_runs_out_of_letters_whatever_the_agent_types)
{
	auto_buf struct buf want = { 0 };
	for (unsigned i = 0; i < 30; i++) {
		struct request req;
		auto_buf struct buf agents = { 0 }, users = { 0 };
		text_append_letters(&agents, 0x4e00 + i * 40, 25);
		text_append_letters(&users, 0xac00 + i * 40, 25);
		begin_agent(&req, buf_text(&agents));
		end_agent(&req);
		user_types(buf_text(&users));
		buf_printf(&want, "%s%s", buf_text(&agents), buf_text(&users));
		expect_text(buf_text(&want));
	}
}

/* The characters of `from` in `all`, in their order. */
static bool holds_in_order(const char *all, const char *from)
{
	for (uint32_t want; (want = keys_next_char(&from));) {
		uint32_t ch;
		while ((ch = keys_next_char(&all)) && ch != want) {
		}
		if (!ch) {
			return false;
		}
	}
	return true;
}

Test(user_input, and_the_agent_at_once_are_both_exact)
{
	struct request req;
	auto_buf struct buf agents = { 0 }, users = { 0 };
	for (unsigned i = 0; i < 4; i++) {
		text_append_letters(&agents, 0x4e00 + i * 200, 200);
		buf_printf(&agents, "abc DEF");
		text_append_letters(&users, 0xac00 + i * 100, 100);
		buf_printf(&users, "Жж");
	}
	begin_agent(&req, buf_text(&agents));
	const char *at = buf_text(&users);
	for (uint32_t ch; (ch = keys_next_char(&at));) {
		sd_event_run(fixture.agent.event, 1000);
		user_taps(user_sym(ch));
	}
	end_agent(&req);
	agent_fixture_until(&fixture, !user_input_is_waiting(user));
	program_settle();
	const char *all = buf_text(&seen.text);
	cr_assert(holds_in_order(all, buf_text(&agents)), "the agent's: %s", all);
	cr_assert(holds_in_order(all, buf_text(&users)), "the user's: %s", all);
	cr_assert_eq(
		text_length(all), text_length(buf_text(&agents)) + text_length(buf_text(&users)));
}

/* The Shift that a user holds does not change the text of the agent, and capitals do not require it. */
Test(user_input, keeps_a_held_shift_from_the_agents_text)
{
	user_input_key(user, XK_Shift_L, true);
	user_taps('A');
	agent_fixture_type(&fixture, "bcD");
	user_taps('E');
	user_input_key(user, XK_Shift_L, false);
	user_taps('f');
	expect_text("AbcDEf");
	cr_assert(all_keys_up());
}
