// USES agent m
/*
 * The agent's part of the sound, with an agent that has no desktop: its errors when PulseAudio is
 * absent or does not start, and a host that stops reading samples.
 */
#include "tests/support/agent_client.h"
#include "tests/support/tone.h"

#include <sys/stat.h>

#define RATE 16000
#define CHUNK (RATE / SOUND_CHUNKS * 2)

/* What a desktop needs; sound is not among it. */
static const char *const desktop[] = { "Xvnc", "openbox", "dbus-daemon", "tint2" };
#define N_DESKTOP (sizeof(desktop) / sizeof(desktop[0]))

static struct client c;
static char programs[64]; /* a PATH of the test's own */

static void write_program(const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", programs, name);
	FILE *file = fopen(path, "we");
	cr_assert(file);
	fputs(text, file);
	fclose(file);
	chmod(path, 0700);
}

static void remove_program(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", programs, name);
	unlink(path);
}

/* with_sound: the installed programs are found behind those of the test. */
static void start_agent(bool with_sound)
{
	snprintf(programs, sizeof(programs), "/tmp/vitrine-path-XXXXXX");
	cr_assert(mkdtemp(programs));
	char path[200], to[100];
	for (size_t i = 0; i < N_DESKTOP; i++) {
		snprintf(path, sizeof(path), "%s/%s", programs, desktop[i]);
		snprintf(to, sizeof(to), "/usr/bin/%s", desktop[i]);
		cr_assert_eq(symlink(to, path), 0);
	}
	snprintf(path, sizeof(path), "%s%s", programs, with_sound ? ":/usr/bin:/bin" : "");
	setenv("PATH", path, 1);
	client_start(&c, NULL);
}

static void stop(void)
{
	setenv("PATH", "/usr/bin:/bin", 1);
	client_stop(&c);
	remove_program("pulseaudio");
	remove_program("parec");
	for (size_t i = 0; i < N_DESKTOP; i++) {
		remove_program(desktop[i]);
	}
	cr_expect_eq(rmdir(programs), 0);
}

TestSuite(agent_sound, .fini = stop, .timeout = 120);

/* ---- the host ---- */

struct ear {
	struct answer answer;
	struct buf heard;
	bool stalled; /* gives no credit back */
	uint32_t id;
};

static void on_data(
	struct link *link, uint32_t id, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct ear *ear = data;
	cr_assert_eq(channel, 0);
	buf_append(&ear->heard, bytes, len);
	if (!ear->stalled) {
		link_consumed(link, id, len);
	}
}

static void listen_to(struct ear *ear, bool live)
{
	static const struct link_talk talk = { .data = on_data };
	const struct msg_sound args = { .rate = RATE, .channels = 1, .live = live };
	ear->id = link_converse(c.link, "sound", message_encode(&message_sound.request, &args),
		NULL, 0, &talk, client_on_reply, &ear->answer);
}

static void cancel(struct ear *ear)
{
	link_cancel(c.link, ear->id);
	cr_assert(client_until(&c, ear->answer.came));
	cr_expect_eq(ear->answer.err.kind, ERR_CANCELLED, "%s", ear->answer.err.text);
	answer_done(&ear->answer);
	buf_done(&ear->heard);
}

static void expect_failure(enum err_kind kind, const char *says)
{
	struct ear ear = { 0 };
	listen_to(&ear, false);
	cr_assert(client_until(&c, ear.answer.came));
	cr_expect_eq(ear.answer.err.kind, kind, "%s", ear.answer.err.text);
	cr_expect_not_null(strstr(ear.answer.err.text, says), "%s", ear.answer.err.text);
	answer_done(&ear.answer);
	buf_done(&ear.heard);
}

/* ---- what is installed ---- */

Test(agent_sound, says_what_to_install)
{
	start_agent(false);
	expect_failure(ERR_UNSUPPORTED, "package pulseaudio ");
	write_program("pulseaudio", "#!/bin/sh\nexit 1\n");
	expect_failure(ERR_UNSUPPORTED, "package pulseaudio-utils ");
}

/* Programs that wait for it are told, too: parec ends. */
Test(agent_sound, a_server_that_does_not_start_is_an_error)
{
	start_agent(true);
	write_program("pulseaudio", "#!/bin/sh\necho broken >&2\nexit 1\n");
	expect_failure(ERR_STATE, "sound server");
	expect_failure(ERR_STATE, "sound server");
	remove_program("pulseaudio"); /* the next one on the PATH is good */
	struct ear ear = { 0 };
	listen_to(&ear, false);
	cr_assert(client_until(&c, ear.heard.len >= CHUNK || ear.answer.came));
	cr_expect_not(ear.answer.came, "%s", ear.answer.err.text);
	cancel(&ear);
}

/* ---- a host that stops ---- */

/* As many samples as it asks for, much faster than they are played. */
#define FLOOD "#!/bin/sh\nexec perl -e '$| = 1; print \"\\1\\2\" x 320 for 1 .. 3000; sleep 1000'\n"
#define FLOODED (3000 * CHUNK)

/* Nothing of a recording is lost; the recorder waits. */
Test(agent_sound, a_recording_waits_for_the_host)
{
	struct ear ear = { .stalled = true };
	start_agent(true);
	write_program("parec", FLOOD);
	listen_to(&ear, false);
	cr_assert(client_until(&c, ear.heard.len == LINK_WINDOW));
	ear.stalled = false;
	link_consumed(c.link, ear.id, ear.heard.len);
	cr_assert(client_until(&c, ear.heard.len == FLOODED));
	for (size_t i = 0; i < ear.heard.len; i++) {
		cr_assert_eq(ear.heard.data[i], i % 2 ? 2 : 1);
	}
	cancel(&ear);
}

/* What a listener does not take is lost, in whole chunks. */
Test(agent_sound, a_listener_gets_what_is_played_now)
{
	struct ear ear = { .stalled = true };
	start_agent(true);
	write_program("parec",
		"#!/bin/sh\nexec perl -e '$| = 1; for (1 .. 3000) { print pack(\"s<\", $_) x 320 } sleep 1000'\n");
	listen_to(&ear, true);
	cr_assert(client_until(&c, ear.heard.len == LINK_WINDOW));
	struct answer ping;
	client_call(&c, "ping", NULL, &ping); /* the rest was read meanwhile */
	answer_done(&ping);
	ear.stalled = false;
	link_consumed(c.link, ear.id, ear.heard.len);
	cr_assert(client_until(&c, ear.heard.len % CHUNK == 0));
	cr_expect_lt(ear.heard.len, FLOODED);
	for (size_t i = 0; i + 1 < ear.heard.len; i += 2) {
		cr_assert_eq(ear.heard.data[i], ear.heard.data[i / CHUNK * CHUNK], "at %zu", i);
	}
	cancel(&ear);
}

Test(agent_sound, the_recorder_ends_with_the_listener)
{
	struct ear ear = { 0 };
	start_agent(true);
	listen_to(&ear, false);
	cr_assert(client_until(&c, ear.heard.len >= CHUNK));
	pid_t recorder = client_pid_of(&c, "parec");
	cancel(&ear);
	cr_expect(process_ends(recorder));
}
