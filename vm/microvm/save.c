/*
 * Saving: a thread first opens everything and allocates memory.  Then QEMU stops the VM and writes
 * its devices into a memory file, a thread copies the changed pages, and the VM continues; both are
 * written to disk while it runs.  The VM continues after any failure.
 *
 * A hostile guest may control QEMU, so it never gets a file of the state directory to write: it
 * could write to it later.  Its output is copied, within bounds.
 */
#include "vm/microvm/save.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/work.h"
#include "vm/microvm/manifest.h"
#include "vm/microvm/qmp.h"
#include "vm/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define FDSET 7001 /* a number that QEMU's command line does not use */

struct machine_save {
	struct machine machine;
	char *dir, *key;
	bool last;
	machine_fn *fn;
	void *data;
	int dir_fd;
	int devices, devices_out; /* the memory file that QEMU writes; the same, write-only */
	struct pages_process process;
	struct pages_copy copy;
	unsigned pending;                     /* number of commands */
	void (*next)(struct machine_save *s); /* when none is pending */
	bool working, dropped, on_its_way;
	uint64_t stop_us, stopped_us, bytes;
	struct err err; /* the first error; used by the thread while that runs */
};

static void free_save(struct machine_save *s)
{
	pages_copy_done(&s->copy);
	pages_detach(&s->process);
	cleanup_close(&s->devices);
	cleanup_close(&s->devices_out);
	cleanup_close(&s->dir_fd);
	ram_unref(s->machine.ram);
	free(s->dir);
	free(s->key);
	free(s);
}

static bool has_failed(const struct machine_save *s)
{
	return s->err.kind != ERR_NONE;
}

static void conclude(struct machine_save *s)
{
	struct err err = s->err;
	machine_fn *fn = s->fn;
	void *data = s->data;
	if (has_failed(s)) {
		err_while(&err, "cannot save the VM");
	} else {
		log_info("sandbox=%s saved: stopped for %.1f ms, %llu KiB of memory changed",
			s->machine.id, (double)s->stopped_us / 1000,
			(unsigned long long)s->bytes >> 10);
	}
	free_save(s);
	fn(err.kind == ERR_NONE ? NULL : &err, data);
}

/* ---- steps: QEMU commands, and work in a thread ---- */

static void on_reply(const json_t *ret, const struct err *err, void *data)
{
	struct machine_save *s = data;
	(void)ret;
	if (err && !has_failed(s)) {
		s->err = *err;
	}
	if (--s->pending == 0) {
		s->next(s);
	}
}

static void command(struct machine_save *s, const char *name, json_t *args, int fd)
{
	s->pending++;
	if (fd >= 0) {
		qmp_command_fd(s->machine.qmp, name, args, fd, on_reply, s);
	} else {
		qmp_command(s->machine.qmp, name, args, on_reply, s);
	}
}

static void on_worked(void *data)
{
	struct machine_save *s = data;
	s->working = false;
	if (s->dropped) {
		free_save(s);
	} else {
		s->next(s);
	}
}

static void work(struct machine_save *s, work_fn *fn, void (*next)(struct machine_save *s))
{
	s->working = true;
	s->next = next;
	work_run(s->machine.event, fn, on_worked, s);
}

/* ---- from the last step to the first ---- */

