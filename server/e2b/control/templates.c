/*
 * Templates: what a sandbox can be created from.  E2B's default templates are this server's default
 * sandbox, or its image with more programs, if there is one.  Snapshots are templates, too, and
 * images by their names.
 */
#include "server/e2b/control/call.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "server/e2b/template/names.h"
#include "vm/image/image.h"

#include <string.h>

#define PAGE_MAX 100
#define TAG ":default"

/* Templates that every server has, and the image that suits best. */
static const struct built_in {
	const char *id, *image;
} built_ins[] = {
	{ "base", NULL },
	{ "desktop", "desktop" },
	{ "code-interpreter-v1", "desktop" },
	{ 0 },
};

static const struct built_in *built_in_of(const char *id)
{
	const struct built_in *b = built_ins;
	while (b->id && strcmp(b->id, id) != 0) {
		b++;
	}
	return b->id ? b : NULL;
}

static bool has_image(const struct e2b *e2b, const char *name)
{
	auto_image struct image image = { 0 };
	struct err err;
	return name && e2b->images && image_find(e2b->images, name, &image, &err);
}

/* "space/name:tag" names what "name" does. */
static char *bare(const char *id)
{
	const char *slash = strrchr(id, '/'), *from = slash ? slash + 1 : id;
	return must(strndup(from, strcspn(from, ":")));
}

bool control_template_apply(const struct e2b *e2b, const char *owner, const char *id,
	struct vm_spec *spec, struct err *err)
{
	auto_free char *name = bare(id);
	const struct built_in *built_in = built_in_of(name);
	const struct vm_snapshot *snapshot;
	if (built_in) {
		spec->image = has_image(e2b, built_in->image) ? built_in->image : spec->image;
		return true;
	}
	struct e2b_name built;
	bool was_built = e2b_name_find(e2b->names, owner, id, &built);
	snapshot = vm_snapshot_find(e2b->vms, owner, was_built ? built.snapshot : name, err);
	if (snapshot) {
		spec->from = snapshot->id;
		return true;
	}
	if (has_image(e2b, id)) {
		spec->image = id;
		return true;
	}
	return err_set(err, ERR_NOT_FOUND, "template '%.100s' not found", id);
}

static void run_alias(struct control_call *c, const json_t *body)
{
	struct vm_spec ignored = { 0 };
	struct err err;
	(void)body;
	if (!control_template_apply(c->e2b, c->r->owner, c->id, &ignored, &err)) {
		e2b_fail_err(c->r, &err);
		return;
	}
	e2b_reply_json(c->r, 200,
		must(json_pack(
			"{s:s, s:b}", "templateID", c->id, "public", built_in_of(c->id) != NULL)));
}

/* What a sandbox of the image would get; name NULL: of the default one. */
static struct vm_limits limits_of(const struct e2b *e2b, const char *name)
{
	auto_image struct image image = { 0 };
	const struct vm_spec *spec = vm_default_spec(e2b->vms);
	struct vm_limits limits = spec->limits;
	struct err ignored;
	if (e2b->images && image_find(e2b->images, name ? name : spec->image, &image, &ignored)) {
		limits.memory_mib = limits.memory_mib ? limits.memory_mib : image.memory_mib;
		limits.cpus = limits.cpus ? limits.cpus : image.cpus;
	}
	return limits;
}

static json_t *template_of(struct control_call *c, const char *id)
{
	const struct built_in *built_in = built_in_of(id);
	const char *name = built_in ? built_in->image : id;
	struct vm_limits limits = limits_of(c->e2b, has_image(c->e2b, name) ? name : NULL);
	json_auto_t *now = control_time(clock_wall_ms());
	return must(json_pack(
		"{s:s, s:s, s:[s], s:[s], s:b, s:I, s:I, s:I, s:O, s:O, s:n, s:n, s:i, "
		"s:i, s:s, s:s}",
		"templateID", id, "buildID", id, "aliases", id, "names", id, "public", 1,
		"cpuCount", (json_int_t)(limits.cpus ? limits.cpus : 1), "memoryMB",
		(json_int_t)limits.memory_mib, "diskSizeMB", (json_int_t)limits.disk_mib,
		"createdAt", now, "updatedAt", now, "createdBy", "lastSpawnedAt", "spawnCount", 0,
		"buildCount", 1, "envdVersion", "0.6.13", "buildStatus", "ready"));
}

struct images {
	struct control_call *c;
	json_t *list;
};

