// USES tools
/* audio_record on the fake desktop: the clip holds what was played, and its text says so. */
#include "base/base64.h"
#include "tests/support/fake_call.h"
#include "tests/support/tone.h"

#define HEADER 44
#define RATE 16000

static struct tool_fixture fixture;

static void open_fixture(void)
{
	fixture = tool_fixture_open();
}

static void close_fixture(void)
{
	tool_fixture_close(&fixture);
}

TestSuite(tools_sound, .init = open_fixture, .fini = close_fixture, .timeout = 60);

static void command(const char *args)
{
	struct fake_call *call = fake_run(&fixture, "run_command", args);
	cr_assert_eq(call->err.kind, ERR_NONE, "%s", call->err.text);
	fake_end(call);
}

/* The samples of the clip, whose form is checked; the text goes to ret_text. */
static struct buf record(const char *args, size_t seconds, char ret_text[200])
{
	struct fake_call *call = fake_run(&fixture, "audio_record", args);
	struct buf samples = { 0 };
	size_t len;
	cr_assert_eq(call->err.kind, ERR_NONE, "%s", call->err.text);
	cr_expect_str_eq(fake_block(call, 0, "audio", "mimeType"), "audio/wav");
	auto_free uint8_t *wav = base64_decode(fake_block(call, 0, "audio", "data"), &len);
	cr_assert_eq(len, HEADER + seconds * RATE * 2);
	cr_expect_eq(memcmp(wav, "RIFF", 4), 0);
	cr_expect_eq(memcmp(wav + 8, "WAVEfmt ", 8), 0);
	cr_expect_eq(wav[24] | wav[25] << 8, RATE);
	snprintf(ret_text, 200, "%s", fake_block(call, 1, "text", "text"));
	buf_append(&samples, wav + HEADER, len - HEADER);
	fake_end(call);
	return samples;
}

Test(tools_sound, a_tone_is_recorded)
{
	char text[200];
	command("{\"command\":\"tone 440\"}");
	auto_buf struct buf samples = record("{\"seconds\":2}", 2, text);
	cr_expect_gt(tone_part(&samples, 0, 1, RATE, TONE_HZ), 0.99);
	cr_expect_lt(tone_part(&samples, 0, 1, RATE, 660), 0.01);
	cr_expect_str_eq(text, "2 s, WAV, 16 kHz, mono: peak level -10.3 dBFS.");
}

Test(tools_sound, silence_is_told)
{
	char text[200];
	auto_buf struct buf samples = record("{\"seconds\":1}", 1, text);
	cr_expect_eq(tone_peak(&samples, 0), 0);
	cr_expect_str_eq(text, "1 s, WAV, 16 kHz, mono: silence. The desktop played nothing.");
}

Test(tools_sound, says_what_to_install)
{
	command("{\"command\":\"set soundless\"}");
	struct fake_call *call = fake_run(&fixture, "audio_record", "{}");
	cr_expect_eq(call->err.kind, ERR_UNSUPPORTED);
	cr_expect(strstr(call->err.text, "install the Debian package"), "%s", call->err.text);
	fake_end(call);
}

Test(tools_sound, is_cancelled)
{
	struct fake_call *call = fake_begin(&fixture, "audio_record", "{\"seconds\":60}");
	char text[200];
	auto_buf struct buf meanwhile = record("{\"seconds\":1}", 1, text);
	cr_expect_eq(call->answers, 0);
	fake_cancel(call);
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_CANCELLED, "%s", call->err.text);
	fake_end(call);
}

Test(tools_sound, ends_with_the_sandbox)
{
	struct fake_call *call = fake_begin(&fixture, "audio_record", "{\"seconds\":60}");
	char text[200];
	auto_buf struct buf meanwhile = record("{\"seconds\":1}", 1, text);
	vm_stop(vm_at(fixture.vms, "test", 0), "the test says so");
	fake_await(&fixture, call);
	cr_expect_eq(call->err.kind, ERR_GONE, "%s", call->err.text);
	fake_end(call);
}
