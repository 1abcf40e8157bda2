/* A program as text. */
#include "tests/bench/carry.h"

#include "base/base64.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool run_in(struct session *s, const char *sandbox, const char *command, struct err *err)
{
	json_auto_t *args = must(json_pack("{ss, ss*}", "command", command, "sandbox", sandbox));
	auto_free char *text = must(json_dumps(args, JSON_COMPACT));
	return session_call(s, "run_command", text, err);
}

bool carry_probe(struct session *s, const char *build, const char *sandbox, struct err *err)
{
	char path[4096];
	struct stat info;
	snprintf(path, sizeof(path), "%s/bench-probe", build);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &info)) {
		return err_errno(err, "cannot read %s", path);
	}
	auto_free char *bytes = must(malloc(info.st_size));
	if (read(fd, bytes, info.st_size) != info.st_size) {
		return err_errno(err, "cannot read %s", path);
	}
	size_t len;
	auto_free char *text = base64_encode(bytes, info.st_size, &len);
	auto_buf struct buf command = { 0 };
	buf_append(&command, "base64 -d > bench-probe << END\n", 31);
	for (size_t at = 0; at < len; at += 76) {
		buf_append(&command, text + at, len - at < 76 ? len - at : 76);
		buf_append(&command, "\n", 1);
	}
	buf_append(&command, "END\nchmod +x bench-probe", 24);
	return run_in(s, sandbox, buf_text(&command), err);
}
