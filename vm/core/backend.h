#ifndef VM_CORE_BACKEND_H
#define VM_CORE_BACKEND_H

/* The interface between the core and the backends; only they include it. */

#include "vm/core/vm.h"
#include "vm/wire/link.h"

struct vm {
	const struct vm_backend *backend;
	struct vm_pool *pool;
	char id[ID_LEN + 1];
	const struct vm_spec *spec; /* complete; owned by the core */
	/* private directory, removed at the end: <state>/sandboxes/<id> */
	const char *dir;
	const char *from; /* a directory written by save(); NULL: cold start */
	bool is_emulated; /* its CPU is emulated, so this side of the link computes what it can */
	bool outlives;    /* its VM continues when this server dies or detaches from it */
	const char *no_limit_on; /* of the backend: see vm_no_limit_on() */
	int64_t timeout_ms;      /* maximum time until "ready" */
	/* private to pool.c */
	struct vm_core *core;
};

/*
 * A backend embeds struct vm as its first member and sets the size of its own struct.  The core
 * allocates, checks states and calls.  A NULL member is not supported, which the core reports as
 * ERR_UNSUPPORTED.
 */
struct vm_backend {
	const char *name;
	size_t size;
	bool needs_dir; /* vm->dir exists from the start; otherwise only once it is saved or kept */
	int64_t memory_mib; /* the default; 0: determined by the image */
	/* Supported members of a spec; snapshots and pauses require save(). */
	bool has_images, has_network;
	/* chosen by "auto" if none is likely to work, so that its error is reported */
	bool last_resort;
	/* For operators: "'vitrine image build', then --backend microvm"; NULL: no requirements. */
	const char *how_to_have;
	/* Whether a sandbox can be started now, in isolation; otherwise the reason.  Runs a program
	 * and waits for it (seconds at most).  *ret_detail: a line for doctor, to free(). */
	bool (*probe)(const struct vm_config *config, char **ret_detail, struct err *err);
	/* A quick check whether it is likely to work, for "auto".  NULL: never selected by "auto". */
	bool (*is_likely)(struct vm_pool *pool, const struct vm_spec *spec, struct err *err);
	/* Starts what vm->spec and vm->from describe; must call vm_has_link() or vm_has_died(), now
	 * or later.  Called again after stop and release, when a paused sandbox resumes or is
	 * rolled back: everything after struct vm is zeroed before each start.  An unusable saved
	 * VM is ERR_STATE. */
	bool (*start)(struct vm *vm, struct err *err);
	/* Whether start() could use what save() wrote into dir for this sandbox, without reading
	 * all of it. NULL: unknown. */
	bool (*check)(struct vm *vm, const char *dir, struct err *err);
	/* Everything that a template must match for this spec (and only that), as a file name; to
	 * free(). NULL with err: the spec is not possible here; NULL with ERR_NONE: this one starts
	 * without a template.  NULL member: no templates. */
	char *(*template_key)(struct vm_pool *pool, const struct vm_spec *spec, struct err *err);
	/* Writes the running VM into dir, an empty directory; the agent has been told to freeze.
	 * last: the VM may end after vm_was_saved(), and stop() follows in any case.  Otherwise it
	 * must continue before vm_was_saved().  Must call vm_was_saved(), never from inside this
	 * call, unless stop() is called first. */
	void (*save)(struct vm *vm, const char *dir, bool last);
	/* Reattaches to a running VM that an earlier server started in vm->dir; ends like start().
	 * False: there is none. */
	bool (*reattach)(struct vm *vm, struct err *err);
	/* Detaches from the running VM without ending it, so that a later server can reattach to
	 * it. */
	void (*leave)(struct vm *vm);
	/* During a reattach: the link, which is freed, failed; supply another one by vm_has_link(),
	 * not before the agent had after_ms to notice the end of the old one.  NULL: a link is
	 * always a new one. */
	void (*relink)(struct vm *vm, uint64_t after_ms);
	/*
	 * VMs of earlier servers of this state directory.  dir is the directory of the sandbox,
	 * which may lack information about them, and id the sandbox's id.  NULL: VMs do not outlive
	 * their server.
	 */
	/* Whether a VM described in dir is running, so that reattach() would find it. */
	bool (*is_left)(const char *dir, const char *id);
	/* Ends what is still running of it.  True: there was something. */
	bool (*reap)(const char *dir, const char *id);
	/* Calls fn with the id of each of those VMs, for backends whose VMs may exist without a
	 * directory; fn may reap it.  NULL: directories are complete. */
	void (*list)(struct vm_pool *pool, void (*fn)(const char *id, void *data), void *data);
	/* Kills it immediately; idempotent.  True: nothing of it is left.  False: vm_has_died()
	 * follows. */
	bool (*stop)(struct vm *vm);
	/* Frees the backend's resources; called once after each stop, also after a failed start.
	 * Waits (a second or two at most) for processes that are still ending, which is only the
	 * case when the pool is freed. */
	void (*release)(struct vm *vm);
};

/* Of all processes of sandboxes: if memory runs out, the kernel kills them first. */
#define VM_OOM_SCORE_ADJ "1000"

/* The functions with which backends report. */
void vm_was_saved(struct vm *vm, const struct err *err); /* err NULL: success */
void vm_has_link(struct vm *vm, int fd);                 /* takes fd, the connection to the agent */
void vm_has_died(
	struct vm *vm, const struct err *why); /* its process has ended; may call release */
/* Values that the backend has chosen for members of vm->spec that were not set (0, NULL). */
void vm_settle(struct vm *vm, const char *image, int64_t memory_mib, int64_t cpus);
/* The pool's state directory, opened on first use.  NULL: err has the reason. */
struct state;
struct state *vm_pool_state(struct vm_pool *pool, struct err *err) NODISCARD;
const struct vm_config *vm_pool_config(const struct vm_pool *pool);
sd_event *vm_pool_event(const struct vm_pool *pool);

#endif
