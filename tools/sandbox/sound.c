#include "base/cleanup.h"
#include "tools/call/result.h"
#include "tools/call/tool.h"
#include "vm/guest/conversation.h"

#include <endian.h>
#include <math.h>
#include <string.h>

/*
 * audio_record: what the desktop plays, as a WAV file.  16 kHz mono with 16 bits is what models of
 * speech and sound compute with; a higher rate would only enlarge the result.
 */

#define RATE 16000
#define SAMPLE sizeof(int16_t)
#define SECONDS_MAX 60
#define LATE_MS 20000 /* beyond the seconds: the sound server starts, an emulated one slowly */

struct record_args {
	const char *sandbox;
	int64_t seconds;
};

struct record {
	struct call *call;
	const struct record_args *args;
	struct conversation *conversation; /* NULL: it has ended */
	struct buf samples;
	size_t wanted; /* bytes */
};

static const struct field fields[] = {
	FIELD_NUM(struct record_args, seconds, "Length of the recording in seconds.", .min = 1,
		.max = SECONDS_MAX, .default_value = 5),
	CALL_SANDBOX(struct record_args),
	{ 0 },
};

/* ---- the result ---- */

static void put_u32(struct buf *to, uint32_t value)
{
	value = htole32(value);
	buf_append(to, &value, sizeof(value));
}

static void put_u16(struct buf *to, uint16_t value)
{
	value = htole16(value);
	buf_append(to, &value, sizeof(value));
}

static void put_wav(struct buf *to, const struct buf *samples)
{
	buf_append(to, "RIFF", 4);
	put_u32(to, (uint32_t)(36 + samples->len));
	buf_append(to, "WAVEfmt ", 8);
	put_u32(to, 16); /* bytes of the format */
	put_u16(to, 1);  /* PCM */
	put_u16(to, 1);  /* channel */
	put_u32(to, RATE);
	put_u32(to, RATE * SAMPLE);
	put_u16(to, SAMPLE);
	put_u16(to, 8 * SAMPLE);
	buf_append(to, "data", 4);
	put_u32(to, (uint32_t)samples->len);
	buf_append(to, samples->data, samples->len);
}

static int peak_of(const struct buf *samples)
{
	int peak = 0;
	for (size_t i = 0; i + SAMPLE <= samples->len; i += SAMPLE) {
		int value = abs((int16_t)(samples->data[i] | samples->data[i + 1] << 8));
		peak = value > peak ? value : peak;
	}
	return peak;
}

static void tell(struct buf *out, const struct record *r)
{
	int peak = peak_of(&r->samples);
	buf_printf(out, "%lld s, WAV, %d kHz, mono: ", (long long)r->args->seconds, RATE / 1000);
	if (peak == 0) {
		buf_printf(out, "silence. The desktop played nothing.");
	} else {
		buf_printf(out, "peak level %.1f dBFS.", 20 * log10(peak / 32768.0));
	}
}

static void reply(struct record *r)
{
	auto_buf struct buf wav = { 0 }, text = { 0 };
	json_t *content = json_array();
	put_wav(&wav, &r->samples);
	tell(&text, r);
	result_add_audio(content, "audio/wav", wav.data, wav.len);
	result_add_text(content, buf_text(&text));
	call_reply(r->call, content);
}

/* ---- recording ---- */

static void stop(struct record *r)
{
	conversation_close(take_ptr(&r->conversation));
	call_works(r->call, 0);
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct record *r = data;
	size_t missing = r->wanted - r->samples.len;
	(void)channel;
	conversation_consumed(c, len);
	buf_append(&r->samples, bytes, len < missing ? len : missing);
	if (r->samples.len == r->wanted) {
		stop(r);
		reply(r);
	}
}

/* The agent's answer means that it does not record any more. */
static void on_end(struct conversation *c, const void *answer, const struct err *why, void *data)
{
	struct record *r = data;
	struct err err;
	(void)c, (void)answer;
	r->conversation = NULL;
	if (!why) {
		err_set(&err, ERR_HOST, "the desktop stopped recording early; try again");
	}
	call_fail(r->call, why ? why : &err);
}

static void on_call_end(void *data)
{
	struct record *r = data;
	conversation_close(take_ptr(&r->conversation));
	buf_done(&r->samples);
}

static void begin(struct call *call, void *data)
{
	static const struct conversation_handlers handlers = { .on_data = on_data,
		.on_end = on_end };
	static const struct msg_sound how = { .rate = RATE, .channels = 1 };
	struct record *r = data;
	int64_t ms = r->args->seconds * 1000 + LATE_MS;
	call_on_end(call, on_call_end, r);
	r->conversation = guest_sound(call_guest(call), GUEST_ASKER_AGENT, &how, ms, &handlers, r);
	call_works(call, conversation_id(r->conversation));
}

static void run(struct call *call, const void *args)
{
	struct record *r = call_alloc(call, sizeof(*r));
	r->call = call;
	r->args = args;
	r->wanted = (size_t)r->args->seconds * RATE * SAMPLE;
	call_start(call, r->args->sandbox, begin, r);
}

const struct tool tool_audio_record = {
	.name = "audio_record",
	.title = "Record the sound",
	.help = "Records what the programs of the desktop play. Returns the recording as audio, and "
		"its peak level or that it is silent. Later calls run meanwhile, so that their "
		"sound can be recorded.",
	.toolset = "media",
	.hints = TOOL_EXTRA | TOOL_READS_ONLY | TOOL_TAKES_TIME,
	.order = TOOL_WAITS,
	.fields = fields,
	.args_size = sizeof(struct record_args),
	.run = run,
};
