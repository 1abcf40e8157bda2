/* The images of a directory: all of them, newest first, and one found by name or id. */
#include "vm/image/store.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#define IMAGES_MAX 1000
#define HINT "`vitrine image build` creates one"

struct all {
	struct image images[IMAGES_MAX];
	struct err why[IMAGES_MAX];
	size_t n;
};

static int is_newer(const void *a, const void *b)
{
	const struct image *const *x = a, *const *y = b;
	return ((*y)->created > (*x)->created) - ((*y)->created < (*x)->created);
}

static bool load_all(const char *images, struct all *all, struct err *err)
{
	DIR *dir = opendir(images);
	if (!dir) {
		return errno == ENOENT ||
		       err_errno(err, "cannot read the directory '%.300s'", images);
	}
	for (struct dirent *entry; all->n < IMAGES_MAX && (entry = readdir(dir));) {
		auto_buf struct buf path = { 0 };
		struct image *image = &all->images[all->n];
		if (!image_is_id(entry->d_name)) {
			continue;
		}
		buf_printf(&path, "%s/%s", images, entry->d_name);
		if (!image_load(buf_text(&path), entry->d_name, image, &all->why[all->n])) {
			image_take_unusable(buf_text(&path), entry->d_name, image);
		}
		all->n++;
	}
	closedir(dir);
	return true;
}

bool image_each(const char *images,
	void (*fn)(const struct image *image, const struct err *why, void *data), void *data,
	struct err *err)
{
	auto_free struct all *all = must(calloc(1, sizeof(*all)));
	const struct image *order[IMAGES_MAX];
	if (!load_all(images, all, err)) {
		return false;
	}
	for (size_t i = 0; i < all->n; i++) {
		order[i] = &all->images[i];
	}
	qsort(order, all->n, sizeof(*order), is_newer);
	for (size_t i = 0; i < all->n; i++) {
		const struct err *why = &all->why[order[i] - all->images];
		fn(order[i], why->kind ? why : NULL, data);
	}
	for (size_t i = 0; i < all->n; i++) {
		image_done(&all->images[i]);
	}
	return true;
}

struct search {
	const char *name;
	char dir[4096], id[IMAGE_ID_LEN + 1];
	char bad[IMAGE_ID_LEN + 1];
	struct err why; /* of the unusable one */
	struct buf known;
};

static void look(const struct image *image, const struct err *why, void *data)
{
	struct search *search = data;
	bool is_it = !search->name ? !why
				   : strcmp(search->name, image->id) == 0 ||
					     (!why && strcmp(search->name, image->name) == 0);
	if (is_it && !search->id[0]) {
		snprintf(search->dir, sizeof(search->dir), "%s", image->dir);
		snprintf(search->id, sizeof(search->id), "%s", image->id);
	}
	if (why && !search->bad[0]) {
		snprintf(search->bad, sizeof(search->bad), "%s", image->id);
		search->why = *why;
	}
	if (!why && search->known.len < 200) {
		buf_printf(&search->known, "%s%s (%s)", search->known.len ? ", " : "", image->name,
			image->id);
	}
}

static bool find_none(const struct search *search, const char *known, struct err *err)
{
	if (search->name && known[0]) {
		return err_set(err, ERR_NOT_FOUND,
			"unknown image '%.60s'; existing images: %s; " HINT, search->name, known);
	}
	if (search->bad[0]) {
		return err_set(err, ERR_NOT_FOUND,
			"no usable image: %.200s; " HINT ", `vitrine image rm %s` removes the "
			"damaged one",
			search->why.text, search->bad);
	}
	return err_set(err, ERR_NOT_FOUND, "there are no images: " HINT);
}

static bool find_dir(const char *images, struct search *search, struct err *err)
{
	if (!image_each(images, look, search, err)) {
		return false;
	}
	auto_buf struct buf known = search->known;
	return search->id[0] || find_none(search, known.len ? buf_text(&known) : "", err);
}

bool image_find(const char *images, const char *name, struct image *ret_image, struct err *err)
{
	auto_free struct search *search = must(calloc(1, sizeof(*search)));
	search->name = name;
	return find_dir(images, search, err) && image_load(search->dir, search->id, ret_image, err);
}

bool image_find_any(const char *images, const char *name, struct image *ret_image, struct err *err)
{
	struct err ignored;
	auto_free struct search *search = must(calloc(1, sizeof(*search)));
	search->name = name;
	if (!find_dir(images, search, err)) {
		return false;
	}
	if (!image_load(search->dir, search->id, ret_image, &ignored)) {
		image_take_unusable(search->dir, search->id, ret_image);
	}
	return true;
}
