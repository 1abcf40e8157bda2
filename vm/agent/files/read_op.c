/*
 * Sends a file.  While the loop sends one block, a thread reads the next, so a large file costs two
 * blocks of memory.
 */
#include "base/cleanup.h"
#include "vm/agent/files/entry.h"
#include "vm/agent/files/failure.h"
#include "vm/agent/files/job.h"
#include "vm/agent/files/open.h"
#include "vm/agent/files/path.h"

#include <errno.h>
#include <fcntl.h>

#define BLOCK (256u << 10)
#define SIZELESS_MAX (64u << 20) /* of a file whose size is unknown */

struct block {
	uint8_t *bytes;
	size_t len, sent;
	bool ready; /* the loop has it, otherwise the thread */
};

struct reading {
	struct file_job job; /* first */
	char *path;
	int fd;
	int64_t offset, length;
	/* The thread's, while a step runs. */
	int64_t left;
	bool complete, limited;
	unsigned fills; /* block */
	json_t *entry;
	/* The loop's. */
	unsigned sends;
	bool announced;
	int64_t bytes;
	struct block blocks[2];
};

/* ---- in a thread ---- */

static bool describe(struct reading *r, struct err *err)
{
	struct file_entry entry = { 0 };
	bool ok = file_entry_read_fd(&entry, r->fd, r->path) || file_failed(err, "read", r->path);
	r->entry = ok ? file_entry_json(&entry) : NULL;
	file_entry_done(&entry);
	return ok;
}

static bool open_it(struct reading *r, struct err *err)
{
	struct stat st;
	r->fd = open_regular(AT_FDCWD, r->path, O_RDONLY, r->path, &st, err);
	if (r->fd < 0 || !describe(r, err)) {
		return false;
	}
	bool sizeless = st.st_size == 0 || open_is_pseudo(r->fd);
	int64_t most = sizeless                 ? SIZELESS_MAX
		       : st.st_size > r->offset ? st.st_size - r->offset
						: 0;
	r->left = r->length && r->length < most ? r->length : most;
	r->limited = sizeless && r->left == most;
	for (int i = 0; i < 2; i++) {
		r->blocks[i].bytes = must(malloc(BLOCK));
	}
	return true;
}

/* False: the end of the file, or an error. */
static bool read_some(struct reading *r, struct block *block, struct err *err)
{
	size_t want = BLOCK - block->len;
	want = (int64_t)want < r->left ? want : (size_t)r->left;
	ssize_t n = want ? pread(r->fd, block->bytes + block->len, want, r->offset) : 0;
	if (n < 0 && errno == EINTR) {
		return true;
	}
	if (n < 0 && errno != EAGAIN) { /* a file of the kernel with no more now */
		return file_failed(err, "read", r->path);
	}
	if (n <= 0) {
		r->complete = want > 0 || r->left == 0;
		r->limited &= !r->complete || r->left == 0;
		return false;
	}
	block->len += (size_t)n;
	r->offset += n;
	r->left -= n;
	return true;
}

static void step(struct file_job *job)
{
	struct reading *r = (struct reading *)job;
	if (r->fd < 0 && !open_it(r, &job->err)) {
		return;
	}
	struct block *block = &r->blocks[r->fills];
	block->len = block->sent = 0;
	while (!atomic_load(&job->stop) && read_some(r, block, &job->err)) {
	}
}

/* ---- in the loop ---- */

/* True if the host has taken the whole block. */
static bool send_block(struct reading *r)
{
	struct block *block = &r->blocks[r->sends];
	size_t n = request_write(
		r->job.req, FILE_BYTES, block->bytes + block->sent, block->len - block->sent);
	block->sent += n;
	r->bytes += (int64_t)n;
	if (block->sent < block->len) {
		return false;
	}
	block->ready = false;
	r->sends = !r->sends;
	return true;
}

static bool is_busy(const struct reading *r)
{
	return r->job.work || r->job.waits;
}

static void pump(struct reading *r)
{
	bool more = true;
	while (more) {
		if (!is_busy(r) && !r->complete && !r->blocks[r->fills].ready) {
			file_job_step(&r->job);
		}
		more = r->blocks[r->sends].ready && send_block(r);
	}
	if (!is_busy(r) && r->complete && !r->blocks[0].ready && !r->blocks[1].ready) {
		file_job_answer(&r->job,
			&(struct msg_file_read_answer){ .bytes = r->bytes, .limited = r->limited });
	}
}

static void stepped(struct file_job *job)
{
	struct reading *r = (struct reading *)job;
	if (job->err.kind != ERR_NONE) {
		file_job_fail(job, &job->err);
		return;
	}
	if (!r->announced) {
		r->announced = request_send(
			job->req, &message_file_opened, &(struct msg_file_opened){ r->entry });
	}
	r->blocks[r->fills].ready = true;
	r->fills = !r->fills;
	pump(r);
}

static void on_writable(void *data)
{
	struct reading *r = data;
	if (!r->job.cancelled) {
		pump(r);
	}
}

static void reading_free(struct file_job *job)
{
	struct reading *r = (struct reading *)job;
	free(r->path);
	json_decref(r->entry);
	cleanup_close(&r->fd);
	free(r->blocks[0].bytes);
	free(r->blocks[1].bytes);
}

static const struct file_job_kind kind = {
	.size = sizeof(struct reading),
	.step = step,
	.stepped = stepped,
	.free = reading_free,
};

static void run(struct request *req, const void *data)
{
	static const struct request_talk talk = { .writable = on_writable };
	const struct msg_file_read *args = data;
	struct reading *r = file_job_new(req, &kind);
	struct err err;
	r->fd = -1;
	r->offset = args->offset;
	r->length = args->length;
	r->path = path_take(args->path, &err);
	if (r->path && request_converse(req, &talk, r, &err)) {
		file_job_step(&r->job);
	} else {
		file_job_fail(&r->job, &err);
	}
}

const struct op op_file_read = {
	.message = &message_file_read,
	.run = run,
	.has_user = true,
};
