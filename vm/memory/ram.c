/*
 * Memory files and the list of those in memory.  A ram of a saved VM is identified by the id of its
 * top layer, so VMs of one template share it, even while it is being read (ram_open.c).  A few unused
 * ones are kept for the next VM.
 */
#include "vm/memory/ram.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "vm/memory/ram_impl.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define KEEP_IDLE 2
#define KEEP_BYTES (1ull << 30)

static TAILQ_HEAD(rams, ram) known = TAILQ_HEAD_INITIALIZER(known);

/* ---- memory files ---- */

bool ram_make_file(struct ram *ram, struct err *err)
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

bool ram_seal(struct ram *ram, struct err *err)
{
	return fcntl(ram->fd, F_ADD_SEALS,
		       F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0 ||
	       err_errno(err, "cannot seal a memory file");
}

struct ram *ram_make(int64_t mib)
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
	struct ram *ram = ram_make(mib);
	if (!ram_make_file(ram, err) || !ram_seal(ram, err)) {
		ram_unref(ram);
		return NULL;
	}
	return ram;
}

/* ---- those in memory ---- */

struct ram *ram_find(const uint8_t *id)
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

void ram_know(struct ram *ram)
{
	TAILQ_INSERT_TAIL(&known, ram, entry);
	ram->is_known = true;
}

void ram_unknow(struct ram *ram)
{
	if (ram->is_known) {
		TAILQ_REMOVE(&known, ram, entry);
		ram->is_known = false;
	}
}

static void destroy(struct ram *ram)
{
	ram_unknow(ram);
	layers_drop(&ram->layers);
	cleanup_close(&ram->fd);
	free(ram);
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
			sum += layers_bytes(&ram->layers);
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
	ram_unknow(ram);
	ram_know(ram); /* as the last */
	let_go(KEEP_IDLE, KEEP_BYTES);
}

void ram_forget(void)
{
	let_go(0, 0);
}

/* ---- what it is ---- */

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
	return ram->layers.n;
}

const uint8_t *ram_id(const struct ram *ram)
{
	return ram->layers.n > 0 ? layers_id(&ram->layers) : NULL;
}

bool ram_link(const struct ram *ram, const char *dir, struct err *err)
{
	return layers_link(&ram->layers, dir, err);
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
		ram->layers.n };
	return field_encode(remembered_fields, &r);
}

struct ram *ram_reattach(const char *dir, const json_t *json, struct err *err)
{
	struct remembered r;
	if (!field_decode(remembered_fields, json, &r, err)) {
		return NULL;
	}
	struct ram *ram = ram_make(r.mib);
	ram->file = (struct pages_file){ (dev_t)r.dev, (ino_t)r.ino, (uint64_t)r.mib << 20 };
	if (r.layers > 0 && !layers_open(&ram->layers, dir, err)) {
		ram_unref(ram);
		return NULL;
	}
	if (ram->layers.n != r.layers) {
		err_set(err, ERR_HOST, "%s has %u memory layers; expected %lld", dir, ram->layers.n,
			(long long)r.layers);
		ram_unref(ram);
		return NULL;
	}
	return ram;
}
