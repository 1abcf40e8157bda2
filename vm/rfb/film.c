#include "vm/rfb/film.h"

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/work.h"

#include <string.h>
#include <time.h>

enum { FLAG_KEY = 1 };

struct film_job {
	struct film *film; /* NULL: it was freed */
	struct vp9 *encoder;
	struct image picture;
	uint32_t shows;
	bool key, ok;
	struct buf data;
	uint64_t cpu_us;
	film_done_fn *done;
	void *owner;
};

struct film *film_new(
	uint32_t number, unsigned part, struct rect area, unsigned frame_bytes, struct err *err)
{
	struct size size = { area.width, area.height };
	struct vp9 *encoder = vp9_new(size, frame_bytes, err);
	if (!encoder) {
		return NULL;
	}
	struct film *film = must(calloc(1, sizeof(*film)));
	film->number = number;
	film->part = part;
	film->area = area;
	film->encoder = encoder;
	return film;
}

void film_free(struct film *film)
{
	if (!film) {
		return;
	}
	if (film->job) {
		film->job->film = NULL;
	}
	for (int i = 0; i < FILM_KEPT; i++) {
		buf_done(&film->frames[i].data);
	}
	vp9_free(film->encoder);
	free(film);
}

/* ---- frames ---- */

uint32_t film_next(const struct film *film, struct film_place place)
{
	uint32_t oldest = film->last > FILM_KEPT ? film->last - FILM_KEPT + 1 : 1, next = 0;
	if (place.film == film->number && place.frame > 0 && place.frame + 1 >= oldest) {
		next = place.frame + 1;
	}
	return film->key >= oldest && film->key > next ? film->key : next;
}

bool film_may_have_key(const struct film *film, uint64_t now_us)
{
	return film->key == 0 || now_us - film->key_us >= FILM_KEY_MS * 1000;
}

size_t film_put(const struct film *film, uint32_t from, struct buf *out)
{
	for (uint32_t n = from; n <= film->last; n++) {
		const struct film_frame *frame = &film->frames[n % FILM_KEPT];
		uint8_t head[4] = { (uint8_t)film->part, frame->key ? FLAG_KEY : 0 };
		rfb_put_head(out, film->area, RFB_VP9);
		buf_append(out, head, sizeof(head));
		bytes_append_u32(out, (uint32_t)frame->data.len);
		buf_append(out, frame->data.data, frame->data.len);
	}
	return film->last + 1 - from;
}

static void add_frame(struct film *film, struct film_job *job)
{
	uint32_t number = ++film->last;
	struct film_frame *frame = &film->frames[number % FILM_KEPT];
	buf_done(&frame->data);
	frame->data = job->data;
	job->data = (struct buf){ 0 };
	frame->key = job->key;
	film->shows = job->shows;
	if (job->key) {
		film->key = number;
		film->key_us = loop_now_us();
	}
}

/* ---- the thread ---- */

static uint64_t thread_cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void encode(void *data)
{
	struct film_job *job = data;
	uint64_t began = thread_cpu_us();
	struct err err;
	job->ok = vp9_encode(job->encoder, &job->picture, job->key, &job->data, &err);
	job->cpu_us = thread_cpu_us() - began;
}

static void on_encoded(void *data)
{
	struct film_job *job = data;
	struct film *film = job->film;
	if (film) {
		film->job = NULL;
		film->encoder = take_ptr(&job->encoder);
		film->failed = !job->ok;
		if (job->ok) {
			add_frame(film, job);
		}
	}
	if (job->done) {
		job->done(job->ok, job->cpu_us, job->owner);
	}
	vp9_free(job->encoder);
	buf_done(&job->data);
	free(job->picture.pixels);
	free(job);
}

static struct image copy_of(const struct image *picture)
{
	size_t row = (size_t)picture->size.width * 4;
	struct image copy = { must(malloc(row * (size_t)picture->size.height)), picture->size,
		row };
	for (int y = 0; y < picture->size.height; y++) {
		memcpy(copy.pixels + (size_t)y * row, picture->pixels + (size_t)y * picture->stride,
			row);
	}
	return copy;
}

struct film_job *film_encode(struct film *film, sd_event *event, const struct image *picture,
	uint32_t shows, bool key, film_done_fn *done, void *data)
{
	struct film_job *job = must(calloc(1, sizeof(*job)));
	*job = (struct film_job){ .film = film,
		.encoder = take_ptr(&film->encoder),
		.picture = copy_of(picture),
		.shows = shows,
		.key = key,
		.done = done,
		.owner = data };
	film->job = job;
	film->began_us = loop_now_us();
	work_run(event, encode, on_encoded, job);
	return job;
}

void film_job_forget(struct film_job *job)
{
	job->done = NULL;
}
