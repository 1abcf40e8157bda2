/*
 * The source of an image's kernel.  Debian's cloud kernel package is only downloaded and unpacked,
 * not installed: its dependencies are useless in an image, and the kernel is stored outside the
 * root file system.
 */
#include "vm/image/kernel.h"

#include "base/cleanup.h"
#include "vm/image/root.h"
#include "vm/image/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>

#define META "linux-image-cloud-amd64" /* depends on the newest */
#define PREFIX "linux-image-"
#define BOOT "boot/vmlinuz-"
#define IMAGE_MAX ((off_t)256 << 20)
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~_-"

void kernel_done(struct kernel *kernel)
{
	if (kernel->base > 0) {
		close(kernel->base);
	}
	*kernel = (struct kernel){ 0 };
}

/* ---- in a tree ---- */

static bool has_image(int base, const char *release)
{
	char path[128];
	if (release[strspn(release, LETTERS)]) {
		return false; /* it is displayed and stored */
	}
	snprintf(path, sizeof(path), BOOT "%.64s", release);
	return strlen(release) < sizeof(((struct kernel *)0)->release) && root_has(base, path);
}

/* The latest release with modules in the folder and an image; true if it is later than the current
 * one. */
static bool find_later(int base, const char *folder, char release[65])
{
	int fd = root_open(base, folder, O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	bool found = false;
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (entry->d_name[0] != '.' && has_image(base, entry->d_name) &&
			strverscmp(entry->d_name, release) > 0) {
			snprintf(release, 65, "%.64s", entry->d_name);
			found = true;
		}
	}
	if (dir) {
		closedir(dir);
	}
	return found;
}

/* Debian 12's packages have modules in lib, later releases in usr/lib.  A root file system in which
 * one is a link to the other has them in both. */
static bool find_release(int base, struct kernel *kernel)
{
	static const char *const folders[] = { "lib/modules", "usr/lib/modules" };
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if (find_later(base, folders[i], kernel->release)) {
			kernel->modules = folders[i];
		}
	}
	return kernel->modules != NULL;
}

bool kernel_in_tree(int root, struct kernel *ret_kernel)
{
	struct kernel kernel = { .base = -1 };
	if (!find_release(root, &kernel)) {
		return false;
	}
	kernel.base = fcntl(root, F_DUPFD_CLOEXEC, 3);
	*ret_kernel = kernel;
	return true;
}

/* ---- download ---- */

/* The value of a line "Name: value" in text; to free(). */
static char *value_of(const char *text, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		if (strncmp(at, name, len) == 0 && at[len] == ':') {
			at += len + 1 + strspn(at + len + 1, " ");
			return must(strndup(at, strcspn(at, "\n")));
		}
	}
	return NULL;
}

/* What META depends on, "linux-image-6.1.0-40-cloud-amd64". */
static bool newest(char *ret_package, size_t size, struct err *err)
{
	static const char *const argv[] = { "apt-cache", "show", "--no-all-versions", META, NULL };
	auto_buf struct buf text = { 0 };
	if (!run_program(&(struct run){ .argv = argv, .out = &text }, err)) {
		return err_while(err, "apt knows no package " META "; run apt-get update");
	}
	auto_free char *depends = value_of(buf_text(&text), "Depends");
	size_t len = depends ? strcspn(depends, " ,(|") : 0;
	if (len >= size || !depends || strncmp(depends, PREFIX, strlen(PREFIX)) != 0) {
		return err_set(err, ERR_HOST, "apt's " META " depends on no kernel");
	}
	snprintf(ret_package, size, "%.*s", (int)len, depends);
	return true;
}

/* The only .deb in the folder; to free(). */
static char *find_deb(const char *work)
{
	DIR *dir = opendir(work);
	char *found = NULL;
	for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
		size_t len = strlen(entry->d_name);
		if (len > 4 && strcmp(entry->d_name + len - 4, ".deb") == 0) {
			found = must(strdup(entry->d_name));
		}
	}
	if (dir) {
		closedir(dir);
	}
	return found;
}

static bool name_package(const char *work, const char *deb, struct kernel *kernel, struct err *err)
{
	auto_buf struct buf text = { 0 };
	const char *argv[] = { "dpkg-deb", "--field", deb, "Package", "Version", NULL };
	if (!run_program(&(struct run){ .argv = argv, .cwd = work, .out = &text }, err)) {
		return false;
	}
	auto_free char *name = value_of(buf_text(&text), "Package");
	auto_free char *version = value_of(buf_text(&text), "Version");
	snprintf(kernel->package, sizeof(kernel->package), "%.60s %.60s", name ? name : "",
		version ? version : "");
	return true;
}

bool kernel_fetch(const char *work, struct kernel *ret_kernel, struct err *err)
{
	char package[100];
	auto_kernel struct kernel kernel = { .base = -1 };
	if (!newest(package, sizeof(package), err)) {
		return false;
	}
	/* Root in a user namespace cannot change to apt's own user. */
	const char *get[] = { "apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", package,
		NULL };
	if (!run_program(&(struct run){ .argv = get, .cwd = work }, err)) {
		return err_while(err, "cannot fetch the kernel");
	}
	auto_free char *deb = find_deb(work);
	const char *unpack[] = { "dpkg-deb", "-x", deb, ".", NULL };
	if (!deb || !run_program(&(struct run){ .argv = unpack, .cwd = work }, err) ||
		!name_package(work, deb, &kernel, err)) {
		return deb ? err_while(err, "cannot unpack the kernel")
			   : err_set(err, ERR_HOST, "apt-get did not download a kernel");
	}
	kernel.base = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (kernel.base < 0 || !find_release(kernel.base, &kernel)) {
		return err_set(err, ERR_HOST, "package %s contains no kernel", package);
	}
	*ret_kernel = kernel;
	kernel.base = -1;
	return true;
}

bool kernel_copy_image(const struct kernel *kernel, int to, struct err *err)
{
	char path[128];
	struct stat stat;
	snprintf(path, sizeof(path), BOOT "%s", kernel->release);
	auto_close int from = root_open(kernel->base, path, O_RDONLY, 0);
	if (from < 0 || fstat(from, &stat) < 0) {
		return err_errno(err, "cannot open the kernel /%s", path);
	}
	if (!S_ISREG(stat.st_mode) || stat.st_size > IMAGE_MAX) {
		return err_set(err, ERR_ARGUMENT, "/%s is not a kernel", path);
	}
	while (stat.st_size > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)stat.st_size);
		if (n <= 0) {
			return err_errno(err, "cannot copy the kernel");
		}
		stat.st_size -= n;
	}
	return true;
}
