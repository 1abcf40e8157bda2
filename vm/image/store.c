/*
 * The directory of images.  An image is created in a hidden directory and renamed when it is
 * complete, and renamed again before it is deleted, so incomplete images are never visible.
 */
#include "vm/image/store.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/file.h"
#include "base/id.h"
#include "base/nearest.h"
#include "vm/image/root.h"
#include "vm/image/walls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define JSON_MAX 65536
#define PACKAGES_MAX ((size_t)4 << 20)
#define IMAGES_MAX 1000
#define HINT "`vitrine image build` creates one"

static const struct field fields[] = {
	FIELD_NUM(
		struct image_json, format, "IMAGE_FORMAT.", .required = true, .min = 0, .max = 1e9),
	FIELD_STR(struct image_json, id, "The image's id.", .required = true, .min = IMAGE_ID_LEN,
		.max = IMAGE_ID_LEN),
	FIELD_STR(struct image_json, name, "The recipe's name.", .required = true, .min = 1,
		.max = 255),
	FIELD_STR(struct image_json, description, "One-line description.", .required = true,
		.max = 200),
	FIELD_STR(struct image_json, kernel, "The kernel's version.", .required = true, .min = 1,
		.max = 100),
	FIELD_NUM(struct image_json, memory_mib, "Default memory of a desktop.", .required = true,
		.min = 64, .max = 1048576),
	FIELD_NUM(struct image_json, cpus, "Default CPUs of a desktop.", .required = true, .min = 1,
		.max = 256),
	FIELD_NUM(struct image_json, created, "Creation time, ms.", .required = true, .min = 0,
		.max = 9e15),
	{ .name = NULL },
};

static const char *const parts[] = { "root.erofs", "vmlinuz", "initramfs", "packages" };
#define PARTS (sizeof(parts) / sizeof(*parts))

json_t *image_json_encode(const struct image_json *json)
{
	return field_encode(fields, json);
}

/* ---- reading ---- */

struct owned {
	json_t *json;
	char *dir;
};

void image_done(struct image *image)
{
	struct owned *owned = image->owned;
	if (owned) {
		json_decref(owned->json);
		free(owned->dir);
		free(owned);
	}
	*image = (struct image){ 0 };
}

void image_copy(const struct image *from, struct image *ret_image)
{
	const struct owned *of = from->owned;
	struct owned *owned = must(calloc(1, sizeof(*owned)));
	*owned = (struct owned){ json_incref(of->json), must(strdup(of->dir)) };
	*ret_image = *from;
	ret_image->dir = owned->dir;
	ret_image->owned = owned;
}

static bool is_id(const char *name)
{
	return strlen(name) == IMAGE_ID_LEN && strspn(name, "0123456789abcdef") == IMAGE_ID_LEN;
}

static bool read_part(int dir, const char *file, size_t max, struct buf *out, struct err *err)
{
	auto_close int fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? err_errno(err, "cannot open %s", file) : file_read(fd, max, file, out, err);
}

static bool measure(int dir, int64_t *ret_bytes, struct err *err)
{
	struct stat stat;
	*ret_bytes = 0;
	for (size_t i = 0; i < PARTS; i++) {
		if (fstatat(dir, parts[i], &stat, AT_SYMLINK_NOFOLLOW) < 0) {
			return err_errno(err, "cannot examine %s", parts[i]);
		}
		if (!S_ISREG(stat.st_mode) || stat.st_size == 0) {
			return err_set(err, ERR_STATE, "%s is not a file or is empty", parts[i]);
		}
		*ret_bytes += stat.st_size;
	}
	return true;
}

static json_t *decode(int dir, struct image_json *ret, struct err *err)
{
	auto_buf struct buf text = { 0 };
	json_error_t where;
	if (!read_part(dir, "image.json", JSON_MAX, &text, err)) {
		return NULL;
	}
	json_auto_t *json = json_loadb(buf_text(&text), text.len, JSON_REJECT_DUPLICATES, &where);
	if (!json) {
		err_set(err, ERR_STATE, "image.json is not JSON: line %d: %s", where.line,
			where.text);
		return NULL;
	}
	if (!field_decode(fields, json, ret, err)) {
		err_while(err, "image.json");
		return NULL;
	}
	if (ret->format != IMAGE_FORMAT) {
		err_set(err, ERR_UNSUPPORTED,
			"it was built by another version of Vitrine; build it again");
		return NULL;
	}
	return json_incref(json);
}

