/*
 * Records what the desktop plays, for the host.  A program records it (parec), so that PulseAudio's
 * protocol stays outside of the agent; it costs no more than the library would.  A listener without
 * credit loses what is played meanwhile, instead of hearing it later; a recording waits.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/quote.h"
#include "base/spawn.h"
#include "vm/agent/core/agent.h"
#include "vm/agent/core/op.h"
#include "vm/agent/process/output_drain.h"
#include "vm/agent/sound/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SAMPLE sizeof(int16_t)
#define CHUNK_MAX (SOUND_RATE_MAX / SOUND_CHUNKS * SOUND_CHANNELS_MAX * SAMPLE)

struct sound {
	struct request *req;
	sd_event *event;
	pid_t pid;
	sd_event_source *source; /* of its output, which it owns */
	struct output_drain *errors;
	bool live;
	size_t chunk, len; /* size of a chunk; bytes of the current one that were read */
	size_t left;       /* bytes of `out` that the host has not taken */
	bool began;        /* the first chunk was sent */
	uint8_t in[CHUNK_MAX], out[CHUNK_MAX];
};

/* ---- the end ---- */

static int on_reaped(sd_event_source *source, const siginfo_t *info, void *data)
{
	(void)source, (void)info, (void)data;
	return 0;
}

static struct request *sound_free(struct sound *s)
{
	struct request *req = s->req;
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		sd_event_add_child(s->event, NULL, s->pid, WEXITED, on_reaped, NULL);
	}
	loop_drop(&s->source);
	output_drain_release(s->errors);
	free(s);
	return req;
}

static void recorder_ended(struct sound *s)
{
	auto_free char *said = output_drain_text(s->errors);
	char quote[QUOTE_MAX];
	struct err err;
	err_set(&err, ERR_STATE, "the desktop's sound server has ended; try again%s%s",
		*said ? "; " SOUND_RECORDER " says: " : "",
		*said ? quote_end(quote, said, strlen(said), 200) : "");
	request_fail(sound_free(s), &err);
}

static void on_cancel(void *data)
{
	struct err err;
	err_set(&err, ERR_CANCELLED, "the recording was cancelled");
	request_fail(sound_free(data), &err);
}

static void on_ended(void *data)
{
	request_reply(sound_free(data), NULL, NULL, 0);
}

/* ---- samples ---- */

/* True if the host has taken the whole chunk. */
static bool hand_on(struct sound *s)
{
	if (s->left > 0) {
		s->left -= request_write(s->req, 0, s->out + s->chunk - s->left, s->left);
	}
	return s->left == 0;
}

static bool is_silent(const struct sound *s)
{
	return s->in[0] == 0 && memcmp(s->in, s->in + 1, s->chunk - 1) == 0;
}

/* False: it must wait. */
static bool take_chunk(struct sound *s)
{
	if (s->live && s->began && is_silent(s)) {
		s->len = 0;
		return true;
	}
	if (hand_on(s)) {
		memcpy(s->out, s->in, s->chunk);
		s->left = s->chunk;
		s->len = 0;
		s->began = true;
		hand_on(s);
		return true;
	}
	s->len = s->live ? 0 : s->len;
	return s->live;
}

/* At most one buffer of the pipe, so that a fast writer cannot block the loop. */
static void pump(struct sound *s)
{
	for (int i = 0; i < 2 * SOUND_CHUNKS; i++) {
		if (s->len == s->chunk && !take_chunk(s)) {
			loop_enable(s->source, false);
			return;
		}
		ssize_t n = read(
			sd_event_source_get_io_fd(s->source), s->in + s->len, s->chunk - s->len);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			return recorder_ended(s);
		}
		if (n < 0) {
			break;
		}
		s->len += (size_t)n;
	}
	loop_enable(s->source, true);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source, (void)fd, (void)events;
	pump(data);
	return 0;
}

static void on_writable(void *data)
{
	struct sound *s = data;
	hand_on(s);
	pump(s);
}

static const struct request_talk talk = {
	.writable = on_writable,
	.ended = on_ended,
};

/* ---- start ---- */

static bool open_output(struct sound *s, int *ret_theirs, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return err_errno(err, "cannot create a pipe");
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	s->source = loop_add_io(s->event, ends[0], EPOLLIN, on_readable, s);
	sd_event_source_set_io_fd_own(s->source, true);
	*ret_theirs = ends[1];
	return true;
}

static bool start(struct sound *s, const struct msg_sound *args, struct err *err)
{
	char rate[32], channels[32];
	auto_close int output = -1, errors = -1;
	snprintf(rate, sizeof(rate), "--rate=%lld", (long long)args->rate);
	snprintf(channels, sizeof(channels), "--channels=%lld", (long long)args->channels);
	const char *argv[] = { SOUND_RECORDER, "--device=" SOUND_MONITOR, "--format=s16le", rate,
		channels, "--latency-msec=20", "--client-name=Vitrine", NULL };
	s->errors = output_drain_open(s->event, &errors);
	if (!s->errors || !open_output(s, &output, err)) {
		return err_errno(err, "cannot create a pipe");
	}
	struct spawn_fd fds[] = { { output, STDOUT_FILENO }, { errors, STDERR_FILENO } };
	struct spawn how = {
		.argv = argv, .fds = fds, .n_fds = 2, .new_session = true, .die_with_us = true
	};
	s->pid = spawn_start(&how, err);
	return s->pid > 0;
}

static void run(struct request *req, const void *data)
{
	const struct msg_sound *args = data;
	struct agent *agent = request_agent(req);
	struct sound *s = must(calloc(1, sizeof(*s)));
	struct err err;
	s->req = req;
	s->event = agent->event;
	s->live = args->live;
	s->chunk = (size_t)(args->rate / SOUND_CHUNKS * args->channels) * SAMPLE;
	if (sound_server_is_there(agent->sound, &err) && request_converse(req, &talk, s, &err) &&
		start(s, args, &err)) {
		request_on_cancel(req, on_cancel, s);
	} else {
		request_fail(sound_free(s), &err);
	}
}

const struct op op_sound = {
	.message = &message_sound,
	.run = run,
};
