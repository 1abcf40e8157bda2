/* What a VM boots from: the image's files, the agent appended to its initramfs, and the key that
 * determines which saved VMs match. */

#include "vm/microvm/boot.h"

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/file.h"
#include "vm/confine/host.h"
#include "vm/microvm/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define FILE_MAX (256 << 20) /* of a kernel or an initramfs */
#define GRACE_MS 600000      /* a killed server may be restarted */
#define DISK_PERCENT 55      /* of the memory, at most */
#define DEVICES 1            /* version of QEMU's configuration; incremented with each change */
#define LAYOUT 5             /* version of everything else; incremented with each change */

int64_t boot_grace_ms(const struct vm_config *config)
{
	return config->keep ? -1 : GRACE_MS;
}

/* ---- lookup ---- */

static char *images_dir(const char *state_dir)
{
	struct buf path = { 0 };
	buf_printf(&path, "%s/images", state_dir);
	return (char *)path.data;
}

/* The image that was found last: to read all images again takes longer than the rest of a claim.  It
 * is valid while the directory of images, its own directory and its image.json are unchanged. */
#define STAMPS 3
static struct {
	char *images, *name;
	struct image image;
	struct stat stamps[STAMPS];
} last;

static bool stamp(const char *images, const struct image *image, struct stat ret_stamps[STAMPS])
{
	auto_buf struct buf json = { 0 };
	buf_printf(&json, "%s/image.json", image->dir);
	return stat(images, &ret_stamps[0]) == 0 && stat(image->dir, &ret_stamps[1]) == 0 &&
	       stat(buf_text(&json), &ret_stamps[2]) == 0;
}

static bool is_current(const char *images, const char *name)
{
	struct stat now[STAMPS];
	bool is_asked = last.images && strcmp(last.images, images) == 0 &&
			(name && last.name ? strcmp(name, last.name) == 0 : name == last.name);
	if (!is_asked || !stamp(images, &last.image, now)) {
		return false;
	}
	for (size_t i = 0; i < STAMPS; i++) {
		if (file_has_changed(&last.stamps[i], &now[i])) {
			return false;
		}
	}
	return true;
}

static void forget_last(void)
{
	free(take_ptr(&last.images));
	free(take_ptr(&last.name));
	image_done(&last.image);
}

static bool find_image(
	const char *state_dir, const char *name, struct image *ret_image, struct err *err)
{
	auto_free char *images = images_dir(state_dir);
	struct stat before = { 0 };
	if (is_current(images, name)) {
		image_copy(&last.image, ret_image);
		return true;
	}
	forget_last();
	(void)!stat(images, &before);
	if (!image_find(images, name, ret_image, err)) {
		return false;
	}
	if (stamp(images, ret_image, last.stamps)) {
		last.stamps[0] = before;
		last.images = take_ptr(&images);
		last.name = name ? must(strdup(name)) : NULL;
		image_copy(ret_image, &last.image);
	}
	return true;
}

bool boot_is_likely(const char *state_dir, const char *image, struct err *err)
{
	auto_image struct image found = { 0 };
	return qemu_program(err) && find_image(state_dir, image, &found, err);
}

static void default_to(int64_t *value, int64_t default_value)
{
	*value = *value > 0 ? *value : default_value;
}

static void fill_in(struct boot *boot, const struct vm_spec *wanted)
{
	boot->spec = *wanted;
	boot->spec.image = boot->image.id;
	boot->spec.labels = boot->spec.environment = boot->spec.api = NULL;
	boot->spec.from = NULL;
	default_to(&boot->spec.limits.memory_mib, boot->image.memory_mib);
	default_to(&boot->spec.limits.memory_mib, 1024);
	default_to(&boot->spec.limits.cpus, boot->image.cpus);
	default_to(&boot->spec.limits.cpus, 1);
	/* Written files are in memory, too, and a desktop needs the rest of it. */
	int64_t room = boot->spec.limits.memory_mib * DISK_PERCENT / 100;
	if (boot->spec.limits.disk_mib > room) {
		boot->spec.limits.disk_mib = room;
	}
}

/* ---- key ---- */

/* The agent's contents, read again only if the file's attributes have changed. */
static bool hash_agent(const struct vm_config *config, digest_fnv *ret_sum, struct err *err)
{
	static struct stat seen;
	static digest_fnv sum;
	struct stat st;
	auto_close int fd = host_open_agent(config, err);
	if (fd < 0) {
		return false;
	}
	if (fstat(fd, &st) < 0 || st.st_size > FILE_MAX) {
		return err_errno(err, "cannot examine the agent");
	}
	if (file_has_changed(&seen, &st)) {
		auto_buf struct buf bytes = { 0 };
		if (!file_read(fd, FILE_MAX, "the agent", &bytes, err)) {
			return false;
		}
		sum = digest_fnv_of(bytes.data, bytes.len);
		seen = st;
	}
	*ret_sum = sum;
	return true;
}

