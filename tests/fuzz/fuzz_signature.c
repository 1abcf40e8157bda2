// USES server
/* Signatures of E2B's file URLs: the right one is accepted, one for anything else is not. */
#include "base/cleanup.h"
#include "server/e2b/envd/signature.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The next of several texts, a NUL after each; "-" is absent. */
static const char *next(const char **at, const char *end)
{
	const char *text = *at;
	*at += strnlen(text, (size_t)(end - text));
	*at += *at < end;
	return strcmp(text, "-") == 0 ? NULL : text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	auto_free char *copy = must(calloc(1, len + 1));
	const char *at = copy, *end = copy + len;
	char right[ENVD_SIGNATURE_SIZE], other[ENVD_SIGNATURE_SIZE];
	struct err err;
	memcpy(copy, bytes, len);
	struct envd_signed what = { .path = next(&at, end),
		.user = next(&at, end),
		.expires = next(&at, end),
		.token = "0tQG31xiMp0IOQfaz9dcwi72L1CPo8e0" };
	const char *given = next(&at, end);
	envd_sign(&what, right);
	if (!envd_signature_is(&what, right) ||
		(given && strcmp(given, right) != 0 && envd_signature_is(&what, given))) {
		abort();
	}
	if (envd_signature_check(&what, given, 1000, &err) && strcmp(given, right) != 0) {
		abort();
	}
	what.writes = true;
	envd_sign(&what, other);
	if (strcmp(right, other) == 0) {
		abort();
	}
	return 0;
}
