/*
 * Loads a saved VM: the layers of RAM are read into a memory file (unless they are in memory), QEMU
 * starts on it and waits; a thread copies the pages of the top layer into its memory, QEMU loads
 * the devices, reports it by an event, and the VM continues.
 */
#include "vm/microvm/save.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/work.h"
#include "vm/microvm/manifest.h"
#include "vm/microvm/qmp.h"
#include "vm/state/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FD_NAME "vitrine-devices"

struct saved {
	char *dir, *key;
	machine_fn *fn; /* of the operation in progress */
	void *data;
	struct ram_open *opening;
	struct ram *ram;
	struct pages *top;
	int devices;

	struct machine machine;
	uint64_t begin_us;
	unsigned pending; /* number of commands */
	void (*next)(struct saved *s);
	bool working, closed, loading, loaded;
	struct err err; /* the first error; used by the thread while that runs */
};

static void free_saved(struct saved *s)
{
	cleanup_close(&s->devices);
	pages_unref(s->top);
	ram_unref(s->ram);
	free(s->dir);
	free(s->key);
	free(s);
}

void saved_close(struct saved *s)
{
	if (!s) {
		return;
	}
	ram_open_cancel(s->opening);
	if (s->working) {
		s->closed = true;
	} else {
		free_saved(s);
	}
}

struct ram *saved_ram(const struct saved *saved)
{
	return saved->ram;
}

/* ---- opening ---- */

/* The contents of machine.json, and the files present. */
static bool check_files(const struct saved_files *files, const char *key, int64_t mib,
	unsigned layers, struct err *err)
{
	if (strcmp(files->key, key) != 0) {
		return err_set(err, ERR_STATE,
			"it was saved with another QEMU, CPU, image or size (%.60s) than the "
			"current one (%.60s)",
			files->key, key);
	}
	return (files->mib == mib && files->layers == layers) ||
	       err_set(err, ERR_HOST,
		       "it is damaged: expected %lld MiB of memory in %lld layers, found %lld in "
		       "%u",
		       (long long)files->mib, (long long)files->layers, (long long)mib, layers);
}

/* The device state, opened; -1. */
static int open_files(
	const char *dir, const char *key, int64_t mib, unsigned layers, struct err *err)
{
	auto_free char *path = NULL;
	struct saved_files files;
	json_auto_t *json = state_read_json(dir, SAVED_JSON, err);
	if (!json || !saved_files_from_json(json, &files, err) ||
		!check_files(&files, key, mib, layers, err)) {
		return -1;
	}
	if (asprintf(&path, "%s/%s", dir, SAVED_DEVICES) < 0) {
		abort();
	}
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		err_errno(err, "cannot open %s", path);
		return -1;
	}
	return saved_check_devices(fd, path, err) ? take_fd(&fd) : -1;
}

static bool unusable(struct err *err)
{
	return err_while(err, "the saved VM is unusable");
}

bool saved_check(const char *dir, const char *key, struct err *err)
{
	int64_t mib;
	unsigned layers;
	if (!layers_check(dir, &mib, &layers, err)) {
		return unusable(err);
	}
	auto_close int devices = open_files(dir, key, mib, layers, err);
	return devices >= 0 || unusable(err);
}

static void on_ram(struct ram *ram, struct pages *top, const struct err *why, void *data)
{
	struct saved *s = data;
	struct err err = why ? *why : (struct err){ 0 };
	s->opening = NULL;
	s->ram = ram;
	s->top = top;
	if (!why) {
		s->devices = open_files(
			s->dir, s->key, ram_mib(ram), ram_layers(ram) + (top ? 1 : 0), &err);
	}
	if (s->devices < 0) {
		unusable(&err);
	}
	s->fn(s->devices < 0 ? &err : NULL, s->data);
}

struct saved *saved_open(
	sd_event *event, const char *dir, const char *key, machine_fn *fn, void *data)
{
	struct saved *s = must(malloc(sizeof(*s)));
	*s = (struct saved){
		.dir = must(strdup(dir)),
		.key = must(strdup(key)),
		.fn = fn,
		.data = data,
		.devices = -1,
	};
	s->opening = ram_open(event, dir, on_ram, s);
	return s;
}

/* ---- loading: QEMU commands and a thread; each step starts when the previous one has ended
 * ---- */

static void conclude(struct saved *s)
{
	struct err err = s->err;
	s->loading = false;
	if (err.kind == ERR_NONE) {
		log_info("sandbox=%s loaded in %.1f ms", s->machine.id,
			(double)(loop_now_us() - s->begin_us) / 1000);
		s->fn(NULL, s->data);
	} else {
		err_while(&err, "cannot load the VM");
		s->fn(&err, s->data);
	}
}

static void step(struct saved *s)
{
	if (s->pending > 0 || s->working) {
		return;
	}
	if (s->err.kind != ERR_NONE) {
		conclude(s);
	} else {
		s->next(s);
	}
}

static void on_reply(const json_t *ret, const struct err *err, void *data)
{
	struct saved *s = data;
	(void)ret;
	s->pending--;
	if (err && s->err.kind == ERR_NONE) {
		s->err = *err;
	}
	step(s);
}

static void command(struct saved *s, const char *name, json_t *args)
{
	s->pending++;
	qmp_command(s->machine.qmp, name, args, on_reply, s);
}

static void go_on(struct saved *s)
{
	if (!s->loaded) {
		return; /* until saved_event() */
	}
	s->next = conclude;
	command(s, "cont", NULL);
}

static void load_devices(struct saved *s)
{
	s->next = go_on;
	command(s, "migrate-incoming", json_pack("{s:s}", "uri", "fd:" FD_NAME));
}

void saved_event(struct saved *s, const char *name, const json_t *values)
{
	const char *status = json_string_value(json_object_get(values, "status"));
	if (!s || !s->loading || s->next != go_on || strcmp(name, "MIGRATION") != 0 || !status) {
		return;
	}
	s->loaded = strcmp(status, "completed") == 0;
	if (strcmp(status, "failed") == 0) {
		err_set(&s->err, ERR_HOST, "QEMU refused the device state");
	} else if (!s->loaded) {
		return;
	}
	step(s);
}

static void put_in_thread(void *data)
{
	struct saved *s = data;
	const struct pages_file file = ram_file(s->ram);
	struct pages_process process;
	if (pages_attach(&process, s->machine.pid, &file, &s->err)) {
		(void)!pages_load(s->top, process.memory, process.start, &s->err);
		pages_detach(&process);
	}
}

static void on_put(void *data)
{
	struct saved *s = data;
	s->working = false;
	if (s->closed) {
		free_saved(s);
	} else {
		step(s);
	}
}

/* QEMU has responded, so its memory is mapped. */
static void put_pages(struct saved *s)
{
	s->next = load_devices;
	if (s->top) {
		s->working = true;
		work_run(s->machine.event, put_in_thread, on_put, s);
	} else {
		step(s);
	}
}

void saved_load(struct saved *s, const struct machine *machine, machine_fn *fn, void *data)
{
	s->machine = *machine;
	s->fn = fn;
	s->data = data;
	s->loading = true;
	s->begin_us = loop_now_us();
	s->next = put_pages;
	command(s, "migrate-set-capabilities",
		json_pack("{s:[{s:s, s:b}]}", "capabilities", "capability", "events", "state", 1));
	s->pending++;
	qmp_command_fd(machine->qmp, "getfd", json_pack("{s:s}", "fdname", FD_NAME), s->devices,
		on_reply, s);
}
