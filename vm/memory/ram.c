/*
 * Memory files and the list of those in memory.  A ram of a saved VM is identified by the id of its
 * top layer, so VMs of one template share it, even while it is being read.  A few unused ones are
 * kept for the next VM.
 */
#include "vm/memory/ram.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/stat.h>

#define KEEP_IDLE 2
#define KEEP_BYTES (1ull << 30)
/* A smaller top layer is always copied into each VM, because it changes immediately anyway. */
#define APART_MIN (24u << 20)
#define SPENT_MAX 32

TAILQ_HEAD(opens, ram_open);

struct ram {
	/* in `known`, least recently used first; only with layers and a file */
	TAILQ_ENTRY(ram) entry;
	bool is_known, loading;
	unsigned refs;
	int fd;
	int64_t mib;
	struct pages_file file;
	unsigned n_layers;
	struct pages *layers[RAM_LAYERS_MAX];
	struct opens waiting; /* while it is being read */
	struct err why;
};

static TAILQ_HEAD(rams, ram) known = TAILQ_HEAD_INITIALIZER(known);

struct ram_open {
	TAILQ_ENTRY(ram_open) entry; /* in its ram's `waiting` */
	sd_event *event;
	char *dir;
	ram_open_fn *fn; /* NULL: cancelled */
	void *data;
	struct pages *layers[RAM_LAYERS_MAX];
	unsigned n_layers;
	struct err why;
	struct ram *ram; /* for which it waits */
	struct pages *top;
	sd_event_source *turn;
};

/* ---- memory files ---- */

static bool make_file(struct ram *ram, struct err *err)
{
	struct stat st;
	ram->fd = memfd_create("vitrine-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ram->fd < 0 || ftruncate(ram->fd, (off_t)ram->mib << 20) < 0 ||
		fstat(ram->fd, &st) < 0) {
		return err_errno(
			err, "cannot create a memory file of %lld MiB", (long long)ram->mib);
	}
	ram->file = (struct pages_file){ st.st_dev, st.st_ino, (uint64_t)st.st_size };
	return true;
}

static bool seal(struct ram *ram, struct err *err)
{
	return fcntl(ram->fd, F_ADD_SEALS,
		       F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0 ||
	       err_errno(err, "cannot seal a memory file");
}

static struct ram *make(int64_t mib)
{
	struct ram *ram = must(malloc(sizeof(*ram)));
	*ram = (struct ram){ .refs = 1, .fd = -1, .mib = mib };
	TAILQ_INIT(&ram->waiting);
	return ram;
}

struct ram *ram_new(int64_t mib, struct err *err)
{
	if (mib < 1 || mib > RAM_MIB_MAX) {
		err_set(err, ERR_ARGUMENT, "memory must be 1 to %d MiB; got %lld", RAM_MIB_MAX,
			(long long)mib);
		return NULL;
	}
	struct ram *ram = make(mib);
	if (!make_file(ram, err) || !seal(ram, err)) {
		ram_unref(ram);
		return NULL;
	}
	return ram;
}

static void destroy(struct ram *ram)
{
	if (ram->is_known) {
		TAILQ_REMOVE(&known, ram, entry);
	}
	for (unsigned i = 0; i < ram->n_layers; i++) {
		pages_unref(ram->layers[i]);
	}
	cleanup_close(&ram->fd);
	free(ram);
}

static uint64_t data_bytes(const struct ram *ram)
{
	uint64_t bytes = 0;
	for (unsigned i = 0; i < ram->n_layers; i++) {
		bytes += pages_head(ram->layers[i])->data_pages * PAGES_SIZE;
	}
	return bytes;
}

/* Keeps the most recently used of the unused ones, within the limit. */
static void let_go(size_t keep, uint64_t bytes)
{
	struct ram *ram = TAILQ_LAST(&known, rams);
	size_t n = 0;
	uint64_t sum = 0;
	while (ram) {
		struct ram *before = TAILQ_PREV(ram, rams, entry);
		if (ram->refs == 0) {
			sum += data_bytes(ram);
			if (++n > keep || sum > bytes) {
				destroy(ram);
			}
		}
		ram = before;
	}
}

struct ram *ram_ref(struct ram *ram)
{
	ram->refs++;
	return ram;
}

void ram_unref(struct ram *ram)
{
	if (!ram || --ram->refs > 0) {
		return;
	}
	if (!ram->is_known) {
		destroy(ram);
		return;
	}
	TAILQ_REMOVE(&known, ram, entry);
	TAILQ_INSERT_TAIL(&known, ram, entry);
	let_go(KEEP_IDLE, KEEP_BYTES);
}

void ram_forget(void)
{
	let_go(0, 0);
}

int ram_fd(const struct ram *ram)
{
	return ram->fd;
}

int64_t ram_mib(const struct ram *ram)
{
	return ram->mib;
}

struct pages_file ram_file(const struct ram *ram)
{
	return ram->file;
}

unsigned ram_layers(const struct ram *ram)
{
	return ram->n_layers;
}

const uint8_t *ram_id(const struct ram *ram)
{
	return ram->n_layers > 0 ? pages_head(ram->layers[ram->n_layers - 1])->id : NULL;
}

/* ---- layers as files ---- */

void ram_layer_name(unsigned layer, char ret_name[16])
{
	snprintf(ret_name, 16, "ram.%u", layer);
}

static bool copy(int from, int to)
{
	off_t at = 0;
	ssize_t n;
	while ((n = copy_file_range(from, &at, to, NULL, 1 << 30, 0)) > 0) {
	}
	return n == 0;
}

/* Copies it if it cannot be linked: on another file system, or if the file has no name anymore. */
static bool link_layer(const struct pages *layer, int dir, const char *name, struct err *err)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", pages_fd(layer));
	if (linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW) == 0) {
		return true;
	}
	auto_close int to = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return (to >= 0 && copy(pages_fd(layer), to)) ||
	       err_errno(err, "cannot place the layer of memory %s there", name);
}