static bool load(const char *path, const char *id, struct image *ret_image, struct err *err)
{
	struct image_json said;
	int64_t bytes;
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		return err_errno(err, "cannot open it");
	}
	json_auto_t *json = decode(dir, &said, err);
	if (!json || !measure(dir, &bytes, err)) {
		return false;
	}
	if (!is_id(said.id) || (id && strcmp(said.id, id) != 0)) {
		return err_set(
			err, ERR_STATE, "image.json belongs to another image, '%s'", said.id);
	}
	struct owned *owned = must(calloc(1, sizeof(*owned)));
	*owned = (struct owned){ json_incref(json), must(strdup(path)) };
	*ret_image = (struct image){
		.name = said.name,
		.description = said.description,
		.dir = owned->dir,
		.kernel = said.kernel,
		.memory_mib = said.memory_mib,
		.cpus = said.cpus,
		.created = said.created,
		.bytes = bytes,
		.owned = owned,
	};
	memcpy(ret_image->id, said.id, IMAGE_ID_LEN);
	return true;
}

/* False for another version, and for one that is not readable. */
static bool is_damage(const struct err *why)
{
	return why->kind != ERR_UNSUPPORTED && (!why->sys || why->sys == ENOENT);
}

bool image_load(const char *dir, const char *id, struct image *ret_image, struct err *err)
{
	return load(dir, id, ret_image, err) ||
	       err_while(err, "the image in %.200s%s", dir, is_damage(err) ? " is damaged" : "");
}

/* Describes one that is unusable. */
static void take_unusable(const char *dir, const char *id, struct image *ret_image)
{
	struct owned *owned = must(calloc(1, sizeof(*owned)));
	owned->dir = must(strdup(dir));
	*ret_image = (struct image){ .name = "", .dir = owned->dir, .owned = owned };
	memcpy(ret_image->id, id, IMAGE_ID_LEN);
}

json_t *image_packages(const struct image *image, struct err *err)
{
	auto_buf struct buf text = { 0 };
	auto_close int dir = open(image->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		err_errno(err, "cannot open '%s'", image->dir);
		return NULL;
	}
	if (!read_part(dir, "packages", PACKAGES_MAX, &text, err)) {
		return NULL;
	}
	json_t *list = json_array();
	char *rest = NULL, *line = text.len ? strtok_r((char *)text.data, "\n", &rest) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		json_array_append_new(list, json_string(line)); /* not UTF-8: omitted */
	}
	return list;
}

/* ---- listing ---- */

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
		if (!is_id(entry->d_name)) {
			continue;
		}
		buf_printf(&path, "%s/%s", images, entry->d_name);
		if (!image_load(buf_text(&path), entry->d_name, image, &all->why[all->n])) {
			take_unusable(buf_text(&path), entry->d_name, image);
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
		take_unusable(search->dir, search->id, ret_image);
	}
	return true;
}

/* ---- creating and deleting ---- */

static bool delete_dir(const char *path, struct err *err)
{
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0) {
		return errno == ENOENT || err_errno(err, "cannot open '%s'", path);
	}
	return root_empty(dir, ".", err) &&
	       (rmdir(path) == 0 || err_errno(err, "cannot remove '%s'", path));
}

/* Only inside the isolation can an ordinary user delete files of its subordinate ids. */
void image_abandon(const char *dir, const char *program)
{
	struct err ignored;
	auto_buf struct buf work = { 0 };
	buf_printf(&work, "%s/work", dir);
	bool gone = delete_dir(dir, &ignored);
	if (!gone && walls_empty(program, buf_text(&work), &ignored)) {
		gone = delete_dir(dir, &ignored);
	}
	(void)gone; /* the next build removes the rest */
}

