#ifndef VM_LIFECYCLE_METADATA_H
#define VM_LIFECYCLE_METADATA_H

#include "vm/core/vm.h"

/*
 * The metadata of a sandbox (sandboxes/<id>/sandbox.json) and of a snapshot
 * (snapshots/<id>/snapshot.json), for later servers.  Both are read as strictly as a client's
 * input: only known members, of their type, within bounds.
 */

#define RECORD_SANDBOX "sandbox.json"
#define RECORD_SNAPSHOT "snapshot.json"
#define RECORD_OWNER_MAX 200

enum record_state { RECORD_RUNNING, RECORD_PAUSED };

struct record {
	const char *id, *owner, *backend;
	int state;             /* enum record_state */
	bool is_default;       /* of its owner */
	bool keep;             /* it survives servers without --keep */
	const char *name;      /* of a snapshot, or NULL */
	const char *source;    /* of a snapshot: the sandbox it was taken from */
	struct vm_times times; /* a snapshot has only created; idle is not stored */
	struct vm_spec spec;   /* complete and owned */
	json_t *owned;         /* owns the other members */
};
#define auto_record __attribute__((cleanup(record_done)))
void record_done(struct record *record);

/* file: RECORD_SANDBOX or RECORD_SNAPSHOT. */
json_t *record_encode(const char *file, const struct record *record);
/* Takes json.  If true, *ret must be released with record_done(). */
bool record_decode(const char *file, json_t *json, struct record *ret, struct err *err) NODISCARD;
/* Reads <dir>/<file>; id is the expected id. */
bool record_read(const char *dir, const char *file, const char *id, struct record *ret,
	struct err *err) NODISCARD;
bool record_write(
	const char *dir, const char *file, const struct record *record, struct err *err) NODISCARD;

#endif
