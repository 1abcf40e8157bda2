/*
 * filesystem.Filesystem: CreateWatcher, GetWatcherEvents, RemoveWatcher.  A watcher keeps the changes
 * in a directory between two calls of a client that holds no stream.  It ends with its sandbox, or
 * after a while without a call; after a pause, the next call starts it again.  The events of one call include everything that happened before it:
 * the sandbox is asked first.
 */
#include "server/e2b/envd/watcher.h"

#include "base/cleanup.h"
#include "base/id.h"
#include "base/loop.h"
#include "server/e2b/envd/filesystem.h"
#include "server/e2b/envd/proto.h"
#include "server/e2b/envd/rpc.h"
#include "server/e2b/envd/services.h"
#include "server/e2b/envd/watch.h"
#include "vm/guest/files.h"

#include <stdio.h>
#include <string.h>

#define PER_SANDBOX 64
#define PER_OWNER 256
#define IDLE_MS (10 * 60 * 1000)
#define EVENTS_BEGIN "{\"events\":["
#define EVENTS_MAX (4u << 20)       /* bytes that a watcher keeps */
#define EVENTS_OF_OWNER (16u << 20) /* and all of an owner, about */
#define EVENTS_STEP (64u << 10)

/* A call that waits for the events, or for the start. */
struct waiter {
	STAILQ_ENTRY(waiter) entry;
	struct rpc *rpc; /* NULL: its client has gone */
};

struct watcher {
	TAILQ_ENTRY(watcher) entry;
	struct envd_watchers *all;
	char id[ID_LEN + 1];
	char vm[ID_LEN + 1];
	char *owner;
	char *path, *user; /* user: NULL: the desktop's */
	bool recursive, entries;
	struct file_rows *rows; /* NULL: it sleeps, or nothing more happens in the directory */
	STAILQ_HEAD(, waiter) waiters;
	struct buf events; /* the beginning of the next answer */
	bool known;        /* its id was told */
	bool started;      /* the watch stands */
	bool sleeps;       /* the sandbox was paused */
	bool lost;
	sd_event_source *idle;
};

struct envd_watchers {
	TAILQ_HEAD(, watcher) list;
};

/* ---- the calls that wait ---- */

static void on_rpc_closed(struct rpc *rpc)
{
	struct waiter *waiter = rpc->data;
	if (waiter) {
		waiter->rpc = NULL;
	}
}

static void add_waiter(struct watcher *w, struct rpc *rpc)
{
	struct waiter *waiter = must(calloc(1, sizeof(*waiter)));
	waiter->rpc = rpc;
	rpc->data = waiter;
	rpc->closed = on_rpc_closed;
	STAILQ_INSERT_TAIL(&w->waiters, waiter, entry);
}

/* The first; NULL: there is none, or its client has gone. */
static struct rpc *take_waiter(struct watcher *w)
{
	struct waiter *waiter = STAILQ_FIRST(&w->waiters);
	struct rpc *rpc = waiter ? waiter->rpc : NULL;
	if (waiter) {
		STAILQ_REMOVE_HEAD(&w->waiters, entry);
		free(waiter);
	}
	if (rpc) {
		rpc->data = NULL;
	}
	return rpc;
}

static void fail_waiters(struct watcher *w, const struct err *err)
{
	while (!STAILQ_EMPTY(&w->waiters)) {
		struct rpc *rpc = take_waiter(w);
		if (rpc) {
			rpc_fail_err(rpc, err);
		}
	}
}

/* ---- a watcher ---- */

static void watcher_free(struct watcher *w, const struct err *why)
{
	file_rows_close(take_ptr(&w->rows));
	fail_waiters(w, why);
	TAILQ_REMOVE(&w->all->list, w, entry);
	loop_drop(&w->idle);
	buf_done(&w->events);
	free(w->owner);
	free(w->path);
	free(w->user);
	free(w);
}

static bool not_found(struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "the watcher was not found");
}

static int on_idle(sd_event_source *source, uint64_t usec, void *data)
{
	struct err why;
	(void)source, (void)usec;
	not_found(&why);
	watcher_free(data, &why);
	return 0;
}

static void is_used(struct watcher *w, sd_event *event)
{
	loop_drop(&w->idle);
	w->idle = loop_after_ms(event, IDLE_MS, on_idle, w);
}

