#include "vm/agent/files/simple.h"

#include "base/cleanup.h"
#include "vm/agent/files/path.h"

static void step(struct file_job *data)
{
	struct file_simple *job = (struct file_simple *)data;
	(void)!job->step(job, &data->err);
}

static void stepped(struct file_job *data)
{
	struct file_simple *job = (struct file_simple *)data;
	if (data->err.kind != ERR_NONE) {
		file_job_fail(data, &data->err);
		return;
	}
	if (job->entry) {
		job->answer.plain.entry = job->entry;
	}
	file_job_answer(data, &job->answer);
}

static void simple_free(struct file_job *data)
{
	struct file_simple *job = (struct file_simple *)data;
	json_decref(job->entry);
	free(job->path);
	free(job->to);
}

static const struct file_job_kind kind = {
	.size = sizeof(struct file_simple),
	.step = step,
	.stepped = stepped,
	.free = simple_free,
};

struct file_simple *file_simple_new(
	struct request *req, const char *path, const char *to, file_simple_fn *fn)
{
	struct file_simple *job = file_job_new(req, &kind);
	struct err err;
	job->step = fn;
	job->path = path_take(path, &err);
	job->to = job->path && to ? path_take(to, &err) : NULL;
	if (!job->path || (to && !job->to)) {
		file_job_fail(&job->job, &err);
		return NULL;
	}
	return job;
}
