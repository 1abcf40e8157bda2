/*
 * Reattaching to a VM of an earlier server.
 *
 * Its sockets listen in the sandbox's directory and vm/microvm/process_identity.h identifies its
 * process.  What else is needed to save it is in machine/: the memory file that its RAM maps, links
 * to the layers in that file, and the key of what it was started as.
 *
 * The earlier server may have been killed at any moment: while the VM was stopped for a save, or in
 * the middle of a message.  Therefore the VM is resumed first.  The link is connected after a delay
 * in which the agent notices that the host is gone and drops what it had received.
 */

#include "vm/microvm/microvm.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/work.h"
#include "vm/confine/cgroup.h"
#include "vm/microvm/process_identity.h"
#include "vm/microvm/sockets.h"
#include "vm/state/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#define DIR_NAME "machine"
#define FILE_NAME "adopt.json"
#define NOTICE_MS 100 /* for the agent to notice that the port was closed */

struct remembered {
	const char *key;
	const json_t *ram;
	bool emulated;
};

static const struct field fields[] = {
	FIELD_STR(struct remembered, key, "Key of what it was started as.", .required = true,
		.min = 1, .max = 120),
	FIELD_JSON(struct remembered, ram, "vm/memory/ram.h knows.", .required = true),
	FIELD_FLAG(struct remembered, emulated, "Whether its CPU is emulated."),
	{ 0 },
};

/* ---- metadata for a later server ---- */

struct remembering {
	char *dir;
	struct ram *ram;
	json_t *json;
	bool done;
	struct err err;
};

/* In a thread: layers without names are copied. */
static void put_down(void *data)
{
	struct remembering *r = data;
	r->done = (mkdir(r->dir, 0700) == 0 ||
			  state_errno(&r->err, "cannot create the directory %s", r->dir)) &&
		  ram_link(r->ram, r->dir, &r->err) &&
		  state_write_json(r->dir, FILE_NAME, r->json, &r->err);
}

static void on_put_down(void *data)
{
	struct remembering *r = data;
	if (!r->done && r->err.sys != ENOENT) { /* otherwise the sandbox has been deleted */
		log_warning("a later server cannot reattach to it: %s", r->err.text);
	}
	ram_unref(r->ram);
	json_decref(r->json);
	free(r->dir);
	free(r);
}

static char *dir_of(const struct vm *vm)
{
	char *dir;
	if (asprintf(&dir, "%s/" DIR_NAME, vm->dir) < 0) {
		abort();
	}
	return dir;
}

void microvm_remember(struct microvm *m)
{
	struct vm *vm = &m->vm;
	struct err err;
	struct state *state = vm_pool_state(vm->pool, &err);
	struct remembering *r = must(calloc(1, sizeof(*r)));
	json_auto_t *ram = ram_to_json(m->ram);
	if (state) { /* metadata of the previous VM */
		state_remove_in(state, STATE_SANDBOXES, vm->id, DIR_NAME);
	}
	r->dir = dir_of(vm);
	r->ram = ram_ref(m->ram);
	r->json = field_encode(fields, &(struct remembered){ m->boot.fit, ram, vm->is_emulated });
	work_run(vm_pool_event(vm->pool), put_down, on_put_down, r);
}

static bool recall(struct microvm *m, struct err *err)
{
	struct remembered r;
	auto_free char *dir = dir_of(&m->vm);
	json_auto_t *json = state_read_json(dir, FILE_NAME, err);
	if (!json || !field_decode(fields, json, &r, err)) {
		return false;
	}
	m->vm.is_emulated = r.emulated;
	m->ram = ram_reattach(dir, r.ram, err);
	m->boot.fit = m->ram ? must(strdup(r.key)) : NULL;
	return m->ram != NULL;
}

/* ---- reattaching ---- */

static int on_end(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct microvm *m = data;
	(void)source;
	(void)fd;
	(void)events;
	loop_drop(&m->end);
	microvm_has_ended(m, NULL);
	return 0;
}