static void reply_events(struct watcher *w, struct rpc *rpc)
{
	if (w->lost) {
		rpc_fail(rpc, CONNECT_INTERNAL,
			"events were lost, because there were too many since the last call");
	} else {
		buf_printf(&w->events, "%s]}", w->events.len ? "" : EVENTS_BEGIN);
		http_reply(rpc->r->x, 200, "application/json", w->events.data, w->events.len);
	}
	buf_done(&w->events);
	w->lost = false;
}

static void reply_all(struct watcher *w)
{
	while (!STAILQ_EMPTY(&w->waiters)) {
		struct rpc *rpc = take_waiter(w);
		if (rpc) {
			reply_events(w, rpc);
		}
	}
}

/* ---- what happens in the directory ---- */

/* Looked at once in a while: an owner may have many watchers. */
static bool owner_has_room(const struct watcher *w, size_t more)
{
	const struct watcher *other;
	size_t held = 0;
	if ((w->events.len + more) / EVENTS_STEP == w->events.len / EVENTS_STEP) {
		return true;
	}
	TAILQ_FOREACH(other, &w->all->list, entry)
	{
		held += strcmp(other->owner, w->owner) == 0 ? other->events.len : 0;
	}
	return held <= EVENTS_OF_OWNER;
}

static void on_row(const void *row, void *data)
{
	struct watcher *w = data;
	const struct msg_file_change *change = row;
	json_auto_t *event = watch_event(change);
	auto_free char *text = event ? must(json_dumps(event, JSON_COMPACT)) : NULL;
	size_t len = text ? strlen(text) : 0;
	w->lost = w->lost || change->change == FILE_LOST || w->events.len + len > EVENTS_MAX ||
		  !owner_has_room(w, len);
	if (w->lost) {
		buf_done(&w->events);
	} else if (text) {
		buf_printf(&w->events, "%s%s", w->events.len ? "," : EVENTS_BEGIN, text);
	}
}

/* Those that wait for events of one that was asleep have them now. */
static void on_started(void *data)
{
	struct watcher *w = data;
	struct rpc *rpc = w->known ? NULL : take_waiter(w);
	struct err nobody;
	if (!w->known && !rpc) { /* its client has gone without its id */
		not_found(&nobody);
		watcher_free(w, &nobody);
		return;
	}
	if (rpc) {
		rpc_reply(rpc, must(json_pack("{s:s}", "watcherId", w->id)));
	}
	w->started = w->known = true;
	reply_all(w);
}

static void on_synced(void *data)
{
	struct watcher *w = data;
	struct rpc *rpc = w->started ? take_waiter(w) : NULL;
	if (rpc) {
		reply_events(w, rpc);
	}
}

/* What happened before the directory was removed is still told. */
static void on_end(const void *answer, const struct err *err, void *data)
{
	struct watcher *w = data;
	struct err over;
	(void)answer;
	w->rows = NULL;
	w->started = false;
	if (!err) {
		err_set(&over, ERR_HOST, "the sandbox has ended the watch");
		err = &over;
	}
	w->sleeps = w->known && err->kind == ERR_GONE;
	if (w->sleeps) {
		fail_waiters(w, err);
	} else if (w->known && err->kind == ERR_NOT_FOUND) {
		reply_all(w);
	} else {
		watcher_free(w, err);
	}
}

static void open_rows(struct watcher *w, struct guest *guest)
{
	static const struct file_rows_handlers handlers = {
		.row = on_row, .started = on_started, .synced = on_synced, .end = on_end
	};
	const struct msg_file_watch args = { .path = w->path,
		.recursive = w->recursive,
		.entries = w->entries,
		.xattrs = w->entries,
		.user = w->user,
		.privileged = filesystem_is_far(w->path) };
	w->sleeps = false;
	/* A watcher of its own is no use of the sandbox. */
	w->rows = file_rows_open(
		guest, &message_file_watch, &args, 0, GUEST_ASKER_VIEWER, &handlers, w);
}

/* ---- CreateWatcher ---- */

/* Of sandboxes that ended while they were paused. */
static void forget_gone(struct e2b *e2b)
{
	struct watcher *w, *next;
	struct err gone;
	for (w = TAILQ_FIRST(&e2b->watchers->list); w; w = next) {
		next = TAILQ_NEXT(w, entry);
		if (w->sleeps && !vm_find(e2b->vms, w->owner, w->vm, &gone)) {
			watcher_free(w, &gone);
		}
	}
}

