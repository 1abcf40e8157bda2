/* The image's programs are started like those of a client, but no one waits for them or reads their
 * output. */
#include "vm/agent/session/autostart.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "vm/agent/process/task.h"

#include <fcntl.h>
#include <string.h>

#define FILE_MAX (64u << 10)

void autostart_command(sd_event *event, const char *command)
{
	auto_close int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct err err;
	struct task task;
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	struct task_how how = { .argv = argv, .out = nowhere, .err = nowhere };
	if (task_start(&how, &task, &err)) {
		task_reap(&task, event);
	} else {
		log_warning("autostart of '%.60s': %s", command, err.text);
	}
}

void autostart_run(sd_event *event, const char *path)
{
	struct err err;
	auto_buf struct buf text = { 0 };
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *rest = NULL;
	if (fd < 0) {
		return;
	}
	if (!file_read(fd, FILE_MAX, path, &text, &err)) {
		log_warning("%s", err.text);
		return;
	}
	buf_reserve(&text, 1); /* an empty file is valid, too */
	for (char *line = strtok_r((char *)text.data, "\n", &rest); line;
		line = strtok_r(NULL, "\n", &rest)) {
		autostart_command(event, line);
	}
}
