/*
 * Metadata are tables of fields, like all JSON.  A row is required if its absence would be
 * ambiguous, so metadata of an older or newer format is refused.
 */
#include "vm/lifecycle/metadata.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/log.h"
#include "base/work.h"
#include "vm/lifecycle/lifecycle_impl.h"
#include "vm/state/state.h"

#include <string.h>

#define FORMAT 1      /* of the files; others belong to other versions */
#define TIME_MAX 4e14 /* in ms: beyond any real value, and exact in a double */

static const char *const state_names[] = { "running", "paused", NULL };

/* ---- files ---- */

struct metadata_json {
	struct metadata metadata;
	int64_t format;
	const json_t *spec;
};
#define AT(member, type) .offset = FIELD_AT(struct metadata_json, member, type)
#define TEXT(key, member, most) \
	{ \
		.name = key, .type = FIELD_STRING, AT(member, const char *), .required = true, \
		.min = 1, .max = most \
	}
#define TIME(key, member) \
	{ \
		.name = key, .type = FIELD_INT, AT(member, int64_t), .required = true, \
		.max = TIME_MAX \
	}
#define COMMON \
	{ .name = "vitrine", \
		.type = FIELD_INT, \
		AT(format, int64_t), \
		.required = true, \
		.min = 0, \
		.max = 1e6 }, \
		TEXT("id", metadata.id, ID_LEN), \
		TEXT("owner", metadata.owner, METADATA_OWNER_MAX), \
		TEXT("backend", metadata.backend, 40), TIME("created", metadata.times.created), \
	{ \
		.name = "spec", .type = FIELD_ANY, AT(spec, const json_t *), .required = true \
	}

static const struct field sandbox_fields[] = {
	COMMON,
	{ .name = "state",
		.type = FIELD_ENUM,
		AT(metadata.state, int),
		.required = true,
		.choices = state_names },
	{ .name = "default", .type = FIELD_BOOL, AT(metadata.is_default, bool), .required = true },
	{ .name = "keep", .type = FIELD_BOOL, AT(metadata.keep, bool), .required = true },
	TIME("ready", metadata.times.ready),
	TIME("timeout", metadata.times.timeout),
	{ 0 },
};

static const struct field snapshot_fields[] = {
	COMMON,
	{ .name = "name",
		.type = FIELD_STRING,
		AT(metadata.name, const char *),
		.min = 1,
		.max = VM_SNAPSHOT_NAME_MAX },
	TEXT("source", metadata.source, ID_LEN),
	{ 0 },
};

static const struct field *fields_of(const char *file)
{
	return strcmp(file, METADATA_SANDBOX) == 0 ? sandbox_fields : snapshot_fields;
}

void metadata_done(struct metadata *metadata)
{
	vm_spec_done(&metadata->spec);
	json_decref(metadata->owned);
	*metadata = (struct metadata){ 0 };
}

json_t *metadata_encode(const char *file, const struct metadata *metadata)
{
	json_auto_t *spec = vm_spec_encode(&metadata->spec);
	return field_encode(fields_of(file), &(struct metadata_json){ *metadata, FORMAT, spec });
}

static bool check(const struct metadata_json *in, struct err *err)
{
	if (in->format != FORMAT) {
		return err_set(err, ERR_UNSUPPORTED, "its format is %lld; this program supports %d",
			(long long)in->format, FORMAT);
	}
	const char *source = in->metadata.source;
	return (id_is_valid(in->metadata.id) && (!source || id_is_valid(source))) ||
	       err_set(err, ERR_ARGUMENT, "it contains an invalid id");
}

bool metadata_decode(const char *file, json_t *json, struct metadata *ret, struct err *err)
{
	json_auto_t *owned = json;
	struct metadata_json in = { 0 };
	if (!field_decode(fields_of(file), owned, &in, err) || !check(&in, err) ||
		!vm_spec_decode(in.spec, &in.metadata.spec, err)) {
		return false;
	}
	*ret = in.metadata;
	ret->owned = take_ptr(&owned);
	return true;
}

bool metadata_read(
	const char *dir, const char *file, const char *id, struct metadata *ret, struct err *err)
{
	auto_metadata struct metadata metadata = { 0 };
	json_t *json = state_read_json(dir, file, err);
	if (!json || !metadata_decode(file, json, &metadata, err)) {
		return false;
	}
	if (strcmp(metadata.id, id) != 0) {
		return err_set(err, ERR_ARGUMENT, "it belongs to %s", metadata.id);
	}
	*ret = metadata;
	metadata = (struct metadata){ 0 };
	return true;
}

bool metadata_write(
	const char *dir, const char *file, const struct metadata *metadata, struct err *err)
{
	json_auto_t *json = metadata_encode(file, metadata);
	return state_write_json(dir, file, json, err);
}

/* ---- of a sandbox ---- */

/* One that starts from its own saved/ counts as paused until it is ready: if it fails, saved/ is
 * still valid. */
static bool is_saved(const struct vm_core *core)
{
	return core->state == VM_PAUSED || vm_comes_from(core, ORIGIN_RESUME);
}

/* In a thread, because it waits for the disk. */
static void sync_dir(void *data)
{
	struct err err;
	if (!state_sync(data, &err)) {
		log_debug("%s", err.text); /* it may have been deleted */
	}
}

/* A paused one must survive a power failure; no one has to wait for that. */
static void sync_soon(struct vm *vm)
{
	work_run(vm->pool->event, sync_dir, free, must(strdup(vm->core->dir)));
}

static bool write_of(const struct vm *vm, int state, struct err *err)
{
	const struct vm_core *core = vm->core;
	struct metadata metadata = {
		.id = vm->id,
		.owner = core->owner,
		.backend = vm->backend->name,
		.state = state,
		.is_default = core->is_default,
		.keep = core->keep,
		.times = vm_times(core->vm),
		.spec = core->spec,
	};
	return metadata_write(core->dir, METADATA_SANDBOX, &metadata, err);
}

void vm_metadata_write(struct vm *vm)
{
	const struct vm_core *core = vm->core;
	struct err err;
	if (!core->dir || core->internal || core->state >= VM_STOPPING) {
		return;
	}
	if (!write_of(vm, is_saved(core) ? METADATA_PAUSED : METADATA_RUNNING, &err)) {
		log_warning("sandbox=%s cannot save its metadata: %s", vm->id, err.text);
	} else if (core->state == VM_PAUSED) {
		sync_soon(vm);
	}
}

const struct vm_part vm_metadata_part = { .changed = vm_metadata_write };

bool vm_metadata_write_paused(struct vm *vm, struct err *err)
{
	return write_of(vm, METADATA_PAUSED, err) || err_while(err, "cannot save its metadata");
}