static bool has_room(const struct e2b_request *r, struct err *err)
{
	const struct watcher *w;
	size_t of_sandbox = 0, of_owner = 0;
	TAILQ_FOREACH(w, &r->e2b->watchers->list, entry)
	{
		of_sandbox += strcmp(w->vm, vm_id(r->vm)) == 0;
		of_owner += strcmp(w->owner, r->owner) == 0;
	}
	return (of_sandbox < PER_SANDBOX && of_owner < PER_OWNER) ||
	       err_set(err, ERR_LIMIT,
		       "there are %zu watchers of this sandbox and %zu of its owner; at most %d and "
		       "%d are possible: remove one",
		       of_sandbox, of_owner, PER_SANDBOX, PER_OWNER);
}

static struct watcher *watcher_new(struct rpc *rpc, const struct watch_request *request)
{
	struct watcher *w = must(calloc(1, sizeof(*w)));
	const char *user = rpc_user(rpc);
	w->all = rpc->r->e2b->watchers;
	snprintf(w->vm, sizeof(w->vm), "%s", vm_id(rpc->r->vm));
	w->owner = must(strdup(rpc->r->owner));
	w->path = must(strdup(filesystem_path(request->path)));
	w->user = user ? must(strdup(user)) : NULL;
	w->recursive = request->recursive;
	w->entries = request->include_entry;
	id_make(w->id);
	STAILQ_INIT(&w->waiters);
	TAILQ_INSERT_TAIL(&w->all->list, w, entry);
	is_used(w, rpc->r->e2b->event);
	add_waiter(w, rpc);
	return w;
}

static void use_list(struct e2b *e2b)
{
	if (!e2b->watchers) {
		e2b->watchers = must(calloc(1, sizeof(*e2b->watchers)));
		TAILQ_INIT(&e2b->watchers->list);
	}
}

static void run_create(struct rpc *rpc, const json_t *body)
{
	struct watch_request request;
	struct err err;
	use_list(rpc->r->e2b);
	forget_gone(rpc->r->e2b);
	if (!proto_decode(watch_request_fields, body, &rpc->kept, &request, &err) ||
		!has_room(rpc->r, &err)) {
		return rpc_fail_err(rpc, &err);
	}
	open_rows(watcher_new(rpc, &request), rpc->guest);
}

/* ---- the others ---- */

struct named {
	const char *watcher_id;
};
static const struct field named_fields[] = {
	FIELD_STR(struct named, watcher_id, "Of the watcher.", .required = true, .max = 100),
	{ 0 },
};

/* NULL: the call was refused. */
static struct watcher *find(struct rpc *rpc, const json_t *body)
{
	struct named named;
	struct err err;
	struct watcher *w;
	use_list(rpc->r->e2b);
	if (!proto_decode(named_fields, body, &rpc->kept, &named, &err)) {
		rpc_fail_err(rpc, &err);
		return NULL;
	}
	TAILQ_FOREACH(w, &rpc->r->e2b->watchers->list, entry)
	{
		if (w->known && strcmp(w->vm, vm_id(rpc->r->vm)) == 0 &&
			strcmp(w->id, named.watcher_id) == 0) {
			return w;
		}
	}
	not_found(&err);
	rpc_fail_err(rpc, &err);
	return NULL;
}

static void run_get_events(struct rpc *rpc, const json_t *body)
{
	struct watcher *w = find(rpc, body);
	if (!w) {
		return;
	}
	is_used(w, rpc->r->e2b->event);
	if (w->sleeps) {
		add_waiter(w, rpc);
		open_rows(w, rpc->guest);
	} else if (!w->rows) {
		reply_events(w, rpc);
	} else if (!w->started || file_rows_sync(w->rows)) {
		add_waiter(w, rpc);
	} else {
		rpc_fail(rpc, CONNECT_RESOURCE_EXHAUSTED, "too many calls wait for this watcher");
	}
}

static void run_remove(struct rpc *rpc, const json_t *body)
{
	struct watcher *w = find(rpc, body);
	struct err why;
	if (w) {
		not_found(&why);
		watcher_free(w, &why);
		rpc_reply(rpc, must(json_object()));
	}
}

void envd_watchers_free(struct envd_watchers *watchers)
{
	struct err why;
	while (watchers && !TAILQ_EMPTY(&watchers->list)) {
		not_found(&why);
		watcher_free(TAILQ_FIRST(&watchers->list), &why);
	}
	free(watchers);
}

const struct rpc_method watcher_methods[] = {
	{ "/filesystem.Filesystem/CreateWatcher", .run = run_create },
	{ "/filesystem.Filesystem/GetWatcherEvents", .run = run_get_events },
	{ "/filesystem.Filesystem/RemoveWatcher", .run = run_remove },
	{ 0 },
};
