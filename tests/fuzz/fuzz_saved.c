// USES vm
/*
 * machine.json of a saved machine, and what is remembered of a running one's RAM.  What is accepted
 * is within bounds and is written back the same; a refusal has a sentence in UTF-8.
 */
#include "base/cleanup.h"
#include "vm/memory/ram.h"
#include "vm/microvm/manifest.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void refused(const struct err *err)
{
	json_auto_t *text = json_string(err->text); /* NULL when it is not UTF-8 */
	check(err->kind != ERR_NONE && err->text[0] && text);
}

static void try_machine(const json_t *in)
{
	struct saved_files files, back;
	struct err err = { 0 };
	if (!saved_files_from_json(in, &files, &err)) {
		refused(&err);
		return;
	}
	check(files.mib >= 1 && files.mib <= RAM_MIB_MAX);
	check(files.layers >= 1 && files.layers <= RAM_LAYERS_MAX);
	json_auto_t *out = saved_files_to_json(&files);
	check(saved_files_from_json(out, &back, &err) && strcmp(files.key, back.key) == 0 &&
		files.mib == back.mib && files.layers == back.layers);
}

static void try_ram(const json_t *in)
{
	struct err err = { 0 };
	struct ram *ram = ram_reattach("/nowhere", in, &err);
	if (!ram) {
		refused(&err);
		return;
	}
	check(ram_mib(ram) >= 1 && ram_mib(ram) <= RAM_MIB_MAX && ram_fd(ram) == -1);
	check(ram_file(ram).bytes == (uint64_t)ram_mib(ram) << 20 && ram_layers(ram) == 0);
	json_auto_t *out = ram_to_json(ram);
	struct ram *back = ram_reattach("/nowhere", out, &err);
	check(back && ram_file(back).ino == ram_file(ram).ino);
	ram_unref(back);
	ram_unref(ram);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	json_auto_t *in = json_loadb((const char *)bytes, len,
		JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (in) {
		try_machine(in);
		try_ram(in);
	}
	return 0;
}