static void add_image(const struct image *image, const struct err *why, void *data)
{
	struct images *images = data;
	if (!why && !built_in_of(image->name)) {
		json_array_append_new(images->list, template_of(images->c, image->name));
	}
}

static void run_list(struct control_call *c, const json_t *body)
{
	struct images images = { c, must(json_array()) };
	struct err ignored;
	(void)body;
	for (const struct built_in *b = built_ins; b->id; b++) {
		json_array_append_new(images.list, template_of(c, b->id));
	}
	if (c->e2b->images) {
		(void)!image_each(c->e2b->images, add_image, &images, &ignored);
	}
	e2b_reply_json(c->r, 200, images.list);
}

/* ---- snapshots ---- */

static json_t *snapshot_of(const struct vm_snapshot *snapshot)
{
	json_t *all = must(json_pack("{s:s, s:[]}", "snapshotID", snapshot->id, "names"));
	if (snapshot->name) {
		json_array_append_new(json_object_get(all, "names"),
			json_sprintf("%s/%s" TAG, snapshot->owner, snapshot->name));
	}
	return all;
}

static void on_taken(
	struct vm *vm, const struct vm_snapshot *snapshot, const struct err *err, void *data)
{
	struct control_call *c = data;
	(void)vm;
	if (!control_back(c)) {
		return;
	}
	if (err) {
		e2b_fail_err(c->r, err);
	} else {
		e2b_reply_json(c->r, 201, snapshot_of(snapshot));
	}
}

struct snapshot_args {
	const char *name;
};
static const struct field snapshot_fields[] = {
	FIELD_STR(struct snapshot_args, name, "", .max = 200),
	{ 0 },
};

static void run_take(struct control_call *c, const json_t *body)
{
	struct snapshot_args args;
	struct vm *vm = control_find(c);
	if (!vm || !control_decode(c, snapshot_fields, body, &args)) {
		return;
	}
	auto_free char *name = args.name && args.name[0] ? bare(args.name) : NULL;
	if (name && built_in_of(name)) {
		e2b_fail(c->r, 409, "'%s' is the name of a template of this server", name);
		return;
	}
	control_later(c);
	vm_take_snapshot(vm, name, on_taken, c);
}

static bool is_wanted(const struct vm_snapshot *snapshot, const char *source, const char *name)
{
	return (!source || strcmp(snapshot->source, source) == 0) &&
	       (!name || strcmp(snapshot->id, name) == 0 ||
		       (snapshot->name && strcmp(snapshot->name, name) == 0));
}

static void run_snapshots(struct control_call *c, const json_t *body)
{
	const char *source = http_query(c->r->x, "sandboxID"),
		   *called = http_query(c->r->x, "name");
	auto_free char *name = called ? bare(called) : NULL;
	char id[E2B_ID_MAX + 1] = "";
	const struct vm_snapshot *snapshot;
	struct control_page page;
	(void)body;
	if (!control_page_read(c, PAGE_MAX, &page)) {
		return;
	}
	if (source && !e2b_id_read(source, '\0', id)) {
		e2b_fail(c->r, 400, "'sandboxID' must be the id of a sandbox");
		return;
	}
	json_t *all = must(json_array());
	for (size_t i = 0; (snapshot = vm_snapshot_at(c->e2b->vms, c->r->owner, i)); i++) {
		if (is_wanted(snapshot, source ? id : NULL, name)) {
			json_array_append_new(all, snapshot_of(snapshot));
		}
	}
	control_page_reply(c, &page, all);
}

static void run_delete(struct control_call *c, const json_t *body)
{
	struct e2b_name built;
	bool was_built = e2b_name_find(c->e2b->names, c->r->owner, c->id, &built);
	auto_free char *name = was_built ? must(strdup(built.snapshot)) : bare(c->id);
	struct err err;
	(void)body;
	if (built_in_of(name) || has_image(c->e2b, name)) {
		e2b_fail(c->r, 403, "'%s' is a template of this server, which its operator manages",
			name);
	} else if (!vm_snapshot_delete(c->e2b->vms, c->r->owner, name, &err)) {
		e2b_fail_err(c->r, &err);
	} else {
		e2b_names_forget(c->e2b->names, c->r->owner, name);
		e2b_reply_empty(c->r, 204);
	}
}

const struct control_row control_template_rows[] = {
	{ "POST", "/sandboxes/{}/snapshots", run_take },
	{ "GET", "/snapshots", run_snapshots },
	{ "GET", "/templates", run_list },
	{ "GET", "/templates/aliases/*", run_alias },
	{ "DELETE", "/templates/*", run_delete },
	{ 0 },
};
