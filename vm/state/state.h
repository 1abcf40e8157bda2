#ifndef VM_STATE_STATE_H
#define VM_STATE_STATE_H

#include "vm/spec/spec.h"

/*
 * The state directory: what survives the server.
 *
 *   images/<id>/      vm/image/image.h
 *   templates/<key>/  what a backend's save() wrote of a freshly booted desktop, and template.json
 *   snapshots/<id>/   likewise of a sandbox, and snapshot.json
 *   sandboxes/<id>/   sandbox.json, the backend's own files, saved/ when paused
 *   trash/            what is being deleted
 *
 * Directories are 0700.  Whatever is made is made under a name beginning with '.', synced, and
 * renamed; whatever goes is renamed into trash/ first.  So a name that is there is whole.  Several
 * servers may share one state directory.  Every file in it is checked as strictly as a client's
 * input.
 *
 * A lock is a flock(2) on the directory itself, so it goes along when that is renamed, and ends
 * with its descriptor or its process; never let a child inherit one.  No function waits for a lock.
 *
 * A template may be deleted while machines of any process run from it.  They map a sealed memory
 * file that their server filled from it once, never a file of this directory: the mapping and the
 * server's descriptor keep that alive, and nothing on disk is looked at again.  What is saved
 * relative to a template has hard links to its layers in a directory of its own (vm/memory/ram.h), so its
 * pages stay as long as one saved machine needs them.  Only the moment between finding a template
 * and having read it needs it to stay: that is what state_use() is for.
 *
 * Functions that take a struct state may be called from any thread.
 */

struct state;

/* /var/lib/vitrine as root ($STATE_DIRECTORY under systemd), else $XDG_STATE_HOME/vitrine or
 * ~/.local/state/vitrine.  free() it. */
char *state_default_dir(struct err *err) NODISCARD;
/* Makes what is missing; empties the trash (in the background) and unfinished things nobody holds,
 * but for images.
 * dir NULL: state_default_dir(). */
struct state *state_open(const char *dir, struct err *err) NODISCARD;
/* Whether it was ever opened: who only looks for something need not make it. */
bool state_is_there(const char *dir);
void state_close(struct state *state);
const char *state_dir(const struct state *state); /* absolute */

enum state_kind { STATE_IMAGES, STATE_TEMPLATES, STATE_SNAPSHOTS, STATE_SANDBOXES };
#define STATE_KINDS 4
extern const char *const state_kind_words[]; /* "images", ..., NULL */

/* Names are 1 to 120 characters of A-Z a-z 0-9 . _ + - and do not begin with '.'. */
bool state_name_is_valid(const char *name);

/* <dir>/<kind>/<name>; free() it. */
char *state_path(const struct state *state, enum state_kind kind, const char *name);
/* Where an unfinished one of that name lies, for watching; free() it. */
char *state_unfinished(const struct state *state, enum state_kind kind, const char *name);
bool state_has(const struct state *state, enum state_kind kind, const char *name);

/* An unfinished one: an empty directory at *ret_path (free() it), locked by the returned descriptor
 * while it is being made, and, if that stays open, after state_commit() too.  -1: ERR_STATE when
 * another process makes this one now, or it is there already. */
int state_begin(struct state *state, enum state_kind kind, const char *name, char **ret_path,
	struct err *err) NODISCARD;
/* Whole: it appears under its name at once.  When it is there already, this one is thrown away.
 * But for a sandbox, which is nothing yet, it waits for the disk until every file in it is written:
 * for much data, call it in a worker. */
bool state_commit(
	struct state *state, enum state_kind kind, const char *name, struct err *err) NODISCARD;
/* Deletes it, or, when there is no finished one, the unfinished one, which must be the caller's.
 * What processes have open stays usable to them.  Returns at once: the rest is done in the
 * background. */
void state_remove(struct state *state, enum state_kind kind, const char *name);
/* The same for something inside one, such as a sandbox's saved/; no '..' and no links on the way.
 */
void state_remove_in(struct state *state, enum state_kind kind, const char *name, const char *file);
/* fn for each finished one, in no order; it may remove what it is called for. */
void state_each(struct state *state, enum state_kind kind,
	void (*fn)(const char *name, const char *path, void *data), void *data);

/* The exclusive lock of a finished one; -1 when another process holds it or it is not there.
 * close() ends it, the end of the process too. */
int state_lock(struct state *state, enum state_kind kind, const char *name);
/* A shared lock, for as long as something is made from a template or needs it: whoever collects
 * templates takes state_lock() first and leaves alone what it does not get. */
int state_use(struct state *state, enum state_kind kind, const char *name);

/* Waits until all in the directory is on disk, for what was not published by state_commit(). */
bool state_sync(const char *path, struct err *err) NODISCARD;
/* Bytes free on the state directory's disk, for whoever runs this process. */
int64_t state_free(const struct state *state);
/* What a directory's files take on disk. */
int64_t state_bytes(const char *path);

/* A small JSON file, replaced atomically: whoever reads it, after a kill -9 too, sees the old or
 * the new one.  A power cut is another thing: state_commit() and state_sync() are for that.
 * At most 64 KiB are read; strict JSON, no member twice, no links. */
bool state_write_json(
	const char *dir, const char *file, const json_t *json, struct err *err) NODISCARD;
json_t *state_read_json(const char *dir, const char *file, struct err *err) NODISCARD;

/* Like err_errno(), with what to do about it when the disk is full or the directory not ours to
 * write. */
bool state_errno(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/*
 * A Unix socket in dir_fd, for bind() and connect(): sun_path has 108 bytes and a state directory
 * may be longer than that, so the address is /proc/self/fd/<dir_fd>/<file>.  A child that is to
 * make one itself (QEMU) gets the directory as a descriptor and the same path with its number
 * there.
 */
struct sockaddr_un;
void state_socket_address(int dir_fd, const char *file, struct sockaddr_un *ret_address);

#endif
