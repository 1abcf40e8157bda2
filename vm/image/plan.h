#ifndef VM_IMAGE_PLAN_H
#define VM_IMAGE_PLAN_H

#include "base/buf.h"

#include <jansson.h>
#include <stdint.h>

/*
 * The builder's (build.c) input for the finisher (finish.c), which runs inside mmdebstrap, possibly
 * in a user namespace without access to the builder's directories.  Everything is passed as
 * descriptors: the plan is JSON in PLAN_FD, and the image's files are open for writing.
 */

enum {
	PLAN_FD = 20,
	PLAN_SELF, /* the program itself */
	PLAN_FILES,
	PLAN_INIT, /* vitrine-init */
	PLAN_TAR,  /* a root file system, if the plan says so */
	PLAN_ROOT_EROFS,
	PLAN_VMLINUZ,
	PLAN_INITRAMFS,
	PLAN_PACKAGES,
	PLAN_IMAGE_JSON,
	PLAN_FDS_END,
};

struct plan {
	const char *name, *description;
	const char *seed; /* of the id: a hexadecimal digest of the recipe */
	int64_t memory_mib, cpus, disk_mib, created;
	bool from_tar;
	const json_t *users; /* ["name"] */
	const json_t *have;  /* ids of existing images, which need not be built */
};

/* Prefix of each of the finisher's status lines: "vitrine: making the file system". */
#define PLAN_PREFIX "vitrine: "

json_t *plan_encode(const struct plan *plan);
bool plan_decode(const json_t *json, struct plan *ret_plan, struct err *err) NODISCARD;

/* The SHA-256 of texts, each with its length as a separator; the first `digits` hexadecimal
 * digits. */
struct plan_digest;
struct plan_digest *plan_digest_new(void);
void plan_digest_add(struct plan_digest *digest, const void *bytes, size_t len);
void plan_digest_end(struct plan_digest *digest, char *ret_hex, size_t digits); /* frees it */

/* The finisher, run in isolation (vm/image/isolation.h).  root: mmdebstrap's root file system, or the
 * directory to unpack an archive into.  Returns the exit status. */
int plan_finish(const char *root);

#define PLAN_TREE "/tmp/tree" /* of an archive */

#endif
