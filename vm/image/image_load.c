/* Reading an image: image.json, checked, and its files. */
#include "vm/image/store.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define JSON_MAX 65536
#define PACKAGES_MAX ((size_t)4 << 20)

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

bool image_is_id(const char *name)
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
	if (!image_is_id(said.id) || (id && strcmp(said.id, id) != 0)) {
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

void image_take_unusable(const char *dir, const char *id, struct image *ret_image)
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

bool image_read_id(const char *path, char ret_id[IMAGE_ID_LEN + 1], struct err *err)
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
	return image_is_id(ret_id) || err_set(err, ERR_STATE, "image.json has no id");
}
