// USES vm m
/*
 * The sound of a desktop, as every backend's agent tells it: a tone is heard as that tone, silence
 * as silence, nothing runs before someone plays or listens, and a killed sound server comes back.
 * An image may have no sound server; it must say so then.
 */
#include "tests/support/contract.h"
#include "tests/support/tone.h"

#include "base/buf.h"
#include "vm/guest/conversation.h"

#define RATE 16000
#define BYTES(ms) ((size_t)(ms)*RATE / 1000 * 2)
#define LONG_MS 100000

struct ear {
	struct conversation *c; /* NULL: over */
	struct buf heard;
	bool ended;
	struct err err;
};

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	cr_assert_eq(channel, 0);
	buf_append(&((struct ear *)data)->heard, bytes, len);
	conversation_consumed(c, len);
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct ear *ear = data;
	(void)c, (void)answer;
	ear->c = NULL;
	ear->ended = true;
	ear->err = err ? *err : (struct err){ 0 };
}

static void listen_to(struct bench *b, struct ear *ear, bool live)
{
	static const struct conversation_handlers handlers = { .on_data = on_data,
		.on_end = on_end };
	const struct msg_sound args = { .rate = RATE, .channels = 1, .live = live };
	*ear = (struct ear){ 0 };
	ear->c = guest_sound(vm_guest(b->vm), live ? GUEST_ASKER_VIEWER : GUEST_ASKER_AGENT, &args,
		live ? 0 : LONG_MS, &handlers, ear);
}

static void stop_listening(struct ear *ear)
{
	conversation_close(ear->c);
	buf_done(&ear->heard);
}

static void hear(struct bench *b, struct ear *ear, size_t bytes)
{
	while (ear->heard.len < bytes) {
		cr_assert_not(ear->ended, "%s", ear->err.text);
		cr_assert_geq(sd_event_run(b->host.event, UINT64_MAX), 0);
	}
}

static bool is_fake(const struct bench *b)
{
	return strcmp(b->dialect->backend, "fake") == 0;
}

static bool runs(struct bench *b, const char *command)
{
	struct answer *a = host_exec(&b->host, b->vm, command, 60000);
	bool good = a->exec.exited && a->exec.status == 0;
	answer_free(a);
	return good;
}

/* False: the desktop has no sound server, which the conversation must say. */
static bool has_sound(struct bench *b)
{
	struct ear ear;
	if (is_fake(b) || runs(b, "command -v pulseaudio")) {
		return true;
	}
	cr_assert(
		b->dialect->is_machine, "pulseaudio is not installed here: .ci/packages/test.txt");
	listen_to(b, &ear, false);
	host_until(&b->host, &ear.ended);
	cr_expect_eq(ear.err.kind, ERR_UNSUPPORTED, "%s", ear.err.text);
	cr_expect_not_null(strstr(ear.err.text, "install"), "%s", ear.err.text);
	stop_listening(&ear);
	return false;
}

/* Returns at once; it plays for long. */
static void play(struct bench *b, int hz)
{
	char command[400], background[500];
	snprintf(command, sizeof(command), TONE_COMMAND, hz, LONG_MS / 1000);
	snprintf(background, sizeof(background), "(%s) >/dev/null 2>&1 &", command);
	if (is_fake(b)) {
		snprintf(background, sizeof(background), "tone %d", hz);
	}
	cr_assert(runs(b, background));
}

/* Until the last tenth of a second is that tone and little else. */
static void hear_tone(struct bench *b, struct ear *ear, double hz)
{
	size_t from = ear->heard.len;
	do {
		hear(b, ear, ear->heard.len + BYTES(20));
		from = ear->heard.len > BYTES(100) ? ear->heard.len - BYTES(100) : 0;
	} while (ear->heard.len < BYTES(100) || tone_part(&ear->heard, from, 1, RATE, hz) < 0.9);
	cr_expect_lt(tone_part(&ear->heard, from, 1, RATE, hz * 1.5), 0.1);
	int peak = tone_peak(&ear->heard, from);
	cr_expect(peak > 9000 && peak < 11000, "%d", peak);
}