static int on_relink(sd_event_source *source, uint64_t usec, void *data)
{
	struct microvm *m = data;
	auto_sockets struct sockets sockets = NO_SOCKETS;
	struct err err;
	(void)source;
	(void)usec;
	loop_drop(&m->relink);
	if (sockets_connect(&sockets, m->vm.dir, SOCKET_LINK, &err)) {
		vm_has_link(&m->vm, take_fd(&sockets.connected[SOCKET_LINK]));
	} else {
		microvm_kill_because(m, &err);
	}
	return 0;
}

void microvm_relink(struct vm *vm, uint64_t after_ms)
{
	struct microvm *m = microvm_of(vm);
	loop_drop(&m->relink);
	m->relink = loop_after_ms(vm_pool_event(vm->pool), after_ms, on_relink, m);
}

/* Descriptors of an interrupted save would be found by the next one; they are removed only while
 * the VM runs. */
static void on_running(const json_t *ret, const struct err *err, void *data)
{
	struct microvm *m = data;
	(void)ret;
	if (err && err->kind != ERR_GONE) {
		microvm_kill_because(m, err);
	} else if (!err) {
		machine_save_clean(m->qmp);
		microvm_relink(&m->vm, NOTICE_MS);
	}
}

static void on_status(const json_t *ret, const struct err *err, void *data)
{
	struct microvm *m = data;
	const char *status = json_string_value(json_object_get(ret, "status"));
	struct err why;
	if (err) {
		if (err->kind != ERR_GONE) { /* otherwise its end has the reason */
			microvm_kill_because(m, err);
		}
	} else if (status && (strcmp(status, "running") == 0 || strcmp(status, "paused") == 0)) {
		qmp_command(m->qmp, "cont", NULL, on_running, m);
	} else {
		err_set(&why, ERR_GONE, "its VM had not started yet (%.40s)",
			status ? status : "no state given");
		microvm_kill_because(m, &why);
	}
}

static bool connect_to_it(struct microvm *m, struct err *err)
{
	sd_event *event = vm_pool_event(m->vm.pool);
	auto_sockets struct sockets sockets = NO_SOCKETS;
	if (!sockets_connect(&sockets, m->vm.dir, SOCKET_QMP, err) ||
		!sockets_connect(&sockets, m->vm.dir, SOCKET_CONSOLE, err)) {
		return false;
	}
	console_add(&m->console, event, take_fd(&sockets.connected[SOCKET_CONSOLE]));
	m->qmp = qmp_new(event, take_fd(&sockets.connected[SOCKET_QMP]), QMP_LIMIT_MS,
		&microvm_monitor_handlers, m);
	m->end = loop_add_io(event, m->pidfd, EPOLLIN, on_end, m);
	m->running = true;
	qmp_command(m->qmp, "query-status", NULL, on_status, m);
	return true;
}

bool microvm_reattach(struct vm *vm, struct err *err)
{
	struct microvm *m = microvm_of(vm);
	struct err none;
	microvm_init(m);
	m->pidfd = process_find(vm->dir, &m->pid);
	if (m->pidfd < 0) {
		return err_set(err, ERR_GONE, "its VM has ended");
	}
	if (!recall(m, err) || !connect_to_it(m, err)) {
		return err_while(err, "cannot reattach to its VM");
	}
	const char *group = cgroup_delegated(&none);
	m->cgroup = group ? must(strdup(group)) : NULL;
	return true;
}

void microvm_leave(struct vm *vm)
{
	struct microvm *m = microvm_of(vm);
	microvm_forget_channels(m);
	loop_drop(&m->end);
	m->running = false;
	free(take_ptr(&m->cgroup)); /* which continues, too */
}

/* ---- abandoned VMs ---- */

bool microvm_is_left(const char *dir, const char *id)
{
	auto_close int process = process_find(dir, NULL);
	(void)id;
	return process >= 0;
}

bool microvm_reap(const char *dir, const char *id)
{
	bool noted = process_kill(dir), named = process_kill_named(id);
	return noted || named;
}
