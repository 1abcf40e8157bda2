/*
 * What a sandbox is to be: the caller's wishes over the pool's preset, checked once here, so that
 * no backend has to doubt them.
 */

#include "vm/spec/spec.h"

#include "base/cleanup.h"

#include <string.h>

const char *const vm_network_words[] = { "none", "internet", NULL };
const char *const vm_on_timeout_words[] = { "kill", "pause", NULL };

#define EDGE_MIN 64
#define EDGE_MAX 8192
#define TIMEOUT_MAX_MS (365LL * 24 * 3600 * 1000)
#define LABELS_MAX 32
#define LABEL_NAME_MAX 63
#define LABEL_VALUE_MAX 255
#define IMAGE_NAME_MAX 64

/* One row for each number of a spec: how it is called, what it may be, and that zero means the
 * preset's. */
static const struct number {
	const char *name;
	size_t offset;
	int64_t min, max;
	const char *unit;
} numbers[] = {
	{ "memory", offsetof(struct vm_spec, limits.memory_mib), 64, 1 << 20, "MiB" },
	{ "processes", offsetof(struct vm_spec, limits.processes), 1, 1 << 22, "" },
	{ "files", offsetof(struct vm_spec, limits.files), 16, 1 << 24, "" },
	{ "disk", offsetof(struct vm_spec, limits.disk_mib), 1, 1 << 20, "MiB" },
	{ "cpus", offsetof(struct vm_spec, limits.cpus), 1, 64, "" },
	{ "timeout", offsetof(struct vm_spec, timeout_ms), 1, TIMEOUT_MAX_MS, "ms" },
	{ "idle timeout", offsetof(struct vm_spec, idle_ms), 1, TIMEOUT_MAX_MS, "ms" },
};

static int64_t *number_of(struct vm_spec *spec, const struct number *number)
{
	return (int64_t *)(void *)((char *)spec + number->offset);
}

/* -1 is "none" where that is a word. */
static bool is_none(const struct number *number, int64_t value)
{
	return value == -1 && number->max == TIMEOUT_MAX_MS;
}

static bool check_numbers(struct vm_spec *spec, struct err *err)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const struct number *n = &numbers[i];
		int64_t value = *number_of(spec, n);
		if (value && !is_none(n, value) && (value < n->min || value > n->max)) {
			return err_set(err, ERR_ARGUMENT, "'%s' must be %lld to %lld%s%s, not %lld",
				n->name, (long long)n->min, (long long)n->max, *n->unit ? " " : "",
				n->unit, (long long)value);
		}
	}
	return true;
}

static bool check_screen(struct size size, struct err *err)
{
	if (size.width < EDGE_MIN || size.width > EDGE_MAX || size.height < EDGE_MIN ||
		size.height > EDGE_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"'screen' must be %dx%d to %dx%d pixels, not %dx%d", EDGE_MIN, EDGE_MIN,
			EDGE_MAX, EDGE_MAX, size.width, size.height);
	}
	return true;
}

static bool check_labels(const json_t *labels, struct err *err)
{
	const char *name;
	json_t *value;
	if (labels && !json_is_object(labels)) {
		return err_set(err, ERR_ARGUMENT, "'labels' must be an object of strings");
	}
	if (json_object_size(labels) > LABELS_MAX) {
		return err_set(err, ERR_ARGUMENT, "there may be %d 'labels', not %zu", LABELS_MAX,
			json_object_size(labels));
	}
	json_object_foreach((json_t *)labels, name, value)
	{
		if (!*name || strlen(name) > LABEL_NAME_MAX || !json_is_string(value) ||
			json_string_length(value) > LABEL_VALUE_MAX ||
			strlen(json_string_value(value)) != json_string_length(value)) {
			return err_set(err, ERR_ARGUMENT,
				"'labels': '%.63s': a label's name may have 1 to %d bytes and its "
				"value is a string of at most %d",
				name, LABEL_NAME_MAX, LABEL_VALUE_MAX);
		}
	}
	return true;
}

static bool check_words(const struct vm_spec *spec, struct err *err)
{
	if (spec->image && (!*spec->image || strlen(spec->image) > IMAGE_NAME_MAX)) {
		return err_set(err, ERR_ARGUMENT,
			"'image' must be a recipe's name or an image's id of 1 to %d bytes, not "
			"%zu",
			IMAGE_NAME_MAX, strlen(spec->image));
	}
	if (spec->network < 0 || spec->network > VM_NETWORK_INTERNET || spec->on_timeout < 0 ||
		spec->on_timeout > VM_TIMEOUT_PAUSE) {
		return err_set(err, ERR_ARGUMENT, "an unknown network or on_timeout");
	}
	return true;
}

/* What the caller leaves open is the preset's. */
static void overlay(const struct vm_spec *preset, struct vm_spec *spec)
{
	spec->image = spec->image ? spec->image : preset->image;
	spec->labels = spec->labels ? spec->labels : preset->labels;
	spec->screen = spec->screen.width || spec->screen.height ? spec->screen : preset->screen;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int64_t *value = number_of(spec, &numbers[i]);
		struct vm_spec from = *preset;
		*value = *value ? *value : *number_of(&from, &numbers[i]);
	}
}

bool vm_spec_make(const struct vm_spec *preset, const struct vm_spec *asked, struct vm_spec *ret,
	struct err *err)
{
	struct vm_spec spec = asked ? *asked : *preset;
	overlay(preset, &spec);
	if (!check_numbers(&spec, err) || !check_screen(spec.screen, err) ||
		!check_labels(spec.labels, err) || !check_words(&spec, err)) {
		return false;
	}
	vm_spec_copy(&spec, ret);
	return true;
}

void vm_spec_copy(const struct vm_spec *from, struct vm_spec *ret)
{
	*ret = *from;
	ret->image = from->image ? must(strdup(from->image)) : NULL;
	ret->from = from->from ? must(strdup(from->from)) : NULL;
	ret->labels = json_deep_copy(from->labels);
}

void vm_spec_done(struct vm_spec *spec)
{
	free((char *)spec->image);
	free((char *)spec->from);
	json_decref((json_t *)spec->labels);
	*spec = (struct vm_spec){ 0 };
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool vm_spec_same_machine(const struct vm_spec *a, const struct vm_spec *b)
{
	return same_text(a->image, b->image) && a->screen.width == b->screen.width &&
	       a->screen.height == b->screen.height && a->network == b->network &&
	       a->limits.memory_mib == b->limits.memory_mib &&
	       a->limits.processes == b->limits.processes && a->limits.files == b->limits.files &&
	       a->limits.disk_mib == b->limits.disk_mib && a->limits.cpus == b->limits.cpus;
}
