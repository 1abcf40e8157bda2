#ifndef VM_LIFECYCLE_METADATA_H
#define VM_LIFECYCLE_METADATA_H

#include "vm/core/vm.h"

/*
 * What is written of a sandbox (sandboxes/<id>/sandbox.json) and of a snapshot
 * (snapshots/<id>/snapshot.json), so that a later server knows it.  Both are read as strictly as a
 * client's input: every member known, of its type, in its bounds, and nothing beside.
 */

#define RECORD_SANDBOX "sandbox.json"
#define RECORD_SNAPSHOT "snapshot.json"
#define RECORD_OWNER_MAX 200

enum record_state { RECORD_RUNNING, RECORD_PAUSED };

struct record {
	const char *id, *owner, *backend;
	int state;             /* enum record_state */
	bool is_default;       /* of its owner */
	bool keep;             /* it outlives servers that keep nothing of their own */
	const char *name;      /* a snapshot's, or NULL */
	const char *source;    /* a snapshot's: the sandbox it was taken of */
	struct vm_times times; /* a snapshot has only created; idle is not kept */
	struct vm_spec spec;   /* complete, and its own */
	json_t *owned;         /* what the rest points into */
};
#define auto_record __attribute__((cleanup(record_done)))
void record_done(struct record *record);

/* file: RECORD_SANDBOX or RECORD_SNAPSHOT. */
json_t *record_encode(const char *file, const struct record *record);
/* Takes json.  *ret is to be given to record_done() when this was true. */
bool record_decode(const char *file, json_t *json, struct record *ret, struct err *err) NODISCARD;
/* From <dir>/<file>; id is what it must say of itself. */
bool record_read(const char *dir, const char *file, const char *id, struct record *ret,
	struct err *err) NODISCARD;
bool record_write(
	const char *dir, const char *file, const struct record *record, struct err *err) NODISCARD;

#endif
