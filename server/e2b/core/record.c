#include "server/e2b/core/record.h"

#include "base/cleanup.h"
#include "base/field.h"

#include <string.h>

#define MASK_MAX 255

/* As stored. */
struct stored {
	const char *template_id;
	bool auto_resume, forgets, has_network;
	const json_t *network;
	const char *user, *directory;
};

static const struct field stored_fields[] = {
	FIELD_STR(struct stored, template_id, "", .min = 1, .max = 100),
	FIELD_FLAG(struct stored, auto_resume, ""),
	FIELD_FLAG(struct stored, forgets, ""),
	FIELD_FLAG(struct stored, has_network, ""),
	FIELD_JSON(struct stored, network, ""),
	FIELD_STR(struct stored, user, "", .min = 1, .max = 32),
	FIELD_STR(struct stored, directory, "", .min = 1, .max = 4000),
	{ 0 },
};

static const char *mask_of(const json_t *network)
{
	return json_string_value(json_object_get(network, "maskRequestHost"));
}

/* It becomes a header. */
static bool check_mask(const json_t *network, struct err *err)
{
	const json_t *given = json_object_get(network, "maskRequestHost");
	const char *mask = mask_of(network);
	size_t len = mask ? strlen(mask) : 0;
	return !given || json_is_null(given) ||
	       (mask && len <= MASK_MAX &&
		       strspn(mask, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_.:[]${}") == len) ||
	       err_set(err, ERR_ARGUMENT,
		       "'network.maskRequestHost' must be a host name of at most %d bytes, such as "
		       "localhost:${PORT}",
		       MASK_MAX);
}

struct e2b_record e2b_record_of(const struct vm_spec *spec)
{
	struct stored stored;
	struct err err;
	if (!field_decode(stored_fields, spec->api, &stored, &err) ||
		!check_mask(stored.network, &err)) {
		stored = (struct stored){ 0 }; /* of another version */
	}
	const json_t *public = json_object_get(stored.network, "allowPublicTraffic");
	return (struct e2b_record){
		.template_id = stored.template_id ? stored.template_id
			       : spec->from       ? spec->from
			       : spec->image      ? spec->image
						  : "base",
		.auto_resume = stored.auto_resume,
		.forgets = stored.forgets,
		.has_network = stored.has_network,
		.is_closed = json_is_false(public),
		.mask_host = mask_of(stored.network),
		.network = stored.network,
		.user = stored.user,
		.directory = stored.directory,
	};
}

json_t *e2b_record_make(const struct e2b_record *record, struct err *err)
{
	const struct stored stored = {
		.template_id = record->template_id,
		.auto_resume = record->auto_resume,
		.forgets = record->forgets,
		.has_network = record->has_network,
		.network = record->network,
		.user = record->user,
		.directory = record->directory,
	};
	return check_mask(record->network, err) ? field_encode(stored_fields, &stored) : NULL;
}