bool ram_link(const struct ram *ram, const char *dir, struct err *err)
{
	auto_close int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return err_errno(err, "cannot open %s", dir);
	}
	for (unsigned i = 0; i < ram->n_layers; i++) {
		char name[16];
		ram_layer_name(i, name);
		if (!link_layer(ram->layers[i], fd, name, err)) {
			return false;
		}
	}
	return true;
}

static bool lies_on(const struct pages *upper, const struct pages *lower)
{
	const struct pages_head *u = pages_head(upper), *l = lower ? pages_head(lower) : NULL;
	return pages_has_base(upper) == !!lower &&
	       (!lower || (memcmp(u->base, l->id, PAGES_ID) == 0 && u->ram_pages == l->ram_pages));
}

/* NULL without an error: no layer of this number. */
static struct pages *open_layer(const char *dir, unsigned i, struct err *err)
{
	char name[16];
	auto_free char *path = NULL;
	ram_layer_name(i, name);
	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		abort();
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		if (errno != ENOENT || i == 0) {
			err_errno(err, "cannot open %s", path);
		}
		return NULL;
	}
	return pages_open(fd, path, err);
}

static void drop_layers(struct pages **layers, unsigned *n)
{
	while (*n > 0) {
		pages_unref(layers[--*n]);
	}
}

static bool open_layers(const char *dir, struct pages **layers, unsigned *ret_n, struct err *err)
{
	unsigned n = 0;
	*err = (struct err){ 0 };
	while (n < RAM_LAYERS_MAX && (layers[n] = open_layer(dir, n, err))) {
		n++;
		if (!lies_on(layers[n - 1], n > 1 ? layers[n - 2] : NULL)) {
			err_set(err, ERR_HOST, "%s is damaged: ram.%u does not belong %s", dir,
				n - 1, n > 1 ? "on the one below it" : "at the bottom");
			break;
		}
	}
	if (err->kind == ERR_NONE && pages_head(layers[0])->ram_pages % (1024 / 4) != 0) {
		err_set(err, ERR_HOST, "%s is damaged: its memory size is not a multiple of 1 MiB",
			dir);
	}
	if (err->kind != ERR_NONE) {
		drop_layers(layers, &n);
		return false;
	}
	*ret_n = n;
	return true;
}

static int64_t mib_of(const struct pages *layer)
{
	return (int64_t)(pages_head(layer)->ram_pages / (1024 / 4));
}

bool ram_check(const char *dir, int64_t *ret_mib, unsigned *ret_layers, struct err *err)
{
	struct pages *layers[RAM_LAYERS_MAX];
	unsigned n;
	if (!open_layers(dir, layers, &n, err)) {
		return false;
	}
	*ret_mib = mib_of(layers[0]);
	*ret_layers = n;
	drop_layers(layers, &n);
	return true;
}

/* ---- opening a saved VM: its layers, then the ram from them ---- */

static void free_open(struct ram_open *open)
{
	loop_drop(&open->turn);
	drop_layers(open->layers, &open->n_layers);
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
	bool ok = make_file(ram, &ram->why);
	for (unsigned i = 0; ok && i < ram->n_layers; i++) {
		ok = pages_load(ram->layers[i], ram->fd, 0, &ram->why);
	}
	ok = ok && seal(ram, &ram->why);
}

