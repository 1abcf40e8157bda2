// USES image
/*
 * An archive of a recipe's files.  No name leads out, all bytes that an entry points to are there,
 * and what was read is written and read again the same.
 */
#include "base/cleanup.h"
#include "vm/image/cpio.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

/* What was read: each entry's form, one behind the other. */
static bool note(const struct cpio_entry *entry, void *data, struct err *err)
{
	(void)err;
	check(entry->name[0] && entry->name[0] != '/' && !strstr(entry->name, "//"));
	for (const char *at = entry->name; at; at = strchr(at, '/')) {
		at += *at == '/';
		check(strncmp(at, "..", 2) != 0 || (at[2] && at[2] != '/'));
	}
	cpio_add(data, entry->name, entry->mode, entry->bytes, entry->len);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	auto_buf struct buf once = { 0 }, twice = { 0 };
	struct err err = { 0 };
	if (!cpio_each(bytes, len, note, &once, &err)) {
		check(err.kind == ERR_ARGUMENT && err.text[0]);
		return 0;
	}
	cpio_end(&once);
	check(cpio_each(once.data, once.len, note, &twice, &err));
	cpio_end(&twice);
	check(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	return 0;
}
