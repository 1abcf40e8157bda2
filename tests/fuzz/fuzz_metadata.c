// USES vm
/*
 * The records of sandboxes and snapshots, as a file of anybody's might hold them.  What is accepted
 * must be written back to something that is accepted and written the same; a refusal must have a
 * sentence in UTF-8.
 */
#include "base/cleanup.h"
#include "vm/lifecycle/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void try_as(const char *file, json_t *in)
{
	auto_metadata struct metadata metadata = { 0 }, back = { 0 };
	struct err err = { 0 };
	if (!metadata_decode(file, json_incref(in), &metadata, &err)) {
		json_auto_t *text = json_string(err.text); /* NULL when it is not UTF-8 */
		check(err.kind != ERR_NONE && err.text[0] && text);
		return;
	}
	json_auto_t *out = metadata_encode(file, &metadata);
	check(metadata_decode(file, json_incref(out), &back, &err));
	json_auto_t *again = metadata_encode(file, &back);
	check(json_equal(out, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	json_auto_t *in = json_loadb((const char *)bytes, len,
		JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (in) {
		try_as(METADATA_SANDBOX, in);
		try_as(METADATA_SNAPSHOT, in);
	}
	return 0;
}
