/*
 * Reattaches to the sandboxes of an earlier server.
 *
 * A server locks the directories of its sandboxes, so one without a lock has no server.  Its
 * metadata decides: a paused sandbox is complete on disk; for one that was running, the backend
 * checks whether it still is; everything else is deleted.  Metadata that cannot be read, strictly,
 * counts as neither.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "vm/lifecycle/lifecycle_impl.h"
#include "vm/lifecycle/metadata.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct found {
	TAILQ_ENTRY(found) entry;
	struct metadata metadata;
	int lock;
};
TAILQ_HEAD(found_list, found);

struct reattachment {
	struct vm_pool *pool;
	struct state *state;
	vm_owner_fn *is_here;
	void *data;
	struct found_list found; /* newest first */
	int64_t reattached, cleaned, live;
};

/* ---- looking ---- */

/* There is no other trace of it. */
static bool reap(const struct vm_pool *pool, const char *id, const char *path)
{
	bool killed = false;
	for (const struct vm_backend *const *at = pool->backends; *at; at++) {
		killed |= (*at)->reap && (*at)->reap(path, id);
	}
	return killed;
}

static void clean_up(struct reattachment *a, const char *id, const char *why)
{
	auto_free char *path = state_path(a->state, STATE_SANDBOXES, id);
	bool killed = reap(a->pool, id, path);
	state_remove(a->state, STATE_SANDBOXES, id);
	log_warning("sandbox=%s of an earlier server cleaned up%s: %s", id,
		killed ? ", its VM was ended" : "", why);
	a->cleaned++;
}

static bool may_live(const struct vm_pool *pool, const struct metadata *metadata, const char *path)
{
	const struct vm_backend *backend = vm_backend_named(pool, metadata->backend);
	bool is_left = backend && backend->is_left && backend->is_left(path, metadata->id);
	return is_left || metadata->state == METADATA_PAUSED;
}

static bool is_overdue(const struct metadata *metadata)
{
	int64_t timeout = metadata->times.timeout;
	return timeout && timeout < clock_wall_ms() && metadata->spec.on_timeout == VM_TIMEOUT_KILL;
}

static void insert(struct found_list *list, struct found *f)
{
	struct found *other;
	TAILQ_FOREACH(other, list, entry)
	{
		if (other->metadata.times.created < f->metadata.times.created) {
			TAILQ_INSERT_BEFORE(other, f, entry);
			return;
		}
	}
	TAILQ_INSERT_TAIL(list, f, entry);
}

static void on_left(const char *id, const char *path, void *data)
{
	struct reattachment *a = data;
	struct metadata metadata;
	struct err err;
	auto_close int lock = state_lock(a->state, STATE_SANDBOXES, id);
	if (lock < 0 || !id_is_valid(id)) {
		return;
	}
	if (!metadata_read(path, METADATA_SANDBOX, id, &metadata, &err)) {
		clean_up(a, id, err.text);
		return;
	}
	if (a->is_here && !a->is_here(metadata.owner, a->data)) {
		/* Left to the server of its owner, as long as anything of it exists. */
		if (!may_live(a->pool, &metadata, path)) {
			clean_up(a, id, "its VM has ended");
		} else if (is_overdue(&metadata)) {
			clean_up(a, id, "timeout reached");
		}
		metadata_done(&metadata);
		return;
	}
	struct found *f = must(calloc(1, sizeof(*f)));
	f->metadata = metadata;
	f->lock = take_fd(&lock);
	insert(&a->found, f);
}

/* ---- reattaching ---- */

static void on_over_limit_paused(struct vm *vm, const struct err *err, void *data)
{
	(void)data;
	if (err && vm_state(vm) < VM_STOPPING) {
		log_warning("sandbox=%s cannot be paused: %s", vm->id, err->text);
		vm_stop(vm, "over this server's sandbox limit, and it could not be paused");
	}
}

static void on_over_limit_ready(struct vm *vm, const struct err *err, void *data)
{
	(void)data;
	if (!err) {
		log_warning("sandbox=%s paused: over this server's sandbox limit", vm->id);
		vm_pause(vm, on_over_limit_paused, NULL);
	}
}

/* Over the limit: it can be paused only when it is ready. */
static void pause_over_limit(struct vm *vm)
{
	static const struct vm_wait_handlers handlers = { .done = on_over_limit_ready };
	vm_wait(vm, &handlers, NULL);
}

static struct vm_left left_of(const struct found *f)
{
	const struct metadata *metadata = &f->metadata;
	return (struct vm_left){
		.backend = metadata->backend,
		.id = metadata->id,
		.owner = metadata->owner,
		.spec = &metadata->spec,
		.times = metadata->times,
		.is_default = metadata->is_default,
		.keep = metadata->keep,
		.paused = metadata->state == METADATA_PAUSED,
		/* A second descriptor of the same lock, which the caller holds until its end. */
		.lock = fcntl(f->lock, F_DUPFD_CLOEXEC, 3),
	};
}

static void take(struct reattachment *a, const struct found *f)
{
	struct vm_left left = left_of(f);
	struct err err;
	if (left.paused) {
		/* Its server may have died during a pause or a resume. */
		auto_free char *path = state_path(a->state, STATE_SANDBOXES, left.id);
		reap(a->pool, left.id, path);
	}
	struct vm *vm = vm_put_back(a->pool, &left, &err);
	if (!vm) {
		clean_up(a, left.id, err.text);
		return;
	}
	log_info("sandbox=%s reattached owner=%s state=%s", vm->id, left.owner,
		left.paused ? "paused" : "running");
	a->reattached++;
	if (!left.paused && ++a->live > a->pool->config.max_sandboxes) {
		pause_over_limit(vm);
	}
}

/* A VM without a directory belongs to no sandbox. */
static void on_listed(const char *id, void *data)
{
	struct reattachment *a = data;
	auto_free char *path = state_path(a->state, STATE_SANDBOXES, id);
	if (access(path, F_OK) < 0 && reap(a->pool, id, path)) {
		log_warning("sandbox=%s has no directory; its VM is ended", id);
		a->cleaned++;
	}
}

static void reap_unknown(struct reattachment *a)
{
	for (const struct vm_backend *const *at = a->pool->backends; *at; at++) {
		if ((*at)->list) {
			(*at)->list(a->pool, on_listed, a);
		}
	}
}

static void take_all(struct reattachment *a)
{
	struct found *f;
	while ((f = TAILQ_FIRST(&a->found))) {
		TAILQ_REMOVE(&a->found, f, entry);
		take(a, f);
		metadata_done(&f->metadata);
		close(f->lock);
		free(f);
	}
}

void vm_pool_reattach(struct vm_pool *pool, vm_owner_fn *is_here, void *data)
{
	struct err err;
	if (!state_is_there(pool->config.state_dir)) {
		return; /* without kept sandboxes the directory is not created */
	}
	struct reattachment a = {
		.pool = pool,
		.state = vm_pool_state(pool, &err),
		.is_here = is_here,
		.data = data,
	};
	if (!a.state) {
		return; /* which was logged */
	}
	TAILQ_INIT(&a.found);
	state_each(a.state, STATE_SANDBOXES, on_left, &a);
	take_all(&a);
	reap_unknown(&a);
	if (a.cleaned) {
		log_info("sandboxes of an earlier server: reattached %lld, cleaned up %lld",
			(long long)a.reattached, (long long)a.cleaned);
	} else if (a.reattached) {
		log_info(
			"sandboxes of an earlier server: reattached %lld", (long long)a.reattached);
	}
}
