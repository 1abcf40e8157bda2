#ifndef VM_LIFECYCLE_METADATA_H
#define VM_LIFECYCLE_METADATA_H

#include "vm/core/vm.h"

/*
 * The metadata of a sandbox (sandboxes/<id>/sandbox.json) and of a snapshot
 * (snapshots/<id>/snapshot.json), for later servers.  Both are read as strictly as a client's
 * input: only known members, of their type, within bounds.
 */

#define METADATA_SANDBOX "sandbox.json"
#define METADATA_SNAPSHOT "snapshot.json"
#define METADATA_OWNER_MAX 200

enum metadata_state { METADATA_RUNNING, METADATA_PAUSED };

struct metadata {
	const char *id, *owner, *backend;
	int state;             /* enum metadata_state */
	bool is_default;       /* of its owner */
	bool keep;             /* it survives servers without --keep */
	const char *name;      /* of a snapshot, or NULL */
	const char *source;    /* of a snapshot: the sandbox it was taken from */
	struct vm_times times; /* a snapshot has only created; idle is not stored */
	struct vm_spec spec;   /* complete and owned */
	json_t *owned;         /* owns the other members */
};
#define auto_metadata __attribute__((cleanup(metadata_done)))
void metadata_done(struct metadata *metadata);

/* file: METADATA_SANDBOX or METADATA_SNAPSHOT. */
json_t *metadata_encode(const char *file, const struct metadata *metadata);
/* Takes json.  If true, *ret must be released with metadata_done(). */
bool metadata_decode(
	const char *file, json_t *json, struct metadata *ret, struct err *err) NODISCARD;
/* Reads <dir>/<file>; id is the expected id. */
bool metadata_read(const char *dir, const char *file, const char *id, struct metadata *ret,
	struct err *err) NODISCARD;
bool metadata_write(const char *dir, const char *file, const struct metadata *metadata,
	struct err *err) NODISCARD;

#endif