static char *name_of(const struct buf *text)
{
	char *name = must(malloc(DIGEST_FNV_HEX_LEN + 1));
	digest_fnv_to_hex(digest_fnv_of(text->data, text->len), name);
	return name;
}

/* Saved VMs need not match in what they contain: boot parameters, agent. */
static bool make_keys(struct boot *boot, const struct vm_config *config, struct err *err)
{
	const struct vm_spec *spec = &boot->spec;
	auto_free char *qemu = qemu_identity(err);
	auto_buf struct buf text = { 0 };
	char agent_name[DIGEST_FNV_HEX_LEN + 1];
	digest_fnv agent = 0;
	if (!qemu || !hash_agent(config, &agent, err)) {
		return false;
	}
	buf_printf(&text, "%d %s %s %s %lld %lld %d", DEVICES, qemu, boot->accel.cpu,
		boot->image.id, (long long)spec->limits.memory_mib, (long long)spec->limits.cpus,
		spec->network);
	boot->fit = name_of(&text);
	digest_fnv_to_hex(agent, agent_name);
	buf_printf(&text, " %d %s %dx%d@%lld %lld %lld %lld %lld %s", LAYOUT, boot->image.kernel,
		spec->screen.width, spec->screen.height, (long long)spec->scale,
		(long long)spec->limits.disk_mib, (long long)spec->limits.processes,
		(long long)spec->limits.files, (long long)boot_grace_ms(config), agent_name);
	boot->key = name_of(&text);
	return true;
}

bool boot_find(const struct vm_config *config, const char *state_dir, const struct vm_spec *spec,
	struct boot *ret_boot, struct err *err)
{
	struct boot boot = { 0 };
	if (qemu_program(err) && find_image(state_dir, spec->image, &boot.image, err) &&
		accel_choose(config, state_dir, &boot.accel, err)) {
		fill_in(&boot, spec);
		(void)!make_keys(&boot, config, err);
	}
	if (!boot.key) {
		boot_done(&boot);
		return false;
	}
	*ret_boot = boot;
	ret_boot->spec.image = ret_boot->image.id;
	return true;
}

void boot_done(struct boot *boot)
{
	image_done(&boot->image);
	free(boot->key);
	free(boot->fit);
	*boot = (struct boot){ 0 };
}

/* ---- files ---- */

static int open_file(const struct boot *boot, const char *name, struct err *err)
{
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s/%s", boot->image.dir, name);
	int fd = open(buf_text(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		err_errno(err, "image '%s' is damaged: cannot open %s", boot->image.name,
			buf_text(&path));
	}
	return fd;
}

int boot_open_root(const struct boot *boot, struct err *err)
{
	return open_file(boot, "root.erofs", err);
}

/* Appends all of from, which is read from its start. */
static bool copy(int to, int from, struct err *err)
{
	struct stat st;
	off_t at = 0;
	if (fstat(from, &st) < 0) {
		return err_errno(err, "cannot examine a file of the image");
	}
	if (st.st_size > FILE_MAX) {
		return err_set(err, ERR_LIMIT, "a file of the image is larger than %d MiB",
			FILE_MAX >> 20);
	}
	while (at < st.st_size) {
		ssize_t n = sendfile(to, from, &at, (size_t)(st.st_size - at));
		if (n <= 0 && errno != EINTR) {
			return err_errno(err, "cannot copy a file of the image");
		}
	}
	return true;
}

static int seal(int fd, struct err *err)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		err_errno(err, "cannot seal a memory file");
		return -1;
	}
	return fd;
}

int boot_open_kernel(const struct boot *boot, struct err *err)
{
	auto_close int from = open_file(boot, "vmlinuz", err);
	auto_close int to = memfd_create("kernel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (from < 0 || !copy(to, from, err) || seal(to, err) < 0) {
		return -1;
	}
	return take_fd(&to);
}

/* The kernel expects the next archive at a multiple of four bytes. */
static bool pad(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	size_t rest = (size_t)(-end & 3);
	return end >= 0 && write(fd, "\0\0\0", rest) == (ssize_t)rest;
}

static int open_archive(const struct vm_config *config, struct err *err)
{
	char link[40], path[4096];
	auto_close int agent = host_open_agent(config, err);
	if (agent < 0) {
		return -1;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", agent);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return image_agent_archive(path, err);
}

int boot_open_initrd(const struct boot *boot, const struct vm_config *config, struct err *err)
{
	auto_close int from = open_file(boot, "initramfs", err);
	auto_close int to = memfd_create("initramfs", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	auto_close int archive = from >= 0 ? open_archive(config, err) : -1;
	if (archive < 0 || !copy(to, from, err)) {
		return -1;
	}
	if (!pad(to)) {
		err_errno(err, "cannot write a memory file");
		return -1;
	}
	if (!copy(to, archive, err) || seal(to, err) < 0) {
		return -1;
	}
	return take_fd(&to);
}
