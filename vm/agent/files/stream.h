#ifndef VM_AGENT_FILES_STREAM_H
#define VM_AGENT_FILES_STREAM_H

#include "base/buf.h"
#include "vm/agent/files/job.h"

/* A job that sends rows.  Its steps add some to `out`; when the host has taken them, the next step
 * runs, until one sets `complete`. */
struct file_stream {
	struct file_job job; /* first */
	struct buf out;
	size_t sent; /* bytes of out */
	bool complete;
	/* Answers, after everything was sent. */
	void (*answer)(struct file_stream *stream);
	/* After everything that there is was sent, instead of a next step; NULL: the next step. */
	void (*idle)(struct file_stream *stream);
	/* Of the host, with the stream as data; NULL: none is possible. */
	void (*on_message)(const struct message *message, const void *args, void *data);
};

/* Of a new job, whose kind->stepped must be file_stream_stepped(). */
bool file_stream_open(struct file_stream *stream, struct err *err) NODISCARD;
void file_stream_stepped(struct file_job *job);
void file_stream_done(struct file_stream *stream);
/* Whether a step runs, or rows wait to be sent. */
bool file_stream_is_busy(const struct file_stream *stream);
/* Whether a step has added enough. */
bool file_stream_is_full(const struct file_stream *stream);

#endif
