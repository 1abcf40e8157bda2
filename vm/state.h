#ifndef VM_STATE_H
#define VM_STATE_H

#include "vm/vm.h"

/*
 * The state directory: what survives the server.
 *
 *   images/<id>/      vm/image/image.h
 *   templates/<key>/  what a backend's save() wrote of a freshly booted desktop, and template.json
 *   snapshots/<id>/   likewise of a sandbox, and snapshot.json
 *   sandboxes/<id>/   sandbox.json, lock (held by the server that has it), the backend's own files,
 *                     saved/ when paused
 *   trash/            what is being deleted
 *
 * Directories are 0700.  Whatever is made is made under a name beginning with '.', synced, and
 * renamed; whatever goes is renamed into trash/ first.  So a name that is there is whole.  Several
 * servers may share one state directory.  Every file in it is checked as strictly as a client's
 * input.
 */

struct state;

/* /var/lib/vitrine as root ($STATE_DIRECTORY under systemd), else $XDG_STATE_HOME/vitrine or
 * ~/.local/state/vitrine.  free() it. */
char *state_default_dir(struct err *err) NODISCARD;
/* Makes what is missing; empties the trash and unfinished things nobody holds. */
struct state *state_open(const char *dir, struct err *err) NODISCARD;
void state_close(struct state *state);
const char *state_dir(const struct state *state);

enum state_kind { STATE_IMAGES, STATE_TEMPLATES, STATE_SNAPSHOTS, STATE_SANDBOXES };

/* <dir>/<kind>/<name>; free() it. */
char *state_path(const struct state *state, enum state_kind kind, const char *name);
bool state_has(const struct state *state, enum state_kind kind, const char *name);

/* An unfinished one: an empty directory at *ret_path (free() it), locked by the returned descriptor
 * while it is being made.  -1: ERR_STATE when another process makes this one now. */
int state_begin(struct state *state, enum state_kind kind, const char *name, char **ret_path,
	struct err *err) NODISCARD;
/* Whole: it appears under its name at once.  When it is there already, this one is thrown away. */
bool state_commit(
	struct state *state, enum state_kind kind, const char *name, struct err *err) NODISCARD;
/* Deletes, finished or not; what other processes have open stays usable to them. */
void state_remove(struct state *state, enum state_kind kind, const char *name);
/* fn for each finished one, in no order; it may remove what it is called for. */
void state_each(struct state *state, enum state_kind kind,
	void (*fn)(const char *name, const char *path, void *data), void *data);

/* The exclusive lock of a finished one; -1 when another process holds it.  close() ends it, the end
 * of the process too. */
int state_lock(struct state *state, enum state_kind kind, const char *name);

/* A small JSON file, replaced atomically; at most 64 KiB are read. */
bool state_write_json(
	const char *dir, const char *file, const json_t *json, struct err *err) NODISCARD;
json_t *state_read_json(const char *dir, const char *file, struct err *err) NODISCARD;

#endif
