#include "vm/memory/layers.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

void layers_name(unsigned layer, char ret_name[16])
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

bool layers_link(const struct layers *layers, const char *dir, struct err *err)
{
	auto_close int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return err_errno(err, "cannot open %s", dir);
	}
	for (unsigned i = 0; i < layers->n; i++) {
		char name[16];
		layers_name(i, name);
		if (!link_layer(layers->at[i], fd, name, err)) {
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
	layers_name(i, name);
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

void layers_drop(struct layers *layers)
{
	while (layers->n > 0) {
		pages_unref(layers->at[--layers->n]);
	}
}

bool layers_open(struct layers *layers, const char *dir, struct err *err)
{
	struct pages **at = layers->at;
	*err = (struct err){ 0 };
	layers->n = 0;
	while (layers->n < RAM_LAYERS_MAX && (at[layers->n] = open_layer(dir, layers->n, err))) {
		unsigned n = layers->n++;
		if (!lies_on(at[n], n > 0 ? at[n - 1] : NULL)) {
			err_set(err, ERR_HOST, "%s is damaged: ram.%u does not belong %s", dir, n,
				n > 0 ? "on the one below it" : "at the bottom");
			break;
		}
	}
	if (err->kind == ERR_NONE && pages_head(at[0])->ram_pages % (1024 / 4) != 0) {
		err_set(err, ERR_HOST, "%s is damaged: its memory size is not a multiple of 1 MiB",
			dir);
	}
	if (err->kind != ERR_NONE) {
		layers_drop(layers);
	}
	return err->kind == ERR_NONE;
}

int64_t layers_mib(const struct layers *layers)
{
	return (int64_t)(pages_head(layers->at[0])->ram_pages / (1024 / 4));
}

const uint8_t *layers_id(const struct layers *layers)
{
	return pages_head(layers->at[layers->n - 1])->id;
}

uint64_t layers_bytes(const struct layers *layers)
{
	uint64_t bytes = 0;
	for (unsigned i = 0; i < layers->n; i++) {
		bytes += pages_head(layers->at[i])->data_pages * PAGES_SIZE;
	}
	return bytes;
}

bool layers_check(const char *dir, int64_t *ret_mib, unsigned *ret_layers, struct err *err)
{
	struct layers layers;
	if (!layers_open(&layers, dir, err)) {
		return false;
	}
	*ret_mib = layers_mib(&layers);
	*ret_layers = layers.n;
	layers_drop(&layers);
	return true;
}
