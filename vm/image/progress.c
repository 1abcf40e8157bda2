/*
 * Parses mmdebstrap's stderr, which includes the output of apt and dpkg.  A table has the steps; in
 * a step that installs, each package is reported three times: downloaded, unpacked, configured.
 */
#include "vm/image/progress.h"

#include "base/plain.h"
#include "vm/image/plan.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *line, *step;
	int from, to; /* percent */
} parts[] = {
	{ "", "starting", 0, 1 },
	{ "I: running apt-get update", "reading package lists", 1, 5 },
	{ "I: downloading packages", "fetching the base system", 5, 12 },
	{ "I: extracting archives", "unpacking the base system", 12, 15 },
	{ "I: installing essential", "installing the base system", 15, 30 },
	{ "I: installing remaining", "installing packages", 30, 88 },
	{ PLAN_PREFIX "unpacking", "unpacking the archive", 88, 90 },
	{ PLAN_PREFIX "fetching", "fetching the kernel", 90, 92 },
	{ PLAN_PREFIX "adding", "adding files and accounts", 92, 93 },
	{ PLAN_PREFIX "making", "making the root file system", 93, 99 },
	{ "I: cleaning", "cleaning up", 99, 100 },
};
#define PARTS (sizeof(parts) / sizeof(*parts))

static const char *const package_names[] = { "Get:", "Unpacking ", "Setting up " };
static const char *const complaints[] = { "E: ", "dpkg: error", "tar: ", "mkfs.erofs" };

void progress_init(struct progress *progress)
{
	*progress = (struct progress){ .step = parts[0].step };
}

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

static bool enters_part(struct progress *progress, const char *line)
{
	for (unsigned i = progress->part + 1; i < PARTS; i++) {
		if (begins(line, parts[i].line)) {
			progress->part = i;
			progress->step = parts[i].step;
			progress->percent = parts[i].from;
			progress->packages = progress->seen = 0;
			return true;
		}
	}
	return false;
}

static bool counts(struct progress *progress, const char *line)
{
	unsigned upgraded, n;
	if (sscanf(line, "%u upgraded, %u newly", &upgraded, &n) == 2) {
		progress->packages = n < 100000 ? n : 0;
	}
	for (size_t i = 0; i < sizeof(package_names) / sizeof(*package_names); i++) {
		progress->seen += begins(line, package_names[i]);
	}
	int from = parts[progress->part].from, to = parts[progress->part].to;
	unsigned all = 3 * progress->packages;
	if (!all) {
		return false;
	}
	unsigned seen = progress->seen < all ? progress->seen : all;
	int percent = from + (int)((unsigned)(to - from) * seen / all);
	bool moved = percent > progress->percent;
	progress->percent = moved ? percent : progress->percent;
	return moved;
}

/* Names of an archive's files may be in it, and it is printed to a terminal. */
static void copy_text(char *to, size_t size, const char *from)
{
	auto_buf struct buf plain = { 0 };
	plain_append(&plain, from, size - sizeof("..."));
	snprintf(to, size, "%s", buf_text(&plain));
}

/* Keeps the first errors: the following ones are mostly consequences. */
static void remember(struct progress *progress, const char *line)
{
	if (begins(line, PLAN_PREFIX "failed: ")) {
		copy_text(progress->failed, sizeof(progress->failed),
			line + strlen(PLAN_PREFIX "failed: "));
	}
	for (size_t i = 0; i < sizeof(complaints) / sizeof(*complaints); i++) {
		if (begins(line, complaints[i]) && progress->n_lines < PROGRESS_LINES &&
			!strstr(line, "mmdebstrap failed to run") &&
			!begins(line, "E: setup failed")) {
			copy_text(progress->lines[progress->n_lines++], sizeof(progress->lines[0]),
				line);
			return;
		}
	}
}

bool progress_line(struct progress *progress, const char *line)
{
	remember(progress, line);
	return enters_part(progress, line) || counts(progress, line);
}

bool progress_error(const struct progress *progress, const char *end, struct err *err)
{
	if (progress->failed[0]) {
		return err_set(err, ERR_HOST, "%s", progress->failed);
	}
	const char(*lines)[160] = progress->lines;
	return err_set(err, ERR_HOST, "the build %s while %s%s%s%s%s%s%s", end, progress->step,
		lines[0][0] ? ": " : "", lines[0], lines[1][0] ? "; " : "", lines[1],
		lines[2][0] ? "; " : "", lines[2]);
}
