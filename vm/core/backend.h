#ifndef VM_CORE_BACKEND_H
#define VM_CORE_BACKEND_H

/* What the core and the backends share, and nobody else includes. */

#include "vm/core/vm.h"
#include "vm/wire/link.h"

struct vm {
	const struct vm_backend *backend;
	struct vm_pool *pool;
	char id[ID_LEN + 1];
	const struct vm_spec *spec; /* complete; the core's */
	const char *dir;            /* of its own, private, gone with it: <state>/sandboxes/<id> */
	const char *from;           /* a directory that save() filled; NULL: from nothing */
	bool is_emulated; /* its processor is: what can be computed on this side of the link is */
	bool outlives;    /* its machine goes on when this server dies or lets go of it */
	const char *no_limit_on; /* the backend's: see vm_no_limit_on() */
	int64_t timeout_ms;      /* the core waits this long for "ready" */
	/* the rest belongs to pool.c */
	struct vm_core *core;
};

/*
 * A backend embeds struct vm as its first member and says how big the whole is; pool.c allocates,
 * checks states and calls.  A NULL member means "this backend cannot", which pool.c turns into
 * ERR_UNSUPPORTED.
 */
struct vm_backend {
	const char *name;
	size_t size;
	bool needs_dir; /* vm->dir is there from the start; else only once it is saved or kept */
	int64_t memory_mib; /* when nobody says; 0: the image does */
	/* What a spec may ask of it; snapshots and pauses it has with save(). */
	bool has_images, has_network;
	bool last_resort; /* what "auto" is when none is likely to work: starting it says why not */
	/* For whoever runs the server: "'vitrine image build', then --backend microvm"; NULL: it
	 * needs nothing. */
	const char *how_to_have;
	/* Can a sandbox be started now, between its walls?  Says why not.  Runs a program there and
	 * waits for it (seconds at most).
	 * *ret_detail: a line for doctor, free(). */
	bool (*probe)(const struct vm_config *config, char **ret_detail, struct err *err);
	/* Quickly: is it likely to work, so that "auto" takes it?  NULL: never taken so. */
	bool (*is_likely)(struct vm_pool *pool, const struct vm_spec *spec, struct err *err);
	/* Begins to start what vm->spec and vm->from say; ends in vm_has_link() or vm_has_died(),
	 * now or later.  Again after stop and release, when a paused sandbox resumes or one is
	 * rolled back: what lies behind struct vm is zeroed before each start.  A saved machine
	 * that is no good is ERR_STATE. */
	bool (*start)(struct vm *vm, struct err *err);
	/* Whether start() could use what save() wrote into dir for this sandbox, as far as that can
	 * be told without reading all of it.  NULL: nobody knows. */
	bool (*check)(struct vm *vm, const char *dir, struct err *err);
	/* Of everything that a template must match to be used for this spec (and only that), as a
	 * file name; free() it.  NULL with err: the spec cannot be had here; NULL with ERR_NONE:
	 * this one starts without a template.  NULL member: no templates. */
	char *(*template_key)(struct vm_pool *pool, const struct vm_spec *spec, struct err *err);
	/* Writes the running machine into dir (there, empty); the agent has been told to freeze.
	 * last: the machine is not needed any more and may end, after vm_was_saved(); stop() comes
	 * then in any case.  Else it goes on, and vm_was_saved() comes after that.  Ends in
	 * vm_was_saved(), never from inside this call, or never when stop() comes before. */
	void (*save)(struct vm *vm, const char *dir, bool last);
	/* Takes over a running machine that an earlier server started in vm->dir; ends like
	 * start(). False: there is none (any more). */
	bool (*adopt)(struct vm *vm, struct err *err);
	/* Lets go of the running machine without ending it, so that a later server may adopt it. */
	void (*leave)(struct vm *vm);
	/* Of one that is being adopted: the link, which is freed, told nothing sensible; another
	 * one is to come by vm_has_link(), not before the agent had after_ms to see that it was
	 * gone.  NULL: a link is always a new one. */
	void (*relink)(struct vm *vm, uint64_t after_ms);
	/*
	 * Machines of earlier servers of this state directory; dir is the sandbox's there, which
	 * may say nothing of them, and id is the sandbox's.  NULL: none of its machines outlives
	 * its server.
	 */
	/* Whether one runs that dir tells of, so that adopt() would find it. */
	bool (*is_left)(const char *dir, const char *id);
	/* Ends whatever runs of it, which nobody is to adopt.  True: there was something. */
	bool (*reap)(const char *dir, const char *id);
	/* Calls fn with the id of each of those machines, for a backend whose machines are kept
	 * elsewhere and may be left without a directory; fn may reap it.  NULL: directories tell
	 * of all. */
	void (*list)(struct vm_pool *pool, void (*fn)(const char *id, void *data), void *data);
	/* Kills it at once; idempotent.  True: nothing of it is left.  False: vm_has_died() comes
	 * when that is so. */
	bool (*stop)(struct vm *vm);
	/* Frees what the backend holds; once after each stop, also after a failed start.  Waits (a
	 * second or two at most) for processes that are still ending, which happens only when the
	 * pool is freed. */
	void (*release)(struct vm *vm);
};

/* In all processes of sandboxes: they end before anything else does when memory runs out. */
#define VM_OOM_SCORE_ADJ "1000"

/* Backends report back through these only. */
void vm_was_saved(struct vm *vm, const struct err *err); /* err NULL: it was */
void vm_has_link(struct vm *vm, int fd);                 /* takes fd; the agent speaks there */
void vm_has_died(struct vm *vm,
	const struct err *why); /* the process behind it has ended; may call release */
/* What the backend chose where vm->spec leaves it open (0, NULL). */
void vm_settle(struct vm *vm, const char *image, int64_t memory_mib, int64_t cpus);
/* The state directory, opened at its first need; the pool's.  NULL: why not. */
struct state;
struct state *vm_pool_state(struct vm_pool *pool, struct err *err) NODISCARD;
const struct vm_config *vm_pool_config(const struct vm_pool *pool);
sd_event *vm_pool_event(const struct vm_pool *pool);

#endif
