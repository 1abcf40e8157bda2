/* Plain QEMU, by its human monitor and the link to our agent. */
#include "tests/bench/vm_peer.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "tests/bench/picture.h"
#include "tests/bench/samples.h"
#include "tests/bench/session.h"
#include "vm/microvm/tsc.h"
#include "vm/wire/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define READY_US (300 * 1000000ull)
#define MONITOR_MS 120000
#define MONITOR_MAX (1 << 20)

/* ---- what all of them share ---- */

static bool copy_into(int to, int from, struct err *err)
{
	char bytes[65536];
	ssize_t n;
	while ((n = read(from, bytes, sizeof(bytes))) > 0) {
		if (write(to, bytes, n) != n) {
			return err_errno(err, "cannot write the initramfs");
		}
	}
	return n == 0 || err_errno(err, "cannot read the initramfs");
}

/* As our server does at each boot: the agent goes behind the image's initramfs. */
static bool make_initrd(struct vm_peer *p, const char *agent, struct err *err)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/initramfs", p->image->dir);
	auto_close int image = open(path, O_RDONLY | O_CLOEXEC);
	auto_close int archive = image_agent_archive(agent, err);
	auto_close int to = open(p->initrd, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (archive < 0) {
		return false;
	}
	if (image < 0 || to < 0 || lseek(archive, 0, SEEK_SET) < 0) {
		return err_errno(err, "cannot make an initramfs of %s", path);
	}
	return copy_into(to, image, err) && copy_into(to, archive, err);
}

bool vm_peer_init(struct vm_peer *p, const char *dir, const char *agent, const struct image *image,
	bool kvm, struct err *err)
{
	*p = (struct vm_peer){ .dir = dir, .image = image };
	snprintf(p->kernel, sizeof(p->kernel), "%s/vmlinuz", image->dir);
	snprintf(p->root, sizeof(p->root),
		"file=%s/root.erofs,id=root,format=raw,if=none,readonly=on", image->dir);
	snprintf(p->initrd, sizeof(p->initrd), "%s/plain.initrd", dir);
	snprintf(p->kvm, sizeof(p->kvm), "%s", kvm ? "kvm" : "tcg");
	p->event = loop_new(err);
	return p->event && make_initrd(p, agent, err);
}

void vm_peer_done(struct vm_peer *p)
{
	if (p->dir) {
		unlink(p->initrd);
		sd_event_unref(p->event);
	}
	*p = (struct vm_peer){ 0 };
}

/* ---- one of them ---- */

static bool spawn_plain(struct vm_plain *m, struct vm_peer *p, const char *state, struct err *err)
{
	static int number;
	char link[300], monitor[300], memory[24], incoming[4200], words[400], clock[80] = "";
	number++;
	snprintf(m->link_path, sizeof(m->link_path), "%s/plain%d.link", p->dir, number);
	snprintf(m->monitor_path, sizeof(m->monitor_path), "%s/plain%d.mon", p->dir, number);
	snprintf(link, sizeof(link), "socket,id=link,server=on,wait=off,path=%s", m->link_path);
	snprintf(monitor, sizeof(monitor), "unix:%s,server=on,wait=off", m->monitor_path);
	snprintf(memory, sizeof(memory), "%lldM", (long long)p->image->memory_mib);
	snprintf(incoming, sizeof(incoming), "exec:cat %s", state ? state : "");
	/* As our server has it: without these, this kernel does not boot in emulation. */
	if (p->kvm[0] != 'k') {
		const struct tsc now = tsc_read();
		snprintf(clock, sizeof(clock), "mitigations=off tsc=reliable tsc_early_khz=%llu",
			(unsigned long long)tsc_khz(&now));
	}
	snprintf(words, sizeof(words),
		"console=ttyS0 quiet panic=-1 random.trust_cpu=on no_timer_check %s "
		"vitrine.screen=1280x800 vitrine.disk=1024 vitrine.grace=-1",
		clock);
	const char *argv[] = { "qemu-system-x86_64", "-M", "microvm,acpi=on,isa-serial=on,rtc=on",
		"-accel", p->kvm, "-cpu", p->kvm[0] == 'k' ? "host" : "max", "-nodefaults",
		"-no-user-config", "-display", "none", "-no-reboot", "-m", memory, "-kernel",
		p->kernel, "-initrd", p->initrd, "-append", words,
		/* Else one that was stopped when it was saved would stay so. */
		"-global", "migration.store-global-state=off", "-drive", p->root, "-device",
		"virtio-blk-device,drive=root", "-object", "rng-builtin,id=rng", "-device",
		"virtio-rng-device,rng=rng", "-chardev", link, "-device", "virtio-serial-device",
		"-device", "virtserialport,chardev=link,name=vitrine.link", "-monitor", monitor,
		state ? "-incoming" : NULL, incoming, NULL };
	struct spawn_fd fds[] = { { STDERR_FILENO, STDERR_FILENO } };
	struct spawn how = { .argv = argv, .fds = fds, .n_fds = 1, .die_with_us = true };
	m->began_us = now_us();
	m->pid = spawn_start(&how, err);
	return m->pid > 0;
}

