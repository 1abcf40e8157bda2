/* The requests about a build. */
#include "server/e2b/template/build_impl.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

#define LOGS_A_PAGE 100

static const char *const status_names[] = { "waiting", "building", "ready", "error" };
static const char *const our_images[] = { "e2bdev/base", "e2bdev/base:latest", "e2bdev/desktop",
	"e2bdev/code-interpreter" };

/* ---- finding one by a path ---- */

void build_path_part(const struct e2b_request *r, int i, char ret[80])
{
	const char *at = http_path(r->x);
	for (; at && i >= 0; i--) {
		at = strchr(at, '/');
		at = at ? at + 1 : NULL;
	}
	snprintf(ret, 80, "%.*s", at ? (int)strcspn(at, "/") : 0, at ? at : "");
}

struct build *build_find(
	struct e2b_request *r, const char *owner, const char *template_id, const char *build)
{
	struct build *b;
	TAILQ_FOREACH(b, &r->e2b->builds->list, entry)
	{
		if (strcmp(b->template_id, template_id) == 0 &&
			(!build[0] || strcmp(b->id, build) == 0) &&
			(!owner || strcmp(b->owner, owner) == 0)) {
			return b;
		}
	}
	e2b_fail(r, 404, "the build of the template '%.80s' was not found", template_id);
	return NULL;
}

/* ---- POST /v3/templates ---- */

struct create_args {
	const char *name, *alias;
	const json_t *tags;
	int64_t cpuCount, memoryMB;
};
#define ARGS struct create_args
static const struct field create_fields[] = {
	FIELD_STR(ARGS, name, "", .max = E2B_NAME_MAX),
	FIELD_STR(ARGS, alias, "", .max = E2B_NAME_MAX),
	{ .name = "tags",
		.type = FIELD_TEXTS,
		.offset = FIELD_AT(ARGS, tags, const json_t *),
		.help = "",
		.max = 20,
		.longest = 64 },
	FIELD_NUM(ARGS, cpuCount, "", .min = 1, .max = 64, .default_value = 2),
	FIELD_NUM(ARGS, memoryMB, "", .min = 128, .max = 1 << 20, .default_value = 1024),
	{ 0 },
};
#undef ARGS

void e2b_build_create(struct e2b_request *r, const json_t *body)
{
	struct create_args args;
	struct err err;
	char name[E2B_NAME_MAX + 1];
	struct e2b_builds *builds = r->e2b->builds;
	if (!e2b_decode(create_fields, body, &args, &err) ||
		!e2b_name_normalize(args.name    ? args.name
				    : args.alias ? args.alias
						 : "",
			name, &err)) {
		e2b_fail_err(r, &err);
		return;
	}
	if (!build_make_room(builds, r->owner, &err)) {
		e2b_fail_err(r, &err);
		return;
	}
	struct build *b = build_new(builds, r->owner, name);
	b->tags = args.tags ? must(json_copy((json_t *)args.tags)) : json_array();
	b->cpus = args.cpuCount;
	b->memory_mib = args.memoryMB;
	json_t *tags = json_copy(b->tags);
	if (!json_array_size(tags)) {
		json_array_append_new(tags, json_string(strchr(name, ':') + 1));
	}
	e2b_reply_json(r, 202,
		must(json_pack("{s:s, s:s, s:b, s:[s], s:[s], s:o}", "templateID", b->template_id,
			"buildID", b->id, "public", 0, "names", name, "aliases", name, "tags",
			tags)));
}

/* ---- POST /v2/templates/ID/builds/BUILD ---- */

struct step_args {
	const char *type, *filesHash;
	const json_t *args;
};
#define ARGS struct step_args
static const struct field step_fields[] = {
	FIELD_STR(ARGS, type, "", .required = true, .max = 20),
	FIELD_STR(ARGS, filesHash, "", .max = 79),
	{ .name = "args",
		.type = FIELD_TEXTS,
		.offset = FIELD_AT(ARGS, args, const json_t *),
		.help = "",
		.max = 200,
		.longest = 64 << 10 },
	{ 0 },
};
#undef ARGS

static bool read_step(struct build *b, const json_t *json, struct err *err)
{
	struct build_step *step = &b->steps[b->n_steps];
	struct step_args args;
	if (!e2b_decode(step_fields, json, &args, err)) {
		return false;
	}
	*step = (struct build_step){
		.kind = build_step_kind_find(args.type), .hash = args.filesHash, .all = args.args
	};
	if (!step->kind) {
		return err_set(err, ERR_UNSUPPORTED,
			"steps of a build are RUN, COPY, ENV, WORKDIR, USER; got '%s'", args.type);
	}
	for (size_t i = 0; i < sizeof(step->args) / sizeof(step->args[0]); i++) {
		const char *text = json_string_value(json_array_get(args.args, i));
		step->args[i] = text ? text : "";
	}
	b->n_steps++;
	return json_array_size(args.args) >= step->kind->args ||
	       err_set(err, ERR_ARGUMENT, "%s requires %zu arguments", args.type, step->kind->args);
}

