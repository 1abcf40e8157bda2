#ifndef VM_STATE_STATE_H
#define VM_STATE_STATE_H

#include "vm/spec/spec.h"

/*
 * The state directory: what survives the server.
 *
 *   images/<id>/      vm/image/image.h
 *   templates/<key>/  what a backend's save() wrote of a freshly booted desktop, and template.json
 *   snapshots/<id>/   likewise of a sandbox, and snapshot.json
 *   sandboxes/<id>/   sandbox.json, the backend's own files, saved/ if paused
 *   trash/            entries being deleted
 *
 * Directories are 0700.  A new entry is created under a name that begins with '.', synced, and
 * renamed; an entry to delete is first renamed into trash/.  Every visible entry is therefore
 * complete.  Several servers may share one state directory.  Every file in it is checked as strictly
 * as a client's input.
 *
 * A lock is a flock(2) on the directory itself.  It survives a rename and ends with its descriptor
 * or its process; children must never inherit it.  No function waits for a lock.
 *
 * A template may be deleted while VMs of any process run from it.  They map a sealed memory file,
 * which their server filled once, not a file of this directory: the mapping and the server's
 * descriptor keep it alive, and the disk is not read again.  What is saved relative to a template
 * has hard links to its layers in a separate directory (vm/memory/ram.h), so the pages exist as long
 * as a saved VM needs them.  A template must stay only between finding and reading it; state_use()
 * ensures this.
 *
 * Functions that take a struct state may be called from any thread.
 */

struct state;

/* /var/lib/vitrine as root ($STATE_DIRECTORY under systemd), otherwise $XDG_STATE_HOME/vitrine or
 * ~/.local/state/vitrine.  To free(). */
char *state_default_dir(struct err *err) NODISCARD;
/* Creates missing directories; empties the trash (in the background) and removes incomplete entries
 * without a creator, except images.  dir NULL: state_default_dir(). */
struct state *state_open(const char *dir, struct err *err) NODISCARD;
/* Whether it exists, for callers that should not create it. */
bool state_is_there(const char *dir);
void state_close(struct state *state);
const char *state_dir(const struct state *state); /* absolute */

enum state_kind { STATE_IMAGES, STATE_TEMPLATES, STATE_SNAPSHOTS, STATE_SANDBOXES };
#define STATE_KINDS 4
extern const char *const state_kind_names[]; /* "images", ..., NULL */

/* Names are 1 to 120 characters of A-Z a-z 0-9 . _ + - and do not begin with '.'. */
bool state_name_is_valid(const char *name);

/* <dir>/<kind>/<name>; to free(). */
char *state_path(const struct state *state, enum state_kind kind, const char *name);
/* The path of an incomplete entry of that name, for watching; to free(). */
char *state_unfinished(const struct state *state, enum state_kind kind, const char *name);
bool state_has(const struct state *state, enum state_kind kind, const char *name);

/* Begins a new entry: an empty directory at *ret_path (to free()), locked by the returned
 * descriptor until it is closed, also after state_commit().  -1: ERR_STATE if another process is
 * creating it, or if it exists. */
int state_begin(struct state *state, enum state_kind kind, const char *name, char **ret_path,
	struct err *err) NODISCARD;
/* Completes it: it appears under its name atomically.  If the name exists, this one is deleted.
 * Except for a sandbox, it waits until all files are on disk: for much data, call it in a
 * worker. */
bool state_commit(
	struct state *state, enum state_kind kind, const char *name, struct err *err) NODISCARD;
/* Deletes an entry or, if there is no complete one, the incomplete one, which must be the
 * caller's. Files that processes have open remain usable.  Returns immediately and deletes in
 * the background. */
void state_remove(struct state *state, enum state_kind kind, const char *name);
/* The same for a path inside an entry, such as a sandbox's saved/, without '..' and links. */
void state_remove_in(struct state *state, enum state_kind kind, const char *name, const char *file);
/* Calls fn for each complete entry, in any order; fn may remove it. */
void state_each(struct state *state, enum state_kind kind,
	void (*fn)(const char *name, const char *path, void *data), void *data);

/* The exclusive lock of a complete entry; -1 if another process holds it or the entry does not
 * exist. close() and the end of the process release it. */
int state_lock(struct state *state, enum state_kind kind, const char *name);
/* A shared lock, to be held while a template is needed.  Whoever deletes templates first takes
 * state_lock() and skips those it does not get. */
int state_use(struct state *state, enum state_kind kind, const char *name);

/* Waits until everything in the directory is on disk, if state_commit() was not used. */
bool state_sync(const char *path, struct err *err) NODISCARD;
/* Free bytes on the state directory's disk, for this user. */
int64_t state_free(const struct state *state);
/* The size of a directory's files on disk. */
int64_t state_bytes(const char *path);

/* A small JSON file, replaced atomically: readers see the old or the new version, even after kill
 * -9. For power failures, use state_commit() and state_sync().  Reads at most 64 KiB of strict
 * JSON, without duplicate members; does not follow links. */
bool state_write_json(
	const char *dir, const char *file, const json_t *json, struct err *err) NODISCARD;
json_t *state_read_json(const char *dir, const char *file, struct err *err) NODISCARD;

/* Like err_errno(), with advice if the disk is full or the directory is not writable. */
bool state_errno(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/*
 * The address of a Unix socket in dir_fd, for bind() and connect().  sun_path has 108 bytes and a
 * state directory may be longer, so the address is /proc/self/fd/<dir_fd>/<file>.  A child that
 * creates the socket (QEMU) gets the directory as a descriptor and the same path with its number.
 */
struct sockaddr_un;
void state_socket_address(int dir_fd, const char *file, struct sockaddr_un *ret_address);

#endif
