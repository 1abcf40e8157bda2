/* The plan as JSON, and digests, for builder and finisher. */
#include "vm/image/plan.h"

#include "base/cleanup.h"
#include "base/field.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>

static const struct field fields[] = {
	FIELD_STR(struct plan, name, "The image's name.", .required = true),
	FIELD_STR(struct plan, description, "One-line description.", .required = true),
	FIELD_STR(struct plan, seed, "The recipe's digest.", .required = true),
	FIELD_NUM(struct plan, memory_mib, "Default memory of a desktop.", .required = true),
	FIELD_NUM(struct plan, cpus, "Default CPUs of a desktop.", .required = true),
	FIELD_NUM(struct plan, disk_mib, "The image's limit.", .required = true),
	FIELD_NUM(struct plan, created, "Now.", .required = true),
	FIELD_FLAG(struct plan, from_tar, "The root comes from a tar archive."),
	FIELD_JSON(struct plan, users, "User accounts.", .required = true),
	FIELD_JSON(struct plan, have, "Existing images.", .required = true),
	{ .name = NULL },
};

json_t *plan_encode(const struct plan *plan)
{
	return field_encode(fields, plan);
}

bool plan_decode(const json_t *json, struct plan *ret_plan, struct err *err)
{
	return field_decode(fields, json, ret_plan, err);
}

struct plan_digest {
	gnutls_hash_hd_t hash;
};

/* Cannot fail with an algorithm that is always available. */
struct plan_digest *plan_digest_new(void)
{
	struct plan_digest *digest = must(calloc(1, sizeof(*digest)));
	if (gnutls_hash_init(&digest->hash, GNUTLS_DIG_SHA256) < 0) {
		abort();
	}
	return digest;
}

void plan_digest_add(struct plan_digest *digest, const void *bytes, size_t len)
{
	uint64_t size = len;
	gnutls_hash(digest->hash, &size, sizeof(size));
	gnutls_hash(digest->hash, bytes, len);
}

void plan_digest_end(struct plan_digest *digest, char *ret_hex, size_t digits)
{
	uint8_t bytes[32];
	gnutls_hash_deinit(digest->hash, bytes);
	free(digest);
	for (size_t i = 0; i < digits / 2 && i < sizeof(bytes); i++) {
		snprintf(ret_hex + 2 * i, 3, "%02x", bytes[i]);
	}
}
