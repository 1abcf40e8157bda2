#ifndef VM_MICROVM_MANIFEST_H
#define VM_MICROVM_MANIFEST_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

/* The manifest, written by save.c and read by load.c only. */

#define SAVED_VERSION 1
#define SAVED_JSON "machine.json"
#define SAVED_DEVICES "devices"
#define SAVED_DEVICES_MAX (16u << 20)

/* machine.json */
struct saved_files {
	int64_t version, mib, layers;
	const char *key;
};

json_t *saved_files_to_json(const struct saved_files *files);
bool saved_files_from_json(
	const json_t *json, struct saved_files *ret_files, struct err *err) NODISCARD;

/* Checks size and magic number. */
bool saved_check_devices(int fd, const char *what, struct err *err) NODISCARD;

#endif
