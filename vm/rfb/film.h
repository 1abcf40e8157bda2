#ifndef VM_RFB_FILM_H
#define VM_RFB_FILM_H

#include "vm/rfb/encode.h"
#include "vm/rfb/vp9.h"

#include <systemd/sd-event.h>

/*
 * An area of a picture as VP9, for all viewers of a kind.  Each frame is a rectangle of the private
 * encoding RFB_VP9: the byte `part` (which of a picture's films), a byte of flags (1: a key frame),
 * two of padding, four of length, and the frame.  A viewer needs all frames since a key frame; the
 * last few are kept, so one that is a little late gets them all.
 */

#define FILM_KEPT 8      /* frames */
#define FILM_KEY_MS 1000 /* between two key frames, for viewers that join */

/* What a viewer has seen. */
struct film_place {
	uint32_t film, frame; /* frame: its number; 0: none */
};

struct film_frame {
	bool key;
	struct buf data;
};

struct film_job;

struct film {
	uint32_t number; /* another for each film of a server */
	unsigned part;
	struct rect area;
	struct vp9 *encoder;  /* NULL: a job has it */
	struct film_job *job; /* NULL: none */
	struct film_frame frames[FILM_KEPT];
	uint32_t last, key; /* the numbers of the last frame and key frame; 0: none yet */
	uint64_t key_us;    /* when the last key frame was there */
	uint64_t began_us;  /* when the last frame began to be encoded */
	uint32_t shows;     /* what the owner said of the picture of the last frame */
	bool failed;        /* libvpx gave no frame: there are no more */
};

/* NULL with err: libvpx refuses. */
struct film *film_new(uint32_t number, unsigned part, struct rect area, unsigned frame_bytes,
	struct err *err) NODISCARD;
void film_free(struct film *film); /* NULL-safe */
/* The frame with which a viewer that has seen `place` goes on: last + 1: it has seen all; 0: it has
 * to wait for a key frame. */
uint32_t film_next(const struct film *film, struct film_place place);
bool film_may_have_key(const struct film *film, uint64_t now_us);
/* Appends the frames from number `from` on, as rectangles with their heads.  Returns how many. */
size_t film_put(const struct film *film, uint32_t from, struct buf *out);

/* cpu_us: processor time of the frame; ok: there is one. */
typedef void film_done_fn(bool ok, uint64_t cpu_us, void *data);
/* Encodes a copy of the picture, which has the film's size, in a thread; then calls done from the
 * loop, even if the film is no more.  One job at a time for each film. */
struct film_job *film_encode(struct film *film, sd_event *event, const struct image *picture,
	uint32_t shows, bool key, film_done_fn *done, void *data);
/* Done is not called. */
void film_job_forget(struct film_job *job);

#endif