/* QEMU makes its sockets a moment after its start. */
static int connect_to(const char *path, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
	for (int tries = 0; tries < 5000; tries++) {
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
			return take_fd(&fd);
		}
		usleep(1000);
	}
	err_errno(err, "plain QEMU made no socket %s", path);
	return -1;
}

/* ---- its agent ---- */

static void on_event(struct link *link, const struct link_msg *msg, void *data)
{
	struct vm_plain *m = data;
	const char *name = json_string_value(json_object_get(msg->json, "event"));
	double ms = (double)(now_us() - m->began_us) / 1000;
	(void)link;
	if (name && strcmp(name, "hello") == 0) {
		m->agent_ms = ms;
	} else if (name && strcmp(name, "ready") == 0) {
		m->ready = true;
		m->ready_ms = ms;
	} else if (name && strcmp(name, "failed") == 0) {
		m->failed = true;
		err_set(&m->why, ERR_HOST, "plain QEMU's desktop failed");
	}
}

static void on_closed(struct link *link, const struct err *why, void *data)
{
	struct vm_plain *m = data;
	(void)link;
	m->failed = true;
	m->why = *why;
}

static void on_restored(const struct link_msg *msg, const struct err *err, void *data)
{
	struct vm_plain *m = data;
	(void)msg;
	if (err) {
		m->failed = true;
		m->why = *err;
	}
}

static json_t *restored_args(void)
{
	unsigned char bytes[64];
	struct timespec now;
	size_t len;
	clock_gettime(CLOCK_REALTIME, &now);
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		abort();
	}
	auto_free char *entropy = base64_encode(bytes, sizeof(bytes), &len);
	return must(json_pack("{s:I, s:s}", "time_us",
		(json_int_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, "entropy", entropy));
}

static bool run_until(struct vm_plain *m, struct vm_peer *p, const bool *done, struct err *err)
{
	uint64_t end = now_us() + READY_US;
	while (!*done && !m->failed && now_us() < end) {
		if (sd_event_run(p->event, 100000) < 0) {
			break;
		}
	}
	if (!*done) {
		m->failed ? *err = m->why, err_while(err, "plain QEMU")
			  : err_set(err, ERR_TIMEOUT, "plain QEMU's desktop was not ready in time");
	}
	return *done;
}

bool vm_plain_start(struct vm_plain *m, struct vm_peer *p, const char *state, struct err *err)
{
	static const struct link_handlers handlers = { .event = on_event, .closed = on_closed };
	*m = (struct vm_plain){ .monitor = -1 };
	if (!spawn_plain(m, p, state, err) || (m->monitor = connect_to(m->monitor_path, err)) < 0) {
		return false;
	}
	int fd = connect_to(m->link_path, err);
	if (fd < 0) {
		return false;
	}
	m->link = link_new(p->event, fd, &handlers, m);
	if (state) {
		link_request(m->link, "restored", restored_args(), on_restored, m);
	}
	return run_until(m, p, &m->ready, err);
}