static bool copy_devices(struct machine_save *s)
{
	struct stat st;
	if (!saved_check_devices(s->devices, "QEMU's device state", &s->err)) {
		return false;
	}
	auto_close int to =
		openat(s->dir_fd, SAVED_DEVICES, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	off_t at = 0;
	ssize_t n = -1;
	while (to >= 0 && fstat(s->devices, &st) == 0 && at < st.st_size &&
		at < SAVED_DEVICES_MAX &&
		(n = sendfile(to, s->devices, &at, SAVED_DEVICES_MAX - (size_t)at)) > 0) {
	}
	return n > 0 || err_errno(&s->err, "cannot write the device state to disk");
}

static bool write_pages(struct machine_save *s)
{
	char name[16];
	layers_name(ram_layers(s->machine.ram), name);
	auto_close int out = openat(s->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return out >= 0 ? pages_copy_write(&s->copy, s->process.bytes / PAGES_SIZE,
				  ram_id(s->machine.ram), out, &s->bytes, &s->err)
			: err_errno(&s->err, "cannot create %s/%s", s->dir, name);
}

static void finish_in_thread(void *data)
{
	struct machine_save *s = data;
	struct saved_files files = {
		.version = SAVED_VERSION,
		.mib = ram_mib(s->machine.ram),
		.layers = ram_layers(s->machine.ram) + 1,
		.key = s->key,
	};
	json_auto_t *json = saved_files_to_json(&files);
	if (write_pages(s) && copy_devices(s)) {
		(void)!state_write_json(s->dir, SAVED_JSON, json, &s->err);
	}
}

/* The last save, which failed: the VM must continue. */
static void on_finished(struct machine_save *s)
{
	if (s->last && has_failed(s)) {
		s->next = conclude;
		command(s, "cont", NULL, -1);
	} else {
		conclude(s);
	}
}

static void on_going(struct machine_save *s)
{
	s->stopped_us = loop_now_us() - s->stop_us;
	if (has_failed(s)) {
		conclude(s);
	} else {
		work(s, finish_in_thread, on_finished);
	}
}

static void go_on(struct machine_save *s)
{
	s->next = on_going;
	command(s, "remove-fd", json_pack("{s:i}", "fdset-id", FDSET), -1);
	if (!s->last || has_failed(s)) {
		command(s, "cont", NULL, -1);
	}
}

static void copy_in_thread(void *data)
{
	struct machine_save *s = data;
	(void)!pages_copy_take(&s->process, s->dir, &s->copy, &s->err);
}

static void on_stopped(struct machine_save *s)
{
	if (has_failed(s)) {
		go_on(s);
	} else {
		work(s, copy_in_thread, go_on);
	}
}

/* QEMU executes them in this order, without waiting for us in between. */
static void stop(struct machine_save *s)
{
	if (has_failed(s)) {
		conclude(s);
		return;
	}
	char path[40];
	snprintf(path, sizeof(path), "/dev/fdset/%d", FDSET);
	s->next = on_stopped;
	s->stop_us = loop_now_us();
	command(s, "add-fd", json_pack("{s:i}", "fdset-id", FDSET), s->devices_out);
	command(s, "stop", NULL, -1);
	command(s, "xen-save-devices-state", json_pack("{s:s, s:b}", "filename", path, "live", 1),
		-1);
}

/* QEMU searches a set for a descriptor with exactly the required access. */
static bool open_for_writing(int fd, int *ret_out)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*ret_out = open(path, O_WRONLY | O_CLOEXEC);
	return *ret_out >= 0;
}

static void prepare_in_thread(void *data)
{
	struct machine_save *s = data;
	const struct pages_file file = ram_file(s->machine.ram);
	if (ram_layers(s->machine.ram) >= RAM_LAYERS_MAX) {
		err_set(&s->err, ERR_LIMIT, "its memory already has %d layers", RAM_LAYERS_MAX);
		return;
	}
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->devices = memfd_create("vitrine-devices", MFD_CLOEXEC);
	if (s->dir_fd < 0 || s->devices < 0 || !open_for_writing(s->devices, &s->devices_out)) {
		err_errno(&s->err, "cannot prepare to write %s", s->dir);
		return;
	}
	(void)!(pages_attach(&s->process, s->machine.pid, &file, &s->err) &&
		ram_link(s->machine.ram, s->dir, &s->err) &&
		pages_copy_prepare(&s->process, s->dir, &s->copy, &s->err));
}

struct machine_save *machine_save(
	const struct machine *machine, const char *dir, bool last, machine_fn *fn, void *data)
{
	struct machine_save *s = must(malloc(sizeof(*s)));
	*s = (struct machine_save){
		.machine = *machine,
		.dir = must(strdup(dir)),
		.key = must(strdup(machine->key)),
		.last = last,
		.fn = fn,
		.data = data,
		.dir_fd = -1,
		.devices = -1,
		.devices_out = -1,
		.process = { .memory = -1, .map = -1 },
	};
	ram_ref(machine->ram);
	work(s, prepare_in_thread, stop);
	return s;
}

void machine_save_drop(struct machine_save *s)
{
	if (s && s->working) {
		s->dropped = true;
	} else if (s) {
		free_save(s);
	}
}

void machine_save_clean(struct qmp *qmp)
{
	qmp_command(qmp, "remove-fd", json_pack("{s:i}", "fdset-id", FDSET), NULL, NULL);
}
