/* The tags of templates: further names of what was built. */
#include "server/e2b/template/build_impl.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <string.h>

#define TAGS_MAX 20

struct tags_args {
	const char *target, *name; /* target: "NAME:TAG"; name: without a tag */
	const json_t *tags;
};
#define ARGS struct tags_args
static const struct field fields[] = {
	FIELD_STR(ARGS, target, "", .max = E2B_NAME_MAX),
	FIELD_STR(ARGS, name, "", .max = E2B_NAME_MAX),
	{ .name = "tags",
		.type = FIELD_TEXTS,
		.offset = FIELD_AT(ARGS, tags, const json_t *),
		.help = "",
		.required = true,
		.min = 1,
		.max = TAGS_MAX,
		.longest = 64 },
	{ 0 },
};
#undef ARGS

static bool assign_all(struct e2b_request *r, const char *target, const json_t *tags,
	const struct e2b_name *of, struct err *err)
{
	char name[E2B_NAME_MAX + 1];
	size_t i;
	json_t *tag;
	json_array_foreach(tags, i, tag)
	{
		if (!e2b_name_tagged(target, json_string_value(tag), name, err)) {
			return false;
		}
	}
	auto_free char *snapshot = must(strdup(of->snapshot)), *build = must(strdup(of->build));
	json_array_foreach(tags, i, tag)
	{
		const struct e2b_name row = { .name = name, .snapshot = snapshot, .build = build };
		if (!e2b_name_tagged(target, json_string_value(tag), name, err) ||
			!e2b_name_set(r->e2b->names, r->owner, &row, err)) {
			return false;
		}
	}
	return true;
}

void e2b_tags_assign(struct e2b_request *r, const json_t *body)
{
	struct tags_args args;
	struct e2b_name of;
	struct err err;
	if (!e2b_decode(fields, body, &args, &err)) {
		e2b_fail_err(r, &err);
	} else if (!args.target || !e2b_name_find(r->e2b->names, r->owner, args.target, &of)) {
		e2b_fail(r, 404, "template '%.100s' not found", args.target ? args.target : "");
	} else {
		json_t *build = json_string(of.build);
		if (assign_all(r, args.target, args.tags, &of, &err)) {
			e2b_reply_json(r, 201,
				must(json_pack("{s:o, s:O}", "buildID", build, "tags", args.tags)));
		} else {
			json_decref(build);
			e2b_fail_err(r, &err);
		}
	}
}

void e2b_tags_remove(struct e2b_request *r, const json_t *body)
{
	struct tags_args args;
	struct err err;
	char name[E2B_NAME_MAX + 1];
	size_t i, removed = 0;
	json_t *tag;
	struct e2b_name found;
	if (!e2b_decode(fields, body, &args, &err)) {
		e2b_fail_err(r, &err);
		return;
	}
	json_array_foreach(args.tags, i, tag)
	{
		if (args.name && e2b_name_tagged(args.name, json_string_value(tag), name, &err) &&
			e2b_name_find(r->e2b->names, r->owner, name, &found)) {
			e2b_name_remove(r->e2b->names, r->owner, name);
			removed++;
		}
	}
	if (removed) {
		e2b_reply_empty(r, 204);
	} else {
		e2b_fail(r, 404, "template '%.100s' has no such tag", args.name ? args.name : "");
	}
}

/* ---- list ---- */

struct listing {
	const char *snapshot;
	json_t *list;
};

static void add_tag(const struct e2b_name *name, void *data)
{
	struct listing *listing = data;
	const char *colon = strchr(name->name, ':');
	char time[CLOCK_TEXT_SIZE];
	if (!colon || strcmp(name->snapshot, listing->snapshot) != 0) {
		return;
	}
	clock_write(name->created, time);
	json_array_append_new(listing->list, must(json_pack("{s:s, s:s, s:s}", "tag", colon + 1,
						     "buildID", name->build, "createdAt", time)));
}

void e2b_tags_list(struct e2b_request *r, const json_t *body)
{
	char id[80];
	struct e2b_name of;
	(void)body;
	build_path_part(r, 1, id);
	if (!e2b_name_find(r->e2b->names, r->owner, id, &of)) {
		e2b_fail(r, 404, "template '%.100s' not found", id);
		return;
	}
	struct listing listing = { of.snapshot, must(json_array()) };
	e2b_names_each(r->e2b->names, r->owner, add_tag, &listing);
	e2b_reply_json(r, 200, listing.list);
}
