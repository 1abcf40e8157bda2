/*
 * The picture is ink on white (vm/picture/ink.h), twice as large, because Tesseract expects letters
 * of a printed page.  It goes through its stdin and stdout.  Measured on three desktops (GTK dialog,
 * terminal and editor, Firefox; 145 words): as it is 119 words are found, twice as large 124, as ink
 * twice as large 144.  Page segmentation 11 (sparse text) is the fastest of those that find them.
 */
#include "vm/agent/text/ocr.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "vm/agent/text/child.h"
#include "vm/picture/ink.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM "tesseract"
#define DOUBLED_MAX 2500000 /* pixels; the letters of larger screens are large enough */
#define OUTPUT_MAX (2 << 20)

struct ocr {
	struct child *child;
	int scale;
	struct size size; /* of what it reads */
	ocr_fn *fn;
	void *data;
};

bool ocr_is_there(struct err *err)
{
	g_autofree char *path = g_find_program_in_path(PROGRAM);
	return path || err_set(err, ERR_UNSUPPORTED,
			       "this desktop cannot read text from its picture: install the Debian "
			       "package tesseract-ocr in its image (`desktop` has it), or on the "
			       "server (namespace)");
}

static void on_output(const char *output, size_t len, const struct err *err, void *data)
{
	auto_free struct ocr *o = data;
	struct words words;
	if (err) {
		o->fn(NULL, err, o->data);
		return;
	}
	words_read(output, len, o->size, &words);
	for (size_t i = 0; i < words.n; i++) {
		struct rect *r = &words.at[i].at;
		int x1 = (r->x + r->width + o->scale - 1) / o->scale;
		int y1 = (r->y + r->height + o->scale - 1) / o->scale;
		r->x /= o->scale;
		r->y /= o->scale;
		r->width = x1 - r->x;
		r->height = y1 - r->y;
	}
	o->fn(&words, NULL, o->data);
}

/* A PGM file. */
static void encode(struct ocr *o, const struct image *picture, struct buf *to)
{
	size_t n = (size_t)picture->size.width * (size_t)picture->size.height;
	o->scale = n <= DOUBLED_MAX ? 2 : 1;
	o->size = (struct size){ picture->size.width * o->scale, picture->size.height * o->scale };
	size_t bytes = n * (size_t)(o->scale * o->scale);
	buf_printf(to, "P5\n%d %d\n255\n", o->size.width, o->size.height);
	buf_reserve(to, bytes + 1);
	uint8_t *pixels = to->data + to->len;
	if (o->scale == 1) {
		ink_find(picture, pixels);
	} else {
		auto_free uint8_t *ink = must(malloc(n));
		ink_find(picture, ink);
		ink_double(ink, picture->size, pixels);
	}
	to->len += bytes;
}

struct ocr *ocr_new(sd_event *event, const struct image *picture, const char *languages,
	int64_t timeout_ms, ocr_fn *fn, void *data, struct err *err)
{
	const char *argv[] = { PROGRAM, "stdin", "stdout", "--psm", "11", "-l", languages, "tsv",
		NULL };
	const char *plain[] = { PROGRAM, "stdin", "stdout", "--psm", "11", "tsv", NULL };
	/* Several threads wait for each other actively: on a busy machine they take ten times as long. */
	const char *const more[] = { "OMP_THREAD_LIMIT=1" };
	auto_buf struct buf file = { 0 };
	struct ocr *o = must(calloc(1, sizeof(*o)));
	*o = (struct ocr){ .fn = fn, .data = data };
	encode(o, picture, &file);
	const struct child_how how = { .argv = *languages ? argv : plain,
		.more = more,
		.n_more = 1,
		.input = file.data,
		.len = file.len,
		.output_max = OUTPUT_MAX,
		.timeout_ms = timeout_ms };
	o->child = child_new(event, &how, on_output, o, err);
	if (!o->child) {
		free(o);
		return NULL;
	}
	return o;
}

void ocr_free(struct ocr *o)
{
	if (o) {
		child_free(o->child);
		free(o);
	}
}