static void a_silent_desktop_is_silent(struct bench *b)
{
	struct ear ear;
	if (!has_sound(b)) {
		return;
	}
	listen_to(b, &ear, false);
	hear(b, &ear, BYTES(500));
	cr_expect_eq(tone_peak(&ear.heard, 0), 0);
	stop_listening(&ear);
}

static void a_tone_is_that_tone(struct bench *b)
{
	struct ear ear;
	if (!has_sound(b)) {
		return;
	}
	listen_to(b, &ear, false);
	hear(b, &ear, BYTES(20));
	play(b, TONE_HZ);
	hear_tone(b, &ear, TONE_HZ);
	stop_listening(&ear);
}

/* Only the first chunk of silence is sent. */
static void a_listener_hears_no_silence(struct bench *b)
{
	struct ear live, all;
	if (!has_sound(b)) {
		return;
	}
	listen_to(b, &live, true);
	listen_to(b, &all, false);
	hear(b, &live, BYTES(20));
	hear(b, &all, BYTES(500));
	cr_expect_eq(live.heard.len, BYTES(20));
	play(b, TONE_HZ);
	hear_tone(b, &live, TONE_HZ);
	stop_listening(&live);
	stop_listening(&all);
}

#define SERVER_RUNS "pgrep -x pulseaudio"

static void nothing_runs_before_it_is_needed(struct bench *b)
{
	if (is_fake(b) || !has_sound(b)) {
		return;
	}
	cr_expect_not(runs(b, SERVER_RUNS));
	struct ear ear;
	listen_to(b, &ear, false);
	hear(b, &ear, BYTES(20));
	cr_expect(runs(b, SERVER_RUNS));
	stop_listening(&ear);
	cr_expect(runs(b, "until ! pgrep -x parec; do sleep 0.02; done"), "the recorder stays");
}

static void a_killed_server_comes_back(struct bench *b)
{
	struct ear ear;
	if (is_fake(b) || !has_sound(b)) {
		return;
	}
	for (int i = 0; i < 3; i++) {
		listen_to(b, &ear, false);
		hear(b, &ear, BYTES(20));
		cr_assert(runs(b, "pkill -KILL -x pulseaudio"));
		host_until(&b->host, &ear.ended);
		cr_expect_eq(ear.err.kind, ERR_STATE, "%s", ear.err.text);
		stop_listening(&ear);
	}
	listen_to(b, &ear, false);
	hear(b, &ear, BYTES(20));
	play(b, TONE_HZ);
	hear_tone(b, &ear, TONE_HZ);
	stop_listening(&ear);
}

static void on_forked(
	struct vm *source, struct vm *const *vms, size_t n, const struct err *err, void *data)
{
	struct vm **child = data;
	(void)source;
	cr_assert(!err && n == 1, "%s", err ? err->text : "");
	*child = vms[0];
}

/* A copy goes on playing, and knows nothing of the source's listener. */
static void a_fork_plays_on(struct bench *b)
{
	struct ear ear;
	struct vm *child = NULL;
	if (strcmp(b->dialect->backend, "namespace") == 0 || !has_sound(b)) {
		return;
	}
	play(b, TONE_HZ);
	listen_to(b, &ear, true);
	hear_tone(b, &ear, TONE_HZ);
	vm_fork(b->vm, 1, on_forked, &child);
	while (!child) {
		cr_assert_geq(sd_event_run(b->host.event, UINT64_MAX), 0);
	}
	hear_tone(b, &ear, TONE_HZ);
	stop_listening(&ear);
	struct vm *source = b->vm;
	b->vm = child;
	struct waited waited = host_wait(&b->host, child);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	if (is_fake(b)) { /* its file has no tone */
		play(b, TONE_HZ);
	}
	listen_to(b, &ear, true);
	hear_tone(b, &ear, TONE_HZ);
	stop_listening(&ear);
	b->vm = source;
}

/* What plays goes on playing, which only a case alone or the last one may leave behind. */
static const struct contract cases[] = {
	CASE(nothing_runs_before_it_is_needed),
	CASE(a_silent_desktop_is_silent),
	CASE(a_killed_server_comes_back),
	CASE_ALONE(a_tone_is_that_tone),
	CASE_ALONE(a_listener_hears_no_silence),
	CASE_ALONE(a_fork_plays_on),
};

CONTRACT(sound, cases)