void vm_plain_stop(struct vm_plain *m)
{
	link_free(take_ptr(&m->link));
	if (m->monitor >= 0) {
		close(m->monitor);
	}
	if (m->pid > 0) {
		kill(m->pid, SIGKILL);
		session_reap(m->pid, 5000);
		unlink(m->link_path);
		unlink(m->monitor_path);
	}
	*m = (struct vm_plain){ .monitor = -1 };
}

static void on_frame(const struct link_msg *msg, const struct err *err, void *data)
{
	struct vm_plain *m = data;
	m->answered = true;
	if (err || !picture_decode(msg->tail, msg->tail_len, m->into)) {
		m->failed = true;
		err_set(&m->why, ERR_HOST, "no picture: %s", err ? err->text : "it is no JPEG");
	}
}

bool vm_plain_look(struct vm_plain *m, struct vm_peer *p, struct picture *ret, struct err *err)
{
	json_t *args = json_pack("{s:[], s:{s:s}}", "actions", "observe", "mode", "frame");
	m->into = ret;
	m->answered = false;
	link_request(m->link, "act", must(args), on_frame, m);
	return run_until(m, p, &m->answered, err) && (!m->failed || (*err = m->why, false));
}

/* ---- its monitor, for people: a command, its echo, and at last a prompt ---- */

static bool until_prompt(struct vm_plain *m, struct buf *said, struct err *err)
{
	static const char prompt[] = "(qemu) ";
	struct pollfd fd = { .fd = m->monitor, .events = POLLIN };
	const size_t size = sizeof(prompt) - 1;
	do {
		buf_reserve(said, 4096);
		ssize_t n = poll(&fd, 1, MONITOR_MS) > 0
				    ? read(m->monitor, said->data + said->len, 4096)
				    : 0;
		if (n <= 0 || said->len > MONITOR_MAX) {
			return err_set(err, ERR_HOST, "plain QEMU's monitor says nothing more");
		}
		said->len += n;
		said->data[said->len] = '\0';
	} while (said->len < size || memcmp(said->data + said->len - size, prompt, size) != 0);
	const char *error = strstr(buf_text(said), "Error:");
	return !error || err_set(err, ERR_HOST, "plain QEMU: %.200s", error);
}

static bool ask(struct vm_plain *m, const char *command, struct buf *said, struct err *err)
{
	size_t len = strlen(command);
	return (write(m->monitor, command, len) == (ssize_t)len ||
		       err_errno(err, "cannot write to plain QEMU's monitor")) &&
	       until_prompt(m, said, err);
}

static bool tell(struct vm_plain *m, const char *command, struct err *err)
{
	auto_buf struct buf said = { 0 };
	return ask(m, command, &said, err);
}

/* By itself the monitor looks once a second only. */
static bool until_saved(struct vm_plain *m, struct err *err)
{
	for (uint64_t began = now_us(); now_us() - began < READY_US; usleep(2000)) {
		auto_buf struct buf said = { 0 };
		if (!ask(m, "info migrate\n", &said, err)) {
			return false;
		}
		if (strstr(buf_text(&said), "Migration status: completed")) {
			return true;
		}
		if (strstr(buf_text(&said), "Migration status: failed")) {
			break;
		}
	}
	return err_set(err, ERR_HOST, "plain QEMU did not write its state");
}

bool vm_plain_save(struct vm_plain *m, const char *file, double *ret_ms, struct err *err)
{
	char command[4200];
	if (!m->began_us) {
		return err_set(err, ERR_STATE, "plain QEMU is not there");
	}
	snprintf(command, sizeof(command), "migrate -d \"exec:cat > %s\"\n", file);
	auto_buf struct buf greeting = { 0 };
	if (!m->greeted && !(m->greeted = until_prompt(m, &greeting, err))) {
		return false;
	}
	if (!tell(m, "migrate_set_parameter max-bandwidth 10G\n", err)) {
		return false;
	}
	uint64_t began = now_us();
	bool ok = tell(m, "stop\n", err) && tell(m, command, err) && until_saved(m, err) &&
		  tell(m, "cont\n", err);
	*ret_ms = (double)(now_us() - began) / 1000;
	return ok;
}
