// USES image base
/* What an archive may become: each limit is held, and what is just within it is unpacked. */
#include "base/cleanup.h"
#include "vm/image/run.h"
#include "vm/image/unpack.h"

#include "tests/support/image_scratch.h"
#include "tests/support/tar_writer.h"

#include <signal.h>

#define MIB ((uint64_t)1 << 20)

static struct err err;
static int into;
static struct buf tar;

static void begin(void)
{
	signal(SIGPIPE, SIG_IGN);
	image_scratch_make();
	mkdir(image_path("into"), 0755);
	into = open(image_path("into"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(into, 0);
}

static void end(void)
{
	close(into);
	buf_done(&tar);
	image_scratch_remove();
}

TestSuite(image_unpack, .init = begin, .fini = end, .timeout = 120);

static bool unpack(const struct unpack_limits *limits, const char *compress)
{
	tar_end(&tar);
	auto_close int fd = open(image_path("tar"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert_eq(write(fd, tar.data, tar.len), (ssize_t)tar.len);
	if (compress) {
		auto_buf struct buf out = { 0 };
		const char *argv[] = { compress, "-c", image_path("tar"), NULL };
		cr_assert(run_program(&(struct run){ .argv = argv, .out = &out }, &err), "%s",
			err.text);
		cr_assert(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
		cr_assert_eq(write(fd, out.data, out.len), (ssize_t)out.len);
	}
	err = (struct err){ 0 };
	return unpack_tar(into, fd, limits, &err);
}

static void add_files(int n)
{
	for (int i = 0; i < n; i++) {
		char name[40];
		snprintf(name, sizeof(name), "%s%d", i % 2 ? "" : "new\nline", i);
		tar_add(&tar, &(struct tar_entry){ '0', name });
	}
}

Test(image_unpack, as_many_files_as_may_be)
{
	add_files(3000);
	cr_assert(unpack(&(struct unpack_limits){ 64 * MIB, MIB, 3000 }, NULL), "%s", err.text);
	cr_assert(faccessat(into, "2999", F_OK, 0) == 0);
}

Test(image_unpack, one_file_more_than_may_be)
{
	add_files(3001);
	cr_assert_not(unpack(&(struct unpack_limits){ 64 * MIB, MIB, 3000 }, NULL));
	cr_assert_eq(err.kind, ERR_LIMIT);
	cr_assert_str_eq(err.text, "the archive has more than 3000 files");
}

Test(image_unpack, a_bomb_of_each_compression)
{
	static const char *const programs[] = { "gzip", "xz", "zstd", "bzip2" };
	char *zeros = must(malloc(32 * MIB));
	memset(zeros, '0', 32 * MIB - 1);
	zeros[32 * MIB - 1] = '\0';
	tar_add(&tar, &(struct tar_entry){ '0', "bomb", .text = zeros });
	free(zeros);
	for (size_t i = 0; i < 4; i++) {
		cr_assert_not(
			unpack(&(struct unpack_limits){ 8 * MIB, 64 * MIB, 10 }, programs[i]));
		cr_assert_eq(err.kind, ERR_LIMIT, "%s: %s", programs[i], err.text);
		cr_assert_str_eq(err.text, "the archive is larger than 8 MiB when unpacked");
		cr_assert(unpack(&(struct unpack_limits){ 64 * MIB, 64 * MIB, 10 }, programs[i]),
			"%s", err.text);
	}
}

/* Attributes for all that follows, again and again: no name is said, nothing is written. */
Test(image_unpack, a_bomb_that_is_no_file)
{
	char text[60001];
	memset(text, 'a', sizeof(text));
	memcpy(text, "60000 comment=", 14);
	memcpy(text + sizeof(text) - 2, "\n", 2);
	for (int i = 0; i < 256; i++) {
		tar_add(&tar, &(struct tar_entry){ 'g', "global", .text = text });
	}
	cr_assert_not(unpack(&(struct unpack_limits){ 8 * MIB, MIB, 10 }, "gzip"));
	cr_assert_str_eq(err.text, "the archive is larger than 8 MiB when unpacked");
}

/* tar stops at the archive's end. */
Test(image_unpack, what_follows_the_end_is_not_unpacked)
{
	static const uint8_t zeros[1 << 16];
	tar_add(&tar, &(struct tar_entry){ '0', "file" });
	tar_end(&tar);
	for (int i = 0; i < 256; i++) {
		buf_append(&tar, zeros, sizeof(zeros));
	}
	cr_assert(unpack(&(struct unpack_limits){ 64 * MIB, MIB, 10 }, "gzip"), "%s", err.text);
	cr_assert(faccessat(into, "file", F_OK, 0) == 0);
}

Test(image_unpack, a_file_that_becomes_too_large)
{
	tar_add(&tar, &(struct tar_entry){ 'S', "hole", .text = "x", .size = 2 * MIB });
	cr_assert_not(unpack(&(struct unpack_limits){ 8 * MIB, MIB, 10 }, NULL));
	cr_assert_eq(err.kind, ERR_LIMIT, "%s", err.text);
	cr_assert_str_eq(err.text, "a file in the archive is larger than 1 MiB");
	cr_assert(unpack(&(struct unpack_limits){ 8 * MIB, 2 * MIB, 10 }, NULL), "%s", err.text);
}

Test(image_unpack, what_is_no_archive)
{
	buf_printf(&tar, "This is no archive.\n");
	cr_assert_not(unpack(&(struct unpack_limits){ MIB, MIB, 10 }, NULL));
	cr_assert_eq(err.kind, ERR_ARGUMENT);
	cr_assert(strstr(err.text, "does not look like a tar archive"), "%s", err.text);
}

Test(image_unpack, more_words_than_are_kept)
{
	for (int i = 0; i < 3000; i++) { /* each is complained about */
		tar_add(&tar, &(struct tar_entry){ '1', "a", .to = "nowhere" });
	}
	cr_assert_not(unpack(&(struct unpack_limits){ 64 * MIB, MIB, 5000 }, NULL));
	cr_assert(strstr(err.text, "nowhere"), "%s", err.text);
}
