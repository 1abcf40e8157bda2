/*
 * The specification of a sandbox.  One table defines each member's form, bounds and storage;
 * options, tools and files take their rows from it.  vm_spec_make() checks a specification once, so
 * backends need not.
 */

#include "vm/spec/spec.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

const char *const vm_network_names[] = { "none", "internet", NULL };
const char *const vm_on_timeout_names[] = { "kill", "pause", NULL };

#define TIMEOUT_MAX_S (30 * 24 * 3600)
#define MS_OF_S 1000
#define LABELS_MAX 32
#define LABEL_MAX 1024 /* bytes of a value */
#define LABELS_SIZE_MAX (16 << 10)
#define VARIABLES_MAX 64
#define VARIABLE_MAX 4096          /* bytes of a value */
#define ENVIRONMENT_MAX (16 << 10) /* bytes as JSON, also of sandbox.json */
#define API_MAX (4 << 10)
#define IMAGE_NAME_MAX 64 /* also the length of an id */

#define ROW(member, to, kept, kind, text, ...) \
	{ \
		.field = { .name = #member, \
			.type = kind, \
			.offset = offsetof(struct vm_spec_args, member), \
			.help = text, \
			__VA_ARGS__ }, \
		.stored = kept, .at = offsetof(struct vm_spec, to) \
	}
#define NUMBER(member, to, kept, least, most, first, text) \
	ROW(member, to, kept, FIELD_INT, text, .min = least, .max = most, .default_value = first)
#define TIME(member, to, kept, text) \
	{ \
		.field = { .name = #member, \
			.type = FIELD_INT, \
			.offset = FIELD_AT(struct vm_spec_args, member, int64_t), \
			.help = text, \
			.max = TIMEOUT_MAX_S }, \
		.stored = kept, .at = FIELD_AT(struct vm_spec, to, int64_t), .ms = MS_OF_S \
	}

const struct vm_spec_row vm_spec_rows[VM_SPEC_MEMBERS] = {
	[VM_SPEC_IMAGE] = ROW(image, image, "image", FIELD_STRING,
		"Image of a microVM: a recipe or an image's id.", .min = 1, .max = IMAGE_NAME_MAX),
	[VM_SPEC_MEMORY] =
		NUMBER(memory, limits.memory_mib, "memory_mib", 256, 1 << 20, 0, "Memory in MiB."),
	[VM_SPEC_CPUS] = NUMBER(cpus, limits.cpus, "cpus", 1, 64, 0, "Virtual CPUs."),
	[VM_SPEC_SCREEN] = ROW(screen, screen, "screen", FIELD_STRING,
		"Screen size, WIDTHxHEIGHT from 320x240 to 3840x2160.", .min = 1, .max = 16,
		.default_text = "1280x800"),
	[VM_SPEC_SCALE] = NUMBER(scale, scale, "scale", SCALE_MIN, SCALE_MAX, SCALE_MIN,
		"Scale of programs in percent."),
	[VM_SPEC_NETWORK] = ROW(network, network, "network", FIELD_ENUM,
		"Network access of a microVM.", .choices = vm_network_names),
	[VM_SPEC_PROCESSES] = NUMBER(processes, limits.processes, "processes", 32, 1 << 16, 1024,
		"Maximum number of processes and threads."),
	[VM_SPEC_FILES] = NUMBER(files, limits.files, "files", 256, 1 << 20, 4096,
		"Maximum number of open files of each process."),
	[VM_SPEC_DISK] = NUMBER(disk, limits.disk_mib, "disk_mib", 16, 1 << 20, 1024,
		"Size in MiB of each private file system: home, /tmp, /run, /dev/shm."),
	[VM_SPEC_TIMEOUT] =
		TIME(timeout, timeout_ms, "timeout_ms", "Lifetime in seconds; 0: no limit."),
	[VM_SPEC_IDLE_TIMEOUT] = TIME(idle_timeout, idle_ms, "idle_ms",
		"Seconds without a call until it times out; 0: no limit."),
	[VM_SPEC_ON_TIMEOUT] = ROW(on_timeout, on_timeout, "on_timeout", FIELD_ENUM,
		"Action when a timeout is reached.", .choices = vm_on_timeout_names),
	[VM_SPEC_LABELS] = ROW(labels, labels, "labels", FIELD_MAP, "Your names and values.",
		.max = LABELS_MAX, .longest = LABEL_MAX),
	[VM_SPEC_ENVIRONMENT] = ROW(environment, environment, "environment", FIELD_MAP,
		"Variables of its commands and programs.", .max = VARIABLES_MAX,
		.longest = VARIABLE_MAX),
	[VM_SPEC_API] = ROW(api, api, "api", FIELD_ANY, "What its API keeps about it."),
};

