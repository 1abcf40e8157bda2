/* Describes a file. */
#include "vm/agent/files/simple.h"

#include "base/cleanup.h"
#include "vm/agent/files/entry.h"

static bool stat_step(struct file_simple *job, struct err *err)
{
	job->entry = file_entry_of(job->path, job->flag, err);
	return job->entry != NULL;
}

static void run(struct request *req, const void *data)
{
	const struct msg_file_stat *args = data;
	struct file_simple *job = file_simple_new(req, args->path, NULL, stat_step);
	if (job) {
		job->flag = args->xattrs;
		file_job_step(&job->job);
	}
}

const struct op op_file_stat = {
	.message = &message_file_stat,
	.run = run,
	.has_user = true,
};
