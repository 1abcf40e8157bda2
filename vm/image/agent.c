/*
 * The agent's archive: its binary, the libraries listed by the loader, and the loader, as /vitrine
 * in the initramfs.  The image therefore need not contain the agent's libraries.
 */
#include "base/cleanup.h"
#include "vm/image/cpio.h"
#include "vm/image/image.h"
#include "vm/image/run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A line of the loader's list: "\tlibX.so.1 => /lib/libX.so.1 (0x...)".  Others (the loader, the
 * vDSO) have no arrow. */
static bool add_library(struct buf *out, char *line, struct err *err)
{
	char *arrow = strstr(line, " => ");
	if (!arrow) {
		return true;
	}
	char *path = arrow + strlen(" => ");
	*arrow = '\0';
	if (path[0] != '/') {
		return err_set(err, ERR_NOT_FOUND, "the agent requires %s, which is not installed",
			line + strspn(line, "\t "));
	}
	path[strcspn(path, " ")] = '\0';
	auto_buf struct buf name = { 0 };
	buf_printf(&name, "vitrine/lib/%s", line + strspn(line, "\t "));
	return cpio_add_file(out, buf_text(&name), 0755, path, err);
}

static bool add_libraries(struct buf *out, const char *agent, struct err *err)
{
	auto_buf struct buf list = { 0 };
	const char *argv[] = { LOADER, "--list", agent, NULL };
	if (!run_program(&(struct run){ .argv = argv, .out = &list }, err)) {
		return false;
	}
	char *rest = NULL, *line = list.len ? strtok_r((char *)list.data, "\n", &rest) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		if (!add_library(out, line, err)) {
			return false;
		}
	}
	return true;
}

static int seal(const struct buf *bytes, struct err *err)
{
	auto_close int fd = memfd_create("vitrine-agent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t at = 0;
	while (fd >= 0 && at < bytes->len) {
		ssize_t n = write(fd, bytes->data + at, bytes->len - at);
		if (n < 0 && errno != EINTR) {
			break;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	if (fd < 0 || at < bytes->len || fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
		err_errno(err, "cannot store the agent's archive in memory");
		return -1;
	}
	return take_fd(&fd);
}

int image_agent_archive(const char *agent, struct err *err)
{
	auto_buf struct buf out = { 0 };
	cpio_add_dir(&out, "vitrine");
	cpio_add_dir(&out, "vitrine/lib");
	if (!cpio_add_file(&out, "vitrine/vitrine-agent", 0755, agent, err) ||
		!cpio_add_file(&out, "vitrine/ld.so", 0755, LOADER, err) ||
		!add_libraries(&out, agent, err)) {
		err_while(err, "the agent's archive");
		return -1;
	}
	cpio_end(&out);
	return seal(&out, err);
}
