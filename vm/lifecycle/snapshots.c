/*
 * The snapshots: directories with a snapshot.json, shared by all servers of a state directory.  The
 * contents are cached, because they never change.  The list is compared with the directory on each
 * request, and removed ones are freed when the loop runs again.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/lifecycle/lifecycle_impl.h"
#include "vm/lifecycle/metadata.h"

#include <string.h>

struct entry {
	TAILQ_ENTRY(entry) entry;
	struct vm_snapshot snapshot;
	struct metadata metadata;
	bool seen;
	bool bad; /* unreadable; logged once */
};
TAILQ_HEAD(entries, entry);

struct snapshots {
	struct entries all;  /* oldest first */
	struct entries gone; /* may still be in use */
	sd_event_source *teardown;
};

static void entry_free(struct entries *list, struct entry *e)
{
	TAILQ_REMOVE(list, e, entry);
	metadata_done(&e->metadata);
	free(e);
}

static void empty(struct entries *list)
{
	struct entry *e;
	while ((e = TAILQ_FIRST(list))) {
		entry_free(list, e);
	}
}

static struct snapshots *snapshots_of(struct vm_pool *pool)
{
	if (!lifecycle_pool(pool)->snapshots) {
		struct snapshots *s = lifecycle_pool(pool)->snapshots = must(calloc(1, sizeof(*s)));
		TAILQ_INIT(&s->all);
		TAILQ_INIT(&s->gone);
	}
	return lifecycle_pool(pool)->snapshots;
}

static void snapshots_free(struct vm_pool *pool)
{
	struct snapshots *s = lifecycle_pool(pool)->snapshots;
	if (s) {
		empty(&s->all);
		empty(&s->gone);
		loop_drop(&s->teardown);
		free(take_ptr(&lifecycle_pool(pool)->snapshots));
	}
}

const struct vm_part vm_snapshots_part = { .freed = snapshots_free };

/* ---- list ---- */

static struct entry *entry_find(struct snapshots *s, const char *id)
{
	struct entry *e;
	TAILQ_FOREACH(e, &s->all, entry)
	{
		if (strcmp(e->snapshot.id, id) == 0) {
			break;
		}
	}
	return e;
}

static bool is_before(const struct entry *a, const struct entry *b)
{
	int64_t at = a->snapshot.created, bt = b->snapshot.created;
	return at != bt ? at < bt : strcmp(a->snapshot.id, b->snapshot.id) < 0;
}

static void insert(struct snapshots *s, struct entry *e)
{
	struct entry *other = TAILQ_LAST(&s->all, entries);
	while (other && is_before(e, other)) {
		other = TAILQ_PREV(other, entries, entry);
	}
	if (other) {
		TAILQ_INSERT_AFTER(&s->all, other, e, entry);
	} else {
		TAILQ_INSERT_HEAD(&s->all, e, entry);
	}
}

static void entry_load(struct entry *e, const char *path)
{
	struct err err;
	struct vm_snapshot *snapshot = &e->snapshot;
	if (!metadata_read(path, METADATA_SNAPSHOT, snapshot->id, &e->metadata, &err)) {
		log_warning("snapshot=%s is unusable: %s", snapshot->id, err.text);
		e->bad = true;
		return;
	}
	snapshot->owner = e->metadata.owner;
	snapshot->name = e->metadata.name;
	snapshot->spec = e->metadata.spec;
	snapshot->source = e->metadata.source;
	snapshot->created = e->metadata.times.created;
	snapshot->bytes = state_bytes(path);
}

static void on_snapshot_dir(const char *id, const char *path, void *data)
{
	struct snapshots *s = data;
	struct entry *e = id_is_valid(id) ? entry_find(s, id) : NULL;
	if (!id_is_valid(id)) {
		return; /* not our decision */
	}
	if (!e) {
		e = must(calloc(1, sizeof(*e)));
		memcpy(e->snapshot.id, id, sizeof(e->snapshot.id));
		entry_load(e, path);
		insert(s, e);
	}
	e->seen = true;
}

static int on_teardown(sd_event_source *source, void *data)
{
	struct snapshots *s = data;
	(void)source;
	loop_drop(&s->teardown);
	empty(&s->gone);
	return 0;
}

static void tear_down(struct vm_pool *pool, struct entry *e)
{
	struct snapshots *s = lifecycle_pool(pool)->snapshots;
	TAILQ_REMOVE(&s->all, e, entry);
	TAILQ_INSERT_TAIL(&s->gone, e, entry);
	if (!s->teardown) {
		s->teardown = loop_defer(pool->event, on_teardown, s);
	}
}

/* NULL: the state directory is unusable.  Does not create it. */
static struct snapshots *look(struct vm_pool *pool, struct err *err)
{
	if (!pool->state && !state_is_there(pool->config.state_dir)) {
		return snapshots_of(pool);
	}
	struct state *state = vm_pool_state(pool, err);
	struct snapshots *s = state ? snapshots_of(pool) : NULL;
	struct entry *e, *next;
	if (!s) {
		return NULL;
	}
	TAILQ_FOREACH(e, &s->all, entry)
	{
		e->seen = false;
	}
	state_each(state, STATE_SNAPSHOTS, on_snapshot_dir, s);
	for (e = TAILQ_FIRST(&s->all); e; e = next) {
		next = TAILQ_NEXT(e, entry);
		if (!e->seen) {
			tear_down(pool, e);
		}
	}
	return s;
}

