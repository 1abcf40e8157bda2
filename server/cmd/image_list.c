/* vitrine image list, show and rm. */
#include "server/cmd/image_impl.h"

#include "base/cleanup.h"
#include "vm/image/image.h"
#include "vm/lifecycle/metadata.h"
#include "vm/state/state.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static json_t *to_json(const struct image *image, const struct err *why)
{
	if (why) {
		return json_pack("{ss ss}", "id", image->id, "error", why->text);
	}
	return json_pack("{ss ss ss ss sI sI sI sI ss}", "id", image->id, "name", image->name,
		"description", image->description, "kernel", image->kernel, "memory_mib",
		(json_int_t)image->memory_mib, "cpus", (json_int_t)image->cpus, "created",
		(json_int_t)image->created, "bytes", (json_int_t)image->bytes, "dir", image->dir);
}

static void print_json(const json_t *json)
{
	auto_free char *text = must(json_dumps(json, JSON_INDENT(2)));
	printf("%s\n", text);
}

static const char *local_time(int64_t ms, char *text, size_t size)
{
	time_t at = (time_t)(ms / 1000);
	struct tm tm;
	localtime_r(&at, &tm);
	strftime(text, size, "%Y-%m-%d %H:%M", &tm);
	return text;
}

static void add_image(const struct image *image, const struct err *why, void *data)
{
	json_array_append_new(data, to_json(image, why));
}

static void print_row(const struct image *image, const struct err *why, void *data)
{
	char when[32];
	size_t *n = data;
	if ((*n)++ == 0) {
		printf("%-16s  %-12s  %9s  %-16s  %-26s  %s\n", "ID", "NAME", "SIZE", "CREATED",
			"KERNEL", "MEMORY");
	}
	if (why) {
		printf("%-16s  cannot be used: %s\n", image->id, why->text);
		return;
	}
	printf("%-16s  %-12s  %5lld MiB  %-16s  %-26s  %lld MiB\n", image->id, image->name,
		(long long)(image->bytes >> 20), local_time(image->created, when, sizeof(when)),
		image->kernel, (long long)image->memory_mib);
}

int image_cmd_list(struct image_args *args)
{
	struct err err = { 0 };
	if (args->json) {
		json_auto_t *list = json_array();
		if (!image_each(args->images, add_image, list, &err)) {
			return image_cmd_fail(&err);
		}
		print_json(list);
		return 0;
	}
	size_t n = 0;
	if (!image_each(args->images, print_row, &n, &err)) {
		return image_cmd_fail(&err);
	}
	if (n == 0) {
		printf("no images; `vitrine image build` creates one\n");
	}
	return 0;
}

static void print_image(const struct image *image, const json_t *packages)
{
	size_t i;
	const json_t *one;
	char when[32];
	printf("id           %s\nname         %s\ndescription  %s\ncreated      %s\n", image->id,
		image->name, image->description, local_time(image->created, when, sizeof(when)));
	printf("size         %lld MiB\n"
	       "kernel       %s\n"
	       "memory       %lld MiB\n"
	       "cpus         %lld\n",
		(long long)(image->bytes >> 20), image->kernel, (long long)image->memory_mib,
		(long long)image->cpus);
	printf("directory    %s\npackages     %zu\n", image->dir, json_array_size(packages));
	json_array_foreach((json_t *)packages, i, one)
	{
		printf("  %s\n", json_string_value(one));
	}
}

int image_cmd_show(struct image_args *args)
{
	struct err err = { 0 };
	auto_image struct image image = { 0 };
	if (!image_find(args->images, args->what, &image, &err)) {
		return image_cmd_fail(&err);
	}
	json_auto_t *packages = image_packages(&image, &err);
	if (!packages) {
		return image_cmd_fail(&err);
	}
	if (args->json) {
		json_auto_t *json = to_json(&image, NULL);
		json_object_set(json, "packages", packages);
		print_json(json);
	} else {
		print_image(&image, packages);
	}
	return 0;
}

struct users {
	const char *image; /* its id */
	enum state_kind kind;
	size_t n[STATE_KINDS];
	char first[64];
};

static void look_at_user(const char *name, const char *path, void *data)
{
	struct users *users = data;
	struct err ignored;
	auto_metadata struct metadata metadata = { 0 };
	const char *file = users->kind == STATE_SNAPSHOTS ? METADATA_SNAPSHOT : METADATA_SANDBOX;
	if (!metadata_read(path, file, name, &metadata, &ignored) || !metadata.spec.image ||
		strcmp(metadata.spec.image, users->image) != 0) {
		return;
	}
	users->n[users->kind]++;
	if (!users->first[0]) {
		snprintf(users->first, sizeof(users->first), "%s", name);
	}
}

/* Templates are a cache and do not count. */
static bool check_unused(const struct image_args *args, const struct image *image, struct err *err)
{
	static const enum state_kind kinds[] = { STATE_SANDBOXES, STATE_SNAPSHOTS };
	struct users users = { .image = image->id };
	struct state *state = state_open(args->state, err);
	if (!state) {
		return false;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		users.kind = kinds[i];
		state_each(state, users.kind, look_at_user, &users);
	}
	state_close(state);
	return !users.first[0] ||
	       err_set(err, ERR_STATE,
		       "image %s is required by %zu sandbox%s and %zu snapshot%s, such as %s; "
		       "--force removes it anyway",
		       image->id, users.n[STATE_SANDBOXES],
		       users.n[STATE_SANDBOXES] == 1 ? "" : "es", users.n[STATE_SNAPSHOTS],
		       users.n[STATE_SNAPSHOTS] == 1 ? "" : "s", users.first);
}

int image_cmd_rm(struct image_args *args)
{
	struct err err = { 0 };
	auto_image struct image image = { 0 };
	if (!image_find_any(args->images, args->what, &image, &err) ||
		(!args->force && !check_unused(args, &image, &err)) ||
		!image_remove(&image, &err)) {
		return image_cmd_fail(&err);
	}
	if (!image.name[0]) {
		printf("removed unusable image %s\n", image.id);
		return 0;
	}
	printf("removed %s (%s), freed %lld MiB\n", image.id, image.name,
		(long long)(image.bytes >> 20));
	return 0;
}
