/* The fake agent's `sound`: silence, or the tone that the command "tone HZ" has begun. */
#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#define LOUDNESS 10000
#define HASTE 20 /* times as much as is played, of a faulty agent */

struct fake_sound {
	const struct msg_sound *args;
	uint64_t played; /* samples of a channel */
	uint64_t next_us;
	bool began;
};

static int16_t sample(const struct fake_request *req, uint64_t at)
{
	double turns =
		(double)req->fake->desktop.tone_hz * (double)at / (double)req->sound->args->rate;
	return (int16_t)(LOUDNESS * sin(2 * M_PI * (turns - floor(turns))));
}

static void write_chunk(struct fake_request *req)
{
	struct fake_sound *sound = req->sound;
	const struct msg_sound *args = sound->args;
	static int16_t bytes[SOUND_RATE_MAX / SOUND_CHUNKS * SOUND_CHANNELS_MAX];
	size_t frames = (size_t)args->rate / SOUND_CHUNKS, n = 0;
	for (size_t i = 0; i < frames; i++) {
		uint16_t value = htole16((uint16_t)sample(req, sound->played++));
		for (int64_t channel = 0; channel < args->channels; channel++) {
			bytes[n++] = (int16_t)value;
		}
	}
	if (!args->live || !sound->began || req->fake->desktop.tone_hz) {
		sound->began = true;
		link_write(req->fake->link, req->id, 0, bytes, n * sizeof(*bytes));
	}
}

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
	struct fake_request *req = data;
	(void)usec;
	int chunks = strcmp(req->fake->fault, "hasty") == 0 ? HASTE : 1;
	for (int i = 0; i < chunks && req->fake->link; i++) {
		write_chunk(req);
	}
	req->sound->next_us += 1000000 / SOUND_CHUNKS;
	sd_event_source_set_time(source, req->sound->next_us);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static const struct link_talk talk = { 0 };

static void done(struct fake_request *req)
{
	free(req->sound);
}

bool fake_sound(struct fake_request *req, struct err *err)
{
	if (strcmp(req->fake->fault, "soundless") == 0) {
		return err_set(err, ERR_UNSUPPORTED,
			"this desktop has no sound: install the Debian package pulseaudio");
	}
	req->sound = must(calloc(1, sizeof(*req->sound)));
	req->done = done;
	req->sound->args = req->args;
	req->sound->next_us = loop_now_us();
	if (!link_accept(req->fake->link, req->id, &talk, req, err)) {
		return false;
	}
	fake_after(req, 0, on_time);
	return true;
}