static bool is_of(const struct entry *e, const char *owner)
{
	return !e->bad && strcmp(e->snapshot.owner, owner) == 0;
}

static struct entry *find(struct snapshots *s, const char *owner, const char *word)
{
	struct entry *e;
	TAILQ_FOREACH(e, &s->all, entry)
	{
		const struct vm_snapshot *snapshot = &e->snapshot;
		if (is_of(e, owner) &&
			(strcmp(snapshot->id, word) == 0 ||
				(snapshot->name && strcmp(snapshot->name, word) == 0))) {
			break;
		}
	}
	return e;
}

/* ---- interface ---- */

static struct entry *find_or_fail(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	struct snapshots *s = look(pool, err);
	struct entry *e = s ? find(s, owner, id) : NULL;
	if (s && !e) {
		err_set(err, ERR_NOT_FOUND,
			"you have no snapshot '%.80s'; snapshot_list lists your snapshots", id);
	}
	return e;
}

const struct vm_snapshot *vm_snapshot_find(
	struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	const struct entry *e = find_or_fail(pool, owner, id, err);
	return e ? &e->snapshot : NULL;
}

const struct vm_snapshot *vm_snapshot_at(struct vm_pool *pool, const char *owner, size_t i)
{
	struct err err;
	struct entry *e;
	/* The first call updates the list, the others use it. */
	struct snapshots *s = i == 0 || !lifecycle_pool(pool)->snapshots
				      ? look(pool, &err)
				      : lifecycle_pool(pool)->snapshots;
	if (!s) {
		return NULL;
	}
	TAILQ_FOREACH(e, &s->all, entry)
	{
		if (is_of(e, owner) && i-- == 0) {
			return &e->snapshot;
		}
	}
	return NULL;
}

bool vm_snapshot_delete(struct vm_pool *pool, const char *owner, const char *id, struct err *err)
{
	struct entry *e = find_or_fail(pool, owner, id, err);
	if (!e) {
		return false;
	}
	log_info("snapshot=%s deleted", e->snapshot.id);
	state_remove(pool->state, STATE_SNAPSHOTS, e->snapshot.id);
	tear_down(pool, e);
	return true;
}

/* ---- creation ---- */

bool vm_snapshot_name_check(
	struct vm_pool *pool, const char *owner, const char *name, struct err *err)
{
	size_t len = strlen(name);
	struct snapshots *s = look(pool, err);
	if (!s) {
		return false;
	}
	if (len < 1 || len > VM_SNAPSHOT_NAME_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"a snapshot's name must have 1 to %d bytes; got %zu", VM_SNAPSHOT_NAME_MAX,
			len);
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f) {
			return err_set(err, ERR_ARGUMENT,
				"a snapshot's name must not contain control characters");
		}
	}
	if (id_is_valid(name)) {
		return err_set(err, ERR_ARGUMENT,
			"'%s' has the form of an id and cannot be a snapshot's name; use another "
			"name",
			name);
	}
	return !find(s, owner, name) ||
	       err_set(err, ERR_ARGUMENT,
		       "you already have a snapshot '%s'; use another name, or delete it first",
		       name);
}

bool vm_snapshot_write(
	struct vm *vm, const char *dir, const char *id, const char *name, struct err *err)
{
	const struct vm_core *core = vm->core;
	if (name && !vm_snapshot_name_check(vm->pool, core->owner, name, err)) {
		return false;
	}
	struct metadata metadata = {
		.id = id,
		.owner = core->owner,
		.backend = vm->backend->name,
		.name = name,
		.source = vm->id,
		.times.created = clock_wall_ms(),
		.spec = core->spec,
	};
	return metadata_write(dir, METADATA_SNAPSHOT, &metadata, err);
}

static bool has_other(struct snapshots *s, const struct entry *of)
{
	struct entry *e;
	TAILQ_FOREACH(e, &s->all, entry)
	{
		if (e != of && is_of(e, of->snapshot.owner) && e->snapshot.name &&
			strcmp(e->snapshot.name, of->snapshot.name) == 0) {
			return true;
		}
	}
	return false;
}

const struct vm_snapshot *vm_snapshot_added(struct vm_pool *pool, const char *id, struct err *err)
{
	struct snapshots *s = look(pool, err);
	struct entry *e = s ? entry_find(s, id) : NULL;
	if (s && (!e || e->bad)) {
		err_set(err, ERR_HOST, "cannot read the new snapshot %s", id);
		return NULL;
	}
	/* Two may have been written at the same time, even by two servers. */
	if (e && e->snapshot.name && has_other(s, e)) {
		err_set(err, ERR_ARGUMENT,
			"another snapshot was given the name '%s' in the meantime; use another "
			"name",
			e->snapshot.name);
		return NULL;
	}
	return e ? &e->snapshot : NULL;
}
