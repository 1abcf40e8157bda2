#include "tests/support/dirty_child.h"

struct pages_file child_file(int fd)
{
	struct stat st;
	cr_assert_eq(fstat(fd, &st), 0);
	return (struct pages_file){ st.st_dev, st.st_ino, (uint64_t)st.st_size };
}

static void child_dirty(uint8_t *ram, size_t pages, const struct dirt *dirt)
{
	static volatile uint8_t seen;
	for (size_t i = 0; i < pages; i += 7) {
		seen = ram[i * PAGES_SIZE]; /* a page that was only read is not changed */
	}
	(void)seen;
	for (; dirt && dirt->count; dirt++) {
		memset(ram + (size_t)dirt->first * PAGES_SIZE, dirt->byte,
			(size_t)dirt->count * PAGES_SIZE);
	}
}

struct child child_start(int fd, const struct dirt *dirt, int maps)
{
	struct child child = { .file = child_file(fd) };
	int ready[2], alive[2]; /* alive: the test's end, which closes with the test whoever it is
				   by then */
	char byte = 0;
	cr_assert_eq(pipe(ready), 0);
	cr_assert_eq(pipe(alive), 0);
	child.pid = fork();
	cr_assert_geq(child.pid, 0);
	if (child.pid == 0) {
		close(alive[1]);
		prctl(PR_SET_DUMPABLE, 1); /* a change of user took that away */
		uint8_t *ram = NULL;
		for (int i = 0; i < maps; i++) {
			ram = mmap(
				NULL, child.file.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		}
		if (maps) {
			child_dirty(ram, child.file.bytes / PAGES_SIZE, dirt);
		}
		(void)!write(ready[1], &byte, 1);
		(void)!read(alive[0], &byte, 1);
		_exit(0);
	}
	close(alive[0]);
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

struct pages_process child_attach(const struct child *child)
{
	struct pages_process process;
	struct err err = { 0 };
	cr_assert(pages_attach(&process, child->pid, &child->file, &err), "%s", err.text);
	return process;
}

bool child_save(struct pages_process *process, const uint8_t *base, int out, uint64_t *ret_bytes,
	struct err *err)
{
	struct pages_copy copy;
	bool ok = pages_copy_prepare(process, "/tmp", &copy, err) &&
		  pages_copy_take(process, "/tmp", &copy, err) &&
		  pages_copy_write(&copy, process->bytes / PAGES_SIZE, base, out, ret_bytes, err);
	pages_copy_done(&copy);
	return ok;
}

void child_end(struct child *child)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
}

int child_base(size_t pages, size_t filled)
{
	uint8_t page[PAGES_SIZE];
	int fd = memfd_create("base", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cr_assert_eq(ftruncate(fd, (off_t)(pages * PAGES_SIZE)), 0);
	for (size_t i = 0; i < filled; i++) {
		memset(page, (int)(i + 1), sizeof(page));
		cr_assert_eq(pwrite(fd, page, sizeof(page), (off_t)(i * PAGES_SIZE)),
			(ssize_t)sizeof(page));
	}
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK), 0);
	return fd;
}

void child_compare(const struct pages_process *a, const struct pages_process *b)
{
	static uint8_t one[PAGES_SIZE], two[PAGES_SIZE];
	cr_assert_eq(a->bytes, b->bytes);
	for (uint64_t at = 0; at < a->bytes; at += PAGES_SIZE) {
		cr_assert_eq(pread(a->memory, one, PAGES_SIZE, (off_t)(a->start + at)), PAGES_SIZE);
		cr_assert_eq(pread(b->memory, two, PAGES_SIZE, (off_t)(b->start + at)), PAGES_SIZE);
		cr_assert_eq(memcmp(one, two, PAGES_SIZE), 0, "page %llu differs",
			(unsigned long long)at / PAGES_SIZE);
	}
}
