/*
 * The image's initramfs.  A list here has the modules required by a microVM; their dependencies are
 * read from their section .modinfo, so depmod is not needed.
 */
#include "base/cleanup.h"
#include "vm/image/cpio.h"
#include "vm/image/kernel.h"
#include "vm/image/root.h"
#include "vm/image/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX ((size_t)1 << 20)
#define MODULE_MAX ((size_t)16 << 20)
#define DEPTH_MAX 16

static const char *const wanted[] = { "virtio_mmio", "virtio_blk", "virtio_console", "virtio_net",
	"virtio_rng", "erofs", "overlay" };

struct modules {
	const struct kernel *kernel;
	struct buf all, builtin; /* one path per line */
	struct buf order;        /* files in the archive, one per line */
	struct buf *archive;
};

/* "virtio-rng" and "virtio_rng" are equal. */
static bool same_name(const char *path, size_t len, const char *name)
{
	size_t n = strlen(name);
	if (len < n + 3 || strncmp(path + len - 3, ".ko", 3) != 0 ||
		(len > n + 3 && path[len - n - 4] != '/')) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		char a = path[len - 3 - n + i], b = name[i];
		if ((a == '-' ? '_' : a) != (b == '-' ? '_' : b)) {
			return false;
		}
	}
	return true;
}

/* The line whose last path component is the module; NULL if there is none. */
static char *find_line(const struct buf *lines, const char *name)
{
	const char *at = buf_text(lines);
	while (*at) {
		size_t len = strcspn(at, "\n");
		if (same_name(at, len, name)) {
			return must(strndup(at, len));
		}
		at += len + (at[len] == '\n');
	}
	return NULL;
}

static bool read_list(struct modules *modules, const char *file, struct buf *out, struct err *err)
{
	char path[160];
	snprintf(path, sizeof(path), "%s/%s/%s", modules->kernel->modules, modules->kernel->release,
		file);
	return root_read(modules->kernel->base, path, TEXT_MAX, out, err);
}

/* Newer kernels compress modules. */
static bool read_module(
	const struct modules *modules, const char *file, struct buf *out, struct err *err)
{
	auto_buf struct buf path = { 0 };
	buf_printf(&path, "%s/%s/%s", modules->kernel->modules, modules->kernel->release, file);
	if (root_has(modules->kernel->base, buf_text(&path))) {
		return root_read(modules->kernel->base, buf_text(&path), MODULE_MAX, out, err);
	}
	buf_printf(&path, ".xz");
	auto_close int fd = root_open(modules->kernel->base, buf_text(&path), O_RDONLY, 0);
	static const char *const argv[] = { "xz", "-dc", NULL };
	return fd < 0 ? err_errno(err, "cannot open the kernel's module %s", file)
		      : run_program(&(struct run){ .argv = argv, .in = fd, .out = out }, err);
}

static bool add_module(
	struct modules *modules, const char *name, bool must_be, int depth, struct err *err);

static bool add_words(struct modules *modules, char *words, const char *between, bool must_be,
	int depth, struct err *err)
{
	char *rest = NULL;
	for (char *word = strtok_r(words, between, &rest); word;
		word = strtok_r(NULL, between, &rest)) {
		if (!add_module(modules, word, must_be, depth + 1, err)) {
			return false;
		}
	}
	return true;
}

/* Names after "depends=" must be modules; those after "softdep=pre: " may be built in, as
 * algorithms often are. */
static bool add_needed(struct modules *modules, const struct buf *module, const char *key,
	const char *between, bool must_be, int depth, struct err *err)
{
	const char *at = (const char *)module->data, *end = at + module->len;
	while ((at = memmem(at, (size_t)(end - at), key, strlen(key)))) {
		bool begins = at > (const char *)module->data && at[-1] == '\0';
		at += strlen(key);
		auto_free char *words = must(strndup(at, strnlen(at, (size_t)(end - at))));
		char *stop = strstr(words, "post:");
		if (stop) {
			*stop = '\0';
		}
		if (begins && !add_words(modules, words, between, must_be, depth, err)) {
			return false;
		}
	}
	return true;
}

static bool add_module(
	struct modules *modules, const char *name, bool must_be, int depth, struct err *err)
{
	auto_buf struct buf bytes = { 0 }, path = { 0 };
	auto_free char *builtin = find_line(&modules->builtin, name);
	auto_free char *there = find_line(&modules->order, name);
	auto_free char *file = builtin || there ? NULL : find_line(&modules->all, name);
	if (!file) {
		return builtin || there || !must_be ||
		       err_set(err, ERR_NOT_FOUND,
			       "kernel %s lacks module %s, which a microVM requires; use "
			       "Debian's linux-image-cloud-amd64",
			       modules->kernel->release, name);
	}
	if (depth > DEPTH_MAX || !read_module(modules, file, &bytes, err)) {
		return depth > DEPTH_MAX
			       ? err_set(err, ERR_LIMIT, "module %s depends on itself", name)
			       : false;
	}
	if (!add_needed(modules, &bytes, "softdep=pre: ", " ", false, depth, err) ||
		!add_needed(modules, &bytes, "depends=", ",", true, depth, err)) {
		return false;
	}
	if (modules->archive->len > CPIO_FILE_MAX) {
		return err_set(
			err, ERR_LIMIT, "the kernel modules exceed %zu MiB", CPIO_FILE_MAX >> 20);
	}
	const char *last = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	buf_printf(&path, "modules/%s", last);
	cpio_add(modules->archive, buf_text(&path), S_IFREG | 0644, bytes.data, bytes.len);
	buf_printf(&modules->order, "%s\n", last);
	return true;
}

bool initramfs_make(
	const struct kernel *kernel, const struct buf *init, struct buf *out, struct err *err)
{
	struct modules modules = { .kernel = kernel, .archive = out };
	bool good = read_list(&modules, "modules.order", &modules.all, err) &&
		    read_list(&modules, "modules.builtin", &modules.builtin, err);
	cpio_add(out, "init", S_IFREG | 0755, init->data, init->len);
	cpio_add_dir(out, "modules");
	for (size_t i = 0; good && i < sizeof(wanted) / sizeof(*wanted); i++) {
		good = add_module(&modules, wanted[i], true, 0, err);
	}
	cpio_add(out, "modules.list", S_IFREG | 0644, modules.order.data, modules.order.len);
	cpio_end(out);
	buf_done(&modules.all);
	buf_done(&modules.builtin);
	buf_done(&modules.order);
	return good;
}
