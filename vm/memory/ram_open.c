/*
 * Opening a saved VM: its layers, then the ram from them.  Each is read in a thread, unless it is in
 * memory.
 */
#include "vm/memory/ram.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/work.h"
#include "vm/memory/ram_impl.h"

#include <string.h>

/* A smaller top layer is always copied into each VM, because it changes immediately anyway. */
#define APART_MIN (24u << 20)
#define SPENT_MAX 32

struct ram_open {
	TAILQ_ENTRY(ram_open) entry; /* in its ram's `waiting` */
	sd_event *event;
	char *dir;
	ram_open_fn *fn; /* NULL: cancelled */
	void *data;
	struct layers layers;
	struct err why;
	struct ram *ram; /* for which it waits */
	struct pages *top;
	sd_event_source *turn;
};

static void free_open(struct ram_open *open)
{
	loop_drop(&open->turn);
	layers_drop(&open->layers);
	pages_unref(open->top);
	free(open->dir);
	free(open);
}

static void answer(struct ram_open *open, struct ram *ram, const struct err *why)
{
	ram_open_fn *fn = open->fn;
	void *data = open->data;
	struct pages *top = ram ? take_ptr(&open->top) : NULL;
	struct err copy = why ? *why : (struct err){ 0 };
	free_open(open);
	fn(ram ? ram_ref(ram) : NULL, top, why ? &copy : NULL, data);
}

static void load_in_thread(void *data)
{
	struct ram *ram = data;
	bool ok = ram_make_file(ram, &ram->why);
	for (unsigned i = 0; ok && i < ram->layers.n; i++) {
		ok = pages_load(ram->layers.at[i], ram->fd, 0, &ram->why);
	}
	ok = ok && ram_seal(ram, &ram->why);
}

static void on_loaded(void *data)
{
	struct ram *ram = data;
	struct ram_open *open;
	bool failed = ram->why.kind != ERR_NONE;
	ram->loading = false;
	if (failed) {
		ram_unknow(ram);
	}
	while ((open = TAILQ_FIRST(&ram->waiting))) {
		TAILQ_REMOVE(&ram->waiting, open, entry);
		answer(open, failed ? NULL : ram, failed ? &ram->why : NULL);
	}
	ram_unref(ram);
}

/*
 * A larger top layer is copied into each VM until this has cost as much as a memory file, which the
 * next VMs then share.  With one VM the first is faster, with many the second, and their number is
 * not known in advance.  The copies use memory as long as their VMs run.
 */
#define PUT_COST 3

static struct spent {
	uint8_t id[PAGES_ID];
	uint64_t bytes;
} spent[SPENT_MAX];

static struct spent *spent_on(const uint8_t *id)
{
	static unsigned next;
	for (unsigned i = 0; i < SPENT_MAX; i++) {
		if (memcmp(spent[i].id, id, PAGES_ID) == 0) {
			return &spent[i];
		}
	}
	struct spent *s = &spent[next++ % SPENT_MAX];
	memcpy(s->id, id, PAGES_ID);
	s->bytes = 0;
	return s;
}

static bool is_put_apart(const struct layers *layers)
{
	uint64_t top = pages_head(layers->at[layers->n - 1])->data_pages * PAGES_SIZE;
	struct spent *s = spent_on(layers_id(layers));
	s->bytes += PUT_COST * top;
	return top <= APART_MIN || s->bytes <= layers_bytes(layers);
}

static struct ram *begin_load(struct ram_open *open)
{
	struct ram *ram = ram_make(layers_mib(&open->layers));
	struct layers *layers = &ram->layers;
	for (; layers->n < open->layers.n; layers->n++) {
		layers->at[layers->n] = pages_ref(open->layers.at[layers->n]);
	}
	ram_know(ram);
	ram->loading = true;
	work_run(open->event, load_in_thread, on_loaded, ram);
	return ram;
}

static void on_layers(void *data)
{
	struct ram_open *open = data;
	if (!open->fn) {
		free_open(open);
		return;
	}
	if (open->why.kind != ERR_NONE) {
		answer(open, NULL, &open->why);
		return;
	}
	struct layers *layers = &open->layers;
	struct ram *ram = layers->n < RAM_LAYERS_MAX ? ram_find(layers_id(layers)) : NULL;
	if (layers->n == RAM_LAYERS_MAX || (layers->n > 1 && !ram && is_put_apart(layers))) {
		open->top = layers->at[--layers->n];
		ram = ram_find(layers_id(layers));
	}
	if (ram && !ram->loading) {
		answer(open, ram, NULL);
		return;
	}
	open->ram = ram ? ram : begin_load(open);
	TAILQ_INSERT_TAIL(&open->ram->waiting, open, entry);
}

static void open_in_thread(void *data)
{
	struct ram_open *open = data;
	(void)!layers_open(&open->layers, open->dir, &open->why);
}

struct ram_open *ram_open(sd_event *event, const char *dir, ram_open_fn *fn, void *data)
{
	struct ram_open *open = must(malloc(sizeof(*open)));
	*open = (struct ram_open){
		.event = event, .dir = must(strdup(dir)), .fn = fn, .data = data
	};
	work_run(event, open_in_thread, on_layers, open);
	return open;
}

void ram_open_cancel(struct ram_open *open)
{
	if (open && open->ram) {
		TAILQ_REMOVE(&open->ram->waiting, open, entry);
		free_open(open);
	} else if (open) {
		open->fn = NULL; /* its thread is working */
	}
}
