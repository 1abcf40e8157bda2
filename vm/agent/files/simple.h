#ifndef VM_AGENT_FILES_SIMPLE_H
#define VM_AGENT_FILES_SIMPLE_H

#include "vm/agent/files/job.h"

/* A job of one step, whose answer is a struct that begins with the entry. */
struct file_simple;
typedef bool file_simple_fn(struct file_simple *job, struct err *err);

struct file_simple {
	struct file_job job;
	file_simple_fn *step;
	char *path, *to; /* to: NULL unless there are two paths */
	bool flag, more; /* replace, parents, recursive, missing_ok: as the operation says */
	int64_t mode;
	json_t *entry;
	union {
		struct msg_file_answer plain;
		struct msg_file_make_directory_answer made;
		struct msg_file_copy_answer copied;
		struct msg_file_remove_answer removed;
	} answer;
	char note[MESSAGE_TEXT_MAX / 4];
};

/* NULL: the request was failed. */
struct file_simple *file_simple_new(
	struct request *req, const char *path, const char *to, file_simple_fn *step);

#endif
