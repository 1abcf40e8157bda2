/*
 * Behaviour of a port in Linux's virtio_console (6.1), as observed:
 *
 *   - a port can be opened once at a time; duplicates of the descriptor are fine;
 *   - while the host's end is closed, poll permanently reports POLLHUP, read returns the data that
 *     has arrived and then 0, and write fails with EAGAIN and loses nothing;
 *   - when it is closed or opened, all epoll waiters are woken.  An edge-triggered watch receives
 *     this once, and is used here to wait for the reopening (SIGIO provides nothing more);
 *   - QEMU drops the data that the host had not read when it closed its end.
 *
 * No udev runs in the VM: ports are found in sysfs, and uevents of the kernel report new ports and
 * their names.
 */
#include "vm/agent/core/virtio_port.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PORTS "/sys/class/virtio-ports"

static bool read_line(int dir, const char *path, char *ret, size_t size)
{
	ssize_t n = file_read_text(dir, path, ret, size);
	ret[strcspn(ret, "\n")] = '\0';
	return n > 0;
}

static bool is_ours(int ports, const char *name)
{
	char path[300], text[64];
	snprintf(path, sizeof(path), "%s/name", name);
	return read_line(ports, path, text, sizeof(text)) && strcmp(text, VIRTIO_PORT_NAME) == 0;
}

/* Creates the device node if the kernel has not. */
static int open_node(int ports, const char *name, struct err *err)
{
	char path[300], text[64];
	unsigned major, minor;
	snprintf(path, sizeof(path), "%s/dev", name);
	if (!read_line(ports, path, text, sizeof(text)) ||
		sscanf(text, "%u:%u", &major, &minor) != 2) {
		err_set(err, ERR_HOST, "the port %s has no device number", name);
		return -1;
	}
	snprintf(path, sizeof(path), "/dev/%s", name);
	if (mknod(path, S_IFCHR | 0600, makedev(major, minor)) < 0 && errno != EEXIST) {
		err_errno(err, "cannot create %s", path);
		return -1;
	}
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		err_errno(err, "cannot open %s", path);
	}
	return fd;
}

/* -1: an error (err is set), or no such port (*ret_found is false). */
static int look(bool *ret_found, struct err *err)
{
	DIR *dir = opendir(PORTS);
	struct dirent *entry;
	int fd = -1;
	*ret_found = false;
	while (dir && !*ret_found && (entry = readdir(dir))) {
		if (is_ours(dirfd(dir), entry->d_name)) {
			*ret_found = true;
			fd = open_node(dirfd(dir), entry->d_name, err);
		}
	}
	if (dir) {
		closedir(dir);
	}
	return fd;
}

/* Uevents; opened before the first search, so that no port is missed. */
static int listen_to_kernel(struct err *err)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	auto_close int fd = socket(
		AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	if (fd < 0 || bind(fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
		err_errno(err, "cannot receive uevents of the kernel");
		return -1;
	}
	return take_fd(&fd);
}

static bool await_message(int fd, uint64_t end_us)
{
	char message[4096];
	struct pollfd wait = { fd, POLLIN, 0 };
	uint64_t now = loop_now_us();
	bool came = now < end_us && poll(&wait, 1, (int)((end_us - now) / 1000) + 1) > 0;
	while (came && recv(fd, message, sizeof(message), 0) > 0) {
	}
	return came;
}

int virtio_port_open(int ms, struct err *err)
{
	bool found;
	uint64_t end_us = loop_now_us() + (uint64_t)ms * 1000;
	auto_close int messages = listen_to_kernel(err);
	if (messages < 0) {
		return -1;
	}
	do {
		int fd = look(&found, err);
		if (found) {
			return fd;
		}
	} while (await_message(messages, end_us));
	err_set(err, ERR_TIMEOUT,
		"no virtio-serial port named " VIRTIO_PORT_NAME " has appeared within %d s",
		ms / 1000);
	return -1;
}

bool virtio_port_is_open(uint32_t events)
{
	return !(events & (EPOLLHUP | EPOLLERR));
}

sd_event_source *virtio_port_await(sd_event *event, int fd, sd_event_io_handler_t fn, void *data)
{
	return loop_add_io(event, fd, EPOLLIN | EPOLLOUT | EPOLLET, fn, data);
}
