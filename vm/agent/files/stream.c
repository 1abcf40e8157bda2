#include "vm/agent/files/stream.h"

#define STEP_BYTES (64u << 10)

bool file_stream_is_full(const struct file_stream *stream)
{
	return stream->out.len >= STEP_BYTES;
}

static void pump(struct file_stream *stream)
{
	struct file_job *job = &stream->job;
	if (stream->sent < stream->out.len) {
		stream->sent += request_write(job->req, FILE_ROWS, stream->out.data + stream->sent,
			stream->out.len - stream->sent);
	}
	if (stream->sent < stream->out.len) {
		return; /* on_writable() follows */
	}
	stream->out.len = stream->sent = 0;
	if (job->err.kind != ERR_NONE) {
		file_job_fail(job, &job->err);
	} else if (stream->complete) {
		stream->answer(stream);
	} else if (stream->idle) {
		stream->idle(stream);
	} else {
		file_job_step(job);
	}
}

void file_stream_stepped(struct file_job *job)
{
	pump((struct file_stream *)job);
}

static bool has_step(const struct file_stream *stream)
{
	return stream->job.work || stream->job.waits || stream->job.cancelled;
}

bool file_stream_is_busy(const struct file_stream *stream)
{
	return has_step(stream) || stream->out.len > 0;
}

static void on_writable(void *data)
{
	struct file_stream *stream = data;
	if (!has_step(stream)) {
		pump(stream);
	}
}

static void on_message(const struct message *message, const void *args, void *data)
{
	struct file_stream *stream = data;
	stream->on_message(message, args, stream);
}

bool file_stream_open(struct file_stream *stream, struct err *err)
{
	static const struct request_talk talk = { .writable = on_writable, .message = on_message };
	return request_converse(stream->job.req, &talk, stream, err);
}

void file_stream_done(struct file_stream *stream)
{
	buf_done(&stream->out);
}