/* Its member of struct vm_spec. */
static int64_t *number_of(struct vm_spec *spec, const struct vm_spec_row *row)
{
	return (int64_t *)(void *)((char *)spec + row->at);
}

static bool is_number(const struct vm_spec_row *row)
{
	return row->field.type == FIELD_INT;
}

/* ---- from arguments ---- */

static int64_t in_ms(int64_t time, int ms)
{
	return time ? time * ms : -1;
}

static void apply(const struct vm_spec_row *row, const void *slot, struct vm_spec *spec)
{
	void *to = (char *)spec + row->at;
	int64_t number;
	switch (row->field.type) {
	case FIELD_INT:
		number = *(const int64_t *)slot;
		if (number > 0 || number == row->field.min) {
			*(int64_t *)to = row->ms ? in_ms(number, row->ms) : number;
		}
		break;
	case FIELD_ENUM:
		*(int *)to = *(const int *)slot < 0 ? *(int *)to : *(const int *)slot;
		break;
	default: /* a pointer: a text or an object */
		if (*(void *const *)slot) {
			*(void **)to = *(void *const *)slot;
		}
	}
}

bool vm_spec_apply(
	const struct vm_spec_args *args, const char *called, struct vm_spec *spec, struct err *err)
{
	if (args->screen && !geometry_read(args->screen, called, &spec->screen, err)) {
		return false;
	}
	for (size_t i = 0; i < VM_SPEC_MEMBERS; i++) {
		const struct vm_spec_row *row = &vm_spec_rows[i];
		if (i != VM_SPEC_SCREEN) {
			apply(row, (const char *)args + row->field.offset, spec);
		}
	}
	return true;
}

void vm_spec_fill(struct vm_spec *spec)
{
	struct size *screen = &spec->screen;
	struct err err;
	if ((screen->width <= 0 || screen->height <= 0) &&
		!geometry_read(
			vm_spec_rows[VM_SPEC_SCREEN].field.default_text, "screen", screen, &err)) {
		abort(); /* a programming error in the table */
	}
	for (size_t i = 0; i < VM_SPEC_MEMBERS; i++) {
		const struct vm_spec_row *row = &vm_spec_rows[i];
		if (is_number(row) && !row->ms && *number_of(spec, row) <= 0) {
			*number_of(spec, row) = (int64_t)row->field.default_value;
		}
	}
}

/* ---- check ---- */

/* In its argument form; NULL if not set. */
static json_t *written(const struct vm_spec_row *row, const struct vm_spec *spec)
{
	const void *at = (const char *)spec + row->at;
	const char *text;
	int64_t number, ms = row->ms ? row->ms : 1;
	switch (row->field.type) {
	case FIELD_INT:
		number = *(const int64_t *)at;
		number = row->ms && number == -1 ? 0 : number;
		return number ? json_integer(number / ms + (number % ms > 0)) : NULL;
	case FIELD_ENUM:
		number = *(const int *)at;
		return number == 0 || number == 1 ? json_string(row->field.choices[number])
						  : json_integer(number);
	case FIELD_MAP:
	case FIELD_ANY:
		return json_incref((json_t *)*(const json_t *const *)at);
	default:
		text = *(const char *const *)at;
		return text ? json_string(text) : NULL;
	}
}

static bool check_screen(struct size size, struct err *err)
{
	char text[32];
	snprintf(text, sizeof(text), "%dx%d", size.width, size.height);
	return geometry_read(text, "screen", &size, err);
}

