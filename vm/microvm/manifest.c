/* The manifest of a saved VM, and the check of its device file. */
#include "vm/microvm/manifest.h"

#include "base/field.h"
#include "vm/memory/ram.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct field fields[] = {
	FIELD_NUM(struct saved_files, version, "Version of this directory's layout.",
		.required = true),
	FIELD_NUM(struct saved_files, mib, "Size of its RAM.", .required = true, .min = 1,
		.max = RAM_MIB_MAX),
	FIELD_NUM(struct saved_files, layers, "Number of layers of its RAM.", .required = true,
		.min = 1, .max = RAM_LAYERS_MAX),
	FIELD_STR(struct saved_files, key, "What must match to load it.", .required = true,
		.max = 255),
	{ .name = NULL },
};

json_t *saved_files_to_json(const struct saved_files *files)
{
	return field_encode(fields, files);
}

bool saved_files_from_json(const json_t *json, struct saved_files *ret_files, struct err *err)
{
	if (!field_decode(fields, json, ret_files, err)) {
		return false;
	}
	return ret_files->version == SAVED_VERSION ||
	       err_set(err, ERR_UNSUPPORTED, "its version is %lld; this server supports %d",
		       (long long)ret_files->version, SAVED_VERSION);
}

bool saved_check_devices(int fd, const char *what, struct err *err)
{
	static const char begin[8] = { 'Q', 'E', 'V', 'M', 0, 0, 0, 3 };
	char bytes[sizeof(begin)];
	struct stat st;
	if (fstat(fd, &st) < 0 || pread(fd, bytes, sizeof(bytes), 0) != sizeof(bytes) ||
		memcmp(bytes, begin, sizeof(begin)) != 0) {
		return err_set(err, ERR_HOST,
			"%s is damaged: it does not start with QEMU's magic number", what);
	}
	return st.st_size <= SAVED_DEVICES_MAX ||
	       err_set(err, ERR_LIMIT, "%s is larger than %u MiB", what, SAVED_DEVICES_MAX >> 20);
}