static bool read_steps(struct build *b, struct err *err)
{
	const json_t *steps = json_object_get(b->request, "steps");
	size_t i;
	json_t *step;
	b->n_steps = 0;
	if (json_array_size(steps) > BUILD_STEPS_MAX) {
		return err_set(err, ERR_LIMIT, "a build has at most %d steps", BUILD_STEPS_MAX);
	}
	json_array_foreach(steps, i, step)
	{
		if (!read_step(b, step, err)) {
			return err_while(err, "step %zu", i + 1);
		}
	}
	return true;
}

static bool is_our_image(const char *image)
{
	for (size_t i = 0; i < sizeof(our_images) / sizeof(our_images[0]); i++) {
		if (strcmp(our_images[i], image) == 0) {
			return true;
		}
	}
	return false;
}

/* *ret_from: the snapshot of a template that was built; NULL: the default image. */
static bool read_base(const struct build *b, const char **ret_from, struct err *err)
{
	const char *image = json_string_value(json_object_get(b->request, "fromImage"));
	const char *template = json_string_value(json_object_get(b->request, "fromTemplate"));
	const struct e2b *e2b = b->builds->e2b;
	struct e2b_name name;
	*ret_from = NULL;
	/* A template of an image's name stands in for it. */
	if (image && e2b_name_find(e2b->names, b->owner, image, &name)) {
		*ret_from = name.snapshot;
		return true;
	}
	if (image && !is_our_image(image)) {
		return err_set(err, ERR_UNSUPPORTED,
			"this server has no image '%.200s': a template can be built from its own image "
			"(fromBaseImage() or fromTemplate('base')) and from templates built here; one "
			"that has the image's name stands in for it",
			image);
	}
	if (template && e2b_name_find(e2b->names, b->owner, template, &name)) {
		*ret_from = name.snapshot;
	} else if (template && strcmp(template, "base") != 0) {
		return err_set(err, ERR_NOT_FOUND, "template '%.100s' not found", template);
	}
	return true;
}

static void set_commands(struct build *b)
{
	const char *start = json_string_value(json_object_get(b->request, "startCmd"));
	const char *ready = json_string_value(json_object_get(b->request, "readyCmd"));
	b->start_command = start ? start : "";
	b->ready_command = ready ? ready : "";
}

void e2b_build_start(struct e2b_request *r, const json_t *body)
{
	char id[80], build[80];
	const char *from;
	struct err err;
	build_path_part(r, 2, id);
	build_path_part(r, 4, build);
	struct build *b = build_find(r, r->owner, id, build);
	if (b && b->status != BUILD_WAITING) {
		e2b_fail(r, 409, "the build was started already");
		return;
	}
	if (!b) {
		return;
	}
	json_decref(b->request);
	b->request = must(json_deep_copy(body));
	set_commands(b);
	if (!read_steps(b, &err) || !read_base(b, &from, &err)) {
		build_end(b, "base", &err);
	} else if (!build_run(b, from, &err)) {
		build_end(b, "base", &err);
	}
	e2b_reply_empty(r, 202);
}

/* ---- GET /templates/ID/builds/BUILD/status ---- */

static json_t *page_of_logs(const struct build *b, size_t from, json_t *lines)
{
	json_t *page = json_array();
	for (size_t i = from; i < json_array_size(b->logs) && i < from + LOGS_A_PAGE; i++) {
		json_t *entry = json_array_get(b->logs, i);
		json_array_append(page, entry);
		json_array_append(lines, json_object_get(entry, "message"));
	}
	return page;
}

void e2b_build_status(struct e2b_request *r, const json_t *body)
{
	char id[80], build[80];
	(void)body;
	build_path_part(r, 1, id);
	build_path_part(r, 3, build);
	struct build *b = build_find(r, r->owner, id, build);
	if (!b) {
		return;
	}
	const char *offset = http_query(r->x, "logsOffset");
	json_t *lines = json_array();
	json_t *logs = page_of_logs(b, offset ? strtoul(offset, NULL, 10) : 0, lines);
	json_t *answer = must(json_pack("{s:s, s:s, s:s, s:o, s:o}", "templateID", id, "buildID",
		b->id, "status", status_names[b->status], "logEntries", logs, "logs", lines));
	if (b->reason) {
		json_object_set_new(answer, "reason",
			must(json_pack(
				"{s:s, s:s}", "message", b->reason, "step", b->reason_step)));
	}
	e2b_reply_json(r, 200, answer);
}