static bool check_size(const json_t *json, const char *called, size_t most, struct err *err)
{
	size_t size = json ? json_dumpb(json, NULL, 0, JSON_COMPACT) : 0;
	return size <= most ||
	       err_set(err, ERR_ARGUMENT, "'%s' must have at most %zu bytes as JSON; it has %zu",
		       called, most, size);
}

/* Commands with other names would be refused, all of them. */
static bool check_variables(const json_t *environment, struct err *err)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)environment, name, value)
	{
		if (strchr(name, '=') || strncmp(name, "VITRINE_", 8) == 0) {
			return err_set(err, ERR_ARGUMENT,
				"'environment': the variable '%.60s' cannot be set", name);
		}
	}
	return check_size(environment, "environment", ENVIRONMENT_MAX, err);
}

static bool check_objects(const struct vm_spec *spec, struct err *err)
{
	if (spec->api && !json_is_object(spec->api)) {
		return err_set(err, ERR_ARGUMENT, "'api' must be an object");
	}
	return check_variables(spec->environment, err) &&
	       check_size(spec->labels, "labels", LABELS_SIZE_MAX, err) &&
	       check_size(spec->api, "api", API_MAX, err);
}

static bool check(const struct vm_spec *spec, struct err *err)
{
	for (size_t i = 0; i < VM_SPEC_MEMBERS; i++) {
		const struct vm_spec_row *row = &vm_spec_rows[i];
		struct field one[2] = { row->field };
		json_auto_t *object = must(json_object());
		struct vm_spec_args scratch;
		if (i == VM_SPEC_SCREEN) {
			continue;
		}
		json_object_set_new(object, row->field.name, written(row, spec));
		if (!field_decode(one, object, &scratch, err)) {
			return false;
		}
	}
	return check_objects(spec, err) && check_screen(spec->screen, err);
}

/* Members that the caller has not set are those of the default. */
static void overlay(struct vm_spec default_spec, struct vm_spec *spec)
{
	spec->image = spec->image ? spec->image : default_spec.image;
	spec->labels = spec->labels ? spec->labels : default_spec.labels;
	spec->screen =
		spec->screen.width || spec->screen.height ? spec->screen : default_spec.screen;
	for (size_t i = 0; i < VM_SPEC_MEMBERS; i++) {
		const struct vm_spec_row *row = &vm_spec_rows[i];
		if (is_number(row) && !*number_of(spec, row)) {
			*number_of(spec, row) = *number_of(&default_spec, row);
		}
	}
}

bool vm_spec_make(const struct vm_spec *default_spec, const struct vm_spec *asked,
	struct vm_spec *ret, struct err *err)
{
	struct vm_spec spec = asked ? *asked : *default_spec;
	overlay(*default_spec, &spec);
	if (!check(&spec, err)) {
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
	ret->environment = json_deep_copy(from->environment);
	ret->api = json_deep_copy(from->api);
}

void vm_spec_done(struct vm_spec *spec)
{
	free((char *)spec->image);
	free((char *)spec->from);
	json_decref((json_t *)spec->labels);
	json_decref((json_t *)spec->environment);
	json_decref((json_t *)spec->api);
	*spec = (struct vm_spec){ 0 };
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void replace(const json_t **kept, const json_t *from)
{
	json_decref((json_t *)*kept);
	*kept = json_deep_copy(from);
}

void vm_spec_describe(struct vm_spec *spec, const struct vm_spec *as)
{
	replace(&spec->labels, as ? as->labels : NULL);
	replace(&spec->environment, as ? as->environment : NULL);
	replace(&spec->api, as ? as->api : NULL);
}

bool vm_spec_same_machine(const struct vm_spec *a, const struct vm_spec *b)
{
	return same_text(a->image, b->image) && a->network == b->network &&
	       a->limits.memory_mib == b->limits.memory_mib &&
	       a->limits.processes == b->limits.processes && a->limits.files == b->limits.files &&
	       a->limits.disk_mib == b->limits.disk_mib && a->limits.cpus == b->limits.cpus;
}