/* Whether its creator has ended, including its processes (walls.h). */
static bool is_left(int dir)
{
	auto_close int work = openat(dir, "work", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return flock(dir, LOCK_EX | LOCK_NB) == 0 &&
	       (work < 0 || flock(work, LOCK_EX | LOCK_NB) == 0);
}

/* Removes incomplete ones whose creator has ended. */
static void clear_away(const char *images, const char *program)
{
	DIR *dir = opendir(images);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		auto_buf struct buf path = { 0 };
		if (entry->d_name[0] != '.' || !strcmp(entry->d_name, ".") ||
			!strcmp(entry->d_name, "..")) {
			continue;
		}
		buf_printf(&path, "%s/%s", images, entry->d_name);
		auto_close int fd =
			open(buf_text(&path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && is_left(fd)) {
			image_abandon(buf_text(&path), program);
		}
	}
	if (dir) {
		closedir(dir);
	}
}

/* Including parents. */
static bool make_dirs(const char *path, struct err *err)
{
	auto_free char *part = must(strdup(path));
	for (size_t at = 1; part[0]; at++) {
		char was = part[at];
		if (was == '/' || was == '\0') {
			part[at] = '\0';
			if (mkdir(part, 0700) < 0 && errno != EEXIST) {
				return err_errno(err, "cannot create the directory '%s'", part);
			}
			part[at] = was;
		}
		if (was == '\0') {
			break;
		}
	}
	return true;
}

int image_begin(const char *images, const char *program, char **ret_dir, struct err *err)
{
	char id[ID_LEN + 1];
	auto_buf struct buf path = { 0 };
	if (!make_dirs(images, err)) {
		return -1;
	}
	/* A concurrent build would otherwise remove it before it is locked. */
	auto_close int all = open(images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (all < 0 || flock(all, LOCK_EX) < 0) {
		err_errno(err, "cannot lock '%s'", images);
		return -1;
	}
	clear_away(images, program);
	id_make(id);
	buf_printf(&path, "%s/.%s", images, id);
	if (mkdir(buf_text(&path), 0700) < 0) {
		err_errno(err, "cannot create the directory '%s'", buf_text(&path));
		return -1;
	}
	auto_close int fd = open(buf_text(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err_errno(err, "cannot lock '%s'", buf_text(&path));
		return -1;
	}
	*ret_dir = must(strdup(buf_text(&path)));
	return take_fd(&fd);
}

/* The id in an incomplete one's image.json. */
static bool read_id(const char *path, char ret_id[IMAGE_ID_LEN + 1], struct err *err)
{
	struct image_json said;
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	json_auto_t *json = dir < 0 ? NULL : decode(dir, &said, err);
	if (dir < 0) {
		return err_errno(err, "cannot open '%s'", path);
	}
	if (!json) {
		return false;
	}
	snprintf(ret_id, IMAGE_ID_LEN + 1, "%s", said.id);
	return is_id(ret_id) || err_set(err, ERR_STATE, "image.json has no id");
}

bool image_commit(const char *images, const char *dir, struct image *ret_image, bool *ret_was_there,
	struct err *err)
{
	char id[IMAGE_ID_LEN + 1];
	struct err ignored;
	auto_image struct image whole = { 0 };
	auto_buf struct buf path = { 0 };
	if (!read_id(dir, id, err)) {
		return false;
	}
	buf_printf(&path, "%s/%s", images, id);
	*ret_was_there = image_load(buf_text(&path), id, ret_image, &ignored);
	if (*ret_was_there) {
		image_abandon(dir, NULL);
		return true;
	}
	if (!image_load(dir, id, &whole, err)) {
		return false;
	}
	image_abandon(buf_text(&path), NULL); /* an unusable one */
	return (rename(dir, buf_text(&path)) == 0 ||
		       err_errno(err, "cannot rename '%s' to '%s'", dir, buf_text(&path))) &&
	       image_load(buf_text(&path), id, ret_image, err);
}

bool image_remove(const struct image *image, struct err *err)
{
	char id[ID_LEN + 1];
	auto_buf struct buf hidden = { 0 };
	id_make(id);
	buf_printf(
		&hidden, "%.*s/.%s", (int)(strrchr(image->dir, '/') - image->dir), image->dir, id);
	if (rename(image->dir, buf_text(&hidden)) < 0) {
		return err_errno(err, "cannot remove '%s'", image->dir);
	}
	return delete_dir(buf_text(&hidden), err);
}