static void on_loaded(void *data)
{
	struct ram *ram = data;
	struct ram_open *open;
	bool failed = ram->why.kind != ERR_NONE;
	ram->loading = false;
	if (failed) {
		TAILQ_REMOVE(&known, ram, entry);
		ram->is_known = false;
	}
	while ((open = TAILQ_FIRST(&ram->waiting))) {
		TAILQ_REMOVE(&ram->waiting, open, entry);
		answer(open, failed ? NULL : ram, failed ? &ram->why : NULL);
	}
	ram_unref(ram);
}

static struct ram *find(const uint8_t *id)
{
	struct ram *ram;
	TAILQ_FOREACH(ram, &known, entry)
	{
		if (memcmp(ram_id(ram), id, PAGES_ID) == 0) {
			return ram;
		}
	}
	return NULL;
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

static bool is_put_apart(const struct ram_open *open)
{
	static unsigned next;
	struct spent *s = NULL;
	uint64_t all = 0, top = 0;
	for (unsigned i = 0; i < open->n_layers; i++) {
		top = pages_head(open->layers[i])->data_pages * PAGES_SIZE;
		all += top;
	}
	const uint8_t *id = pages_head(open->layers[open->n_layers - 1])->id;
	for (unsigned i = 0; i < SPENT_MAX && !s; i++) {
		s = memcmp(spent[i].id, id, PAGES_ID) == 0 ? &spent[i] : NULL;
	}
	if (!s) {
		s = &spent[next++ % SPENT_MAX];
		memcpy(s->id, id, PAGES_ID);
		s->bytes = 0;
	}
	s->bytes += PUT_COST * top;
	return top <= APART_MIN || s->bytes <= all;
}

static struct ram *begin_load(struct ram_open *open, unsigned n)
{
	struct ram *ram = make(mib_of(open->layers[0]));
	for (; ram->n_layers < n; ram->n_layers++) {
		ram->layers[ram->n_layers] = pages_ref(open->layers[ram->n_layers]);
	}
	TAILQ_INSERT_TAIL(&known, ram, entry);
	ram->is_known = ram->loading = true;
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
	unsigned n = open->n_layers;
	struct ram *ram = n < RAM_LAYERS_MAX ? find(pages_head(open->layers[n - 1])->id) : NULL;
	if (n == RAM_LAYERS_MAX || (n > 1 && !ram && is_put_apart(open))) {
		open->top = pages_ref(open->layers[--n]);
		ram = find(pages_head(open->layers[n - 1])->id);
	}
	if (ram && !ram->loading) {
		answer(open, ram, NULL);
		return;
	}
	open->ram = ram ? ram : begin_load(open, n);
	TAILQ_INSERT_TAIL(&open->ram->waiting, open, entry);
}

static void open_in_thread(void *data)
{
	struct ram_open *open = data;
	(void)!open_layers(open->dir, open->layers, &open->n_layers, &open->why);
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

/* ---- reattach ---- */

struct remembered {
	int64_t dev, ino, mib, layers;
};

static const struct field remembered_fields[] = {
	FIELD_NUM(struct remembered, dev, "The memory file's device.", .required = true),
	FIELD_NUM(struct remembered, ino, "The memory file's inode.", .required = true),
	FIELD_NUM(struct remembered, mib, "The size of the RAM.", .required = true, .min = 1,
		.max = RAM_MIB_MAX),
	FIELD_NUM(struct remembered, layers, "How many layers it has.", .required = true, .min = 0,
		.max = RAM_LAYERS_MAX),
	{ .name = NULL },
};

json_t *ram_to_json(const struct ram *ram)
{
	struct remembered r = { (int64_t)ram->file.dev, (int64_t)ram->file.ino, ram->mib,
		ram->n_layers };
	return field_encode(remembered_fields, &r);
}

struct ram *ram_adopt(const char *dir, const json_t *json, struct err *err)
{
	struct remembered r;
	if (!field_decode(remembered_fields, json, &r, err)) {
		return NULL;
	}
	struct ram *ram = make(r.mib);
	ram->file = (struct pages_file){ (dev_t)r.dev, (ino_t)r.ino, (uint64_t)r.mib << 20 };
	if (r.layers > 0 && !open_layers(dir, ram->layers, &ram->n_layers, err)) {
		ram_unref(ram);
		return NULL;
	}
	if (ram->n_layers != r.layers) {
		err_set(err, ERR_HOST, "%s has %u memory layers; expected %lld", dir, ram->n_layers,
			(long long)r.layers);
		ram_unref(ram);
		return NULL;
	}
	return ram;
}
