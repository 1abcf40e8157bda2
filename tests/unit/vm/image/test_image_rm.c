// USES vm image base
/* `vitrine image rm`: what sandboxes and snapshots of the state directory need stays. */

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/id.h"
#include "base/spawn.h"
#include "vm/image/store.h"
#include "vm/lifecycle/metadata.h"

#include "tests/support/image_scratch.h"

#include <sys/wait.h>

TestSuite(image_rm, .init = image_scratch_make, .fini = image_scratch_remove, .timeout = 60);

#define IMAGE "00000000000000aa"

static void make_image(void)
{
	static const char *const parts[] = { "root.erofs", "vmlinuz", "initramfs", "packages" };
	const struct image_json said = { IMAGE, "minimal", "x", "6.1", IMAGE_FORMAT, 512, 2, 1 };
	json_auto_t *json = image_json_encode(&said);
	auto_free char *text = json_dumps(json, 0);
	mkdir(image_path("images"), 0700);
	mkdir(image_path("images/" IMAGE), 0700);
	image_put(image_path("images/" IMAGE "/image.json"), text);
	for (size_t i = 0; i < 4; i++) {
		image_put(image_path("images/" IMAGE "/%s", parts[i]), "x");
	}
}

static void make_user(const char *kind, const char *file, const char *image)
{
	char id[ID_LEN + 1];
	struct err err = { 0 };
	bool is_snapshot = strcmp(file, METADATA_SNAPSHOT) == 0;
	id_make(id);
	struct metadata metadata = {
		.id = id,
		.owner = "somebody",
		.backend = "microvm",
		.state = METADATA_PAUSED,
		.name = is_snapshot ? "kept" : NULL,
		.source = is_snapshot ? id : NULL,
		.spec = { .image = image, .screen = { 800, 600 } },
	};
	mkdir(image_path("%s", kind), 0700);
	mkdir(image_path("%s/%s", kind, id), 0700);
	cr_assert(metadata_write(image_path("%s/%s", kind, id), file, &metadata, &err), "%s",
		err.text);
	struct metadata again;
	cr_assert(metadata_read(image_path("%s/%s", kind, id), file, id, &again, &err), "%s",
		err.text);
	metadata_done(&again);
}

/* Its status; what it says on stderr goes to *into. */
static int rm(const char *force, struct buf *into)
{
	char program[4096];
	struct err err = { 0 };
	int ends[2], status = 0;
	const char *argv[] = { program, "image", "rm", "minimal", "--state-dir", image_scratch,
		force, NULL };
	snprintf(program, sizeof(program), "%s/vitrine", getenv("VITRINE_BUILD"));
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	struct spawn_fd fds[] = { { ends[1], 2 } };
	pid_t pid = spawn_start(
		&(struct spawn){ .argv = argv, .fds = fds, .n_fds = 1, .die_with_us = true }, &err);
	close(ends[1]);
	cr_assert_gt(pid, 0, "%s", err.text);
	cr_assert(file_read(ends[0], 4096, "stderr", into, &err), "%s", err.text);
	close(ends[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(image_rm, what_is_needed_stays_unless_forced)
{
	auto_buf struct buf says = { 0 };
	make_image();
	make_user("sandboxes", METADATA_SANDBOX, IMAGE);
	make_user("snapshots", METADATA_SNAPSHOT, IMAGE);
	make_user("snapshots", METADATA_SNAPSHOT, "00000000000000bb");
	cr_expect_eq(rm(NULL, &says), 1);
	cr_expect_not_null(
		strstr(buf_text(&says), "1 sandbox and 1 snapshot,"), "%s", buf_text(&says));
	cr_expect_eq(access(image_path("images/" IMAGE), F_OK), 0);
	cr_expect_eq(rm("--force", &says), 0, "%s", buf_text(&says));
	cr_expect_lt(access(image_path("images/" IMAGE), F_OK), 0);
}

Test(image_rm, what_nobody_needs_goes)
{
	auto_buf struct buf says = { 0 };
	make_image();
	make_user("snapshots", METADATA_SNAPSHOT, "00000000000000bb");
	cr_expect_eq(rm(NULL, &says), 0, "%s", buf_text(&says));
	cr_expect_lt(access(image_path("images/" IMAGE), F_OK), 0);
}
