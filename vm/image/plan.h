#ifndef VM_IMAGE_PLAN_H
#define VM_IMAGE_PLAN_H

#include "base/buf.h"

#include <jansson.h>
#include <stdint.h>

/*
 * What the builder (build.c) tells the finisher (finish.c), which runs within mmdebstrap, maybe in
 * a user namespace that may not enter the builder's directories.  So everything goes through
 * descriptors: the plan is a JSON text in PLAN_FD, and the image's files are there to be written.
 */

enum {
	PLAN_FD = 20,
	PLAN_SELF, /* the program itself */
	PLAN_FILES,
	PLAN_INIT, /* vitrine-init */
	PLAN_TAR,  /* a root file system, where the plan says so */
	PLAN_ROOT_EROFS,
	PLAN_VMLINUZ,
	PLAN_INITRAMFS,
	PLAN_PACKAGES,
	PLAN_IMAGE_JSON,
	PLAN_FDS_END,
};

struct plan {
	const char *name, *description;
	const char *seed; /* of the id: a digest of the recipe, in hex */
	int64_t memory_mib, cpus, disk_mib, created;
	bool from_tar;
	const json_t *users; /* ["name"] */
	const json_t *have;  /* ids of images that are there: nothing need be made for these */
};

/* A word in front of each line the finisher says: "vitrine: making the file system". */
#define PLAN_SAYS "vitrine: "

json_t *plan_encode(const struct plan *plan);
bool plan_decode(const json_t *json, struct plan *ret_plan, struct err *err) NODISCARD;

/* The SHA-256 of some texts, each with its length, so that none runs into the next; the first
 * `digits` of its hex digits. */
struct plan_digest;
struct plan_digest *plan_digest_new(void);
void plan_digest_add(struct plan_digest *digest, const void *bytes, size_t len);
void plan_digest_end(struct plan_digest *digest, char *ret_hex, size_t digits); /* frees it */

/* The finisher, run within the walls (vm/image/walls.h).  root: where mmdebstrap has made the root
 * file system; for an archive, where it is to be unpacked.  Returns the exit status. */
int plan_finish(const char *root);

#define PLAN_TREE "/tmp/tree" /* of an archive */

#endif
