/* Makes, moves, copies and removes files. */
#include "base/cleanup.h"
#include "vm/agent/files/entry.h"
#include "vm/agent/files/failure.h"
#include "vm/agent/files/path.h"
#include "vm/agent/files/simple.h"
#include "vm/agent/files/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool describe(struct file_simple *job, const char *path, struct err *err)
{
	job->entry = file_entry_of(path, false, err);
	return job->entry != NULL;
}

/* ---- file_make_directory ---- */

static bool make_step(struct file_simple *job, struct err *err)
{
	return tree_make(job->path, (mode_t)job->mode, job->flag, &job->answer.made.made, err) &&
	       describe(job, job->path, err);
}

static void run_make(struct request *req, const void *data)
{
	const struct msg_file_make_directory *args = data;
	struct file_simple *job = file_simple_new(req, args->path, NULL, make_step);
	if (job) {
		job->flag = args->parents;
		job->mode = args->mode;
		file_job_step(&job->job);
	}
}

const struct op op_file_make_directory = {
	.message = &message_file_make_directory,
	.run = run_make,
	.has_user = true,
};

/* ---- file_move, file_copy ---- */

/* Whether the new path may be used.  rename() itself checks this only if it is given the same
 * file system. */
static bool check_target(const struct file_simple *job, struct err *err)
{
	struct stat from, to, from_target;
	if (lstat(job->path, &from) < 0) {
		return file_failed(err, "read", job->path);
	}
	if (S_ISDIR(from.st_mode) && path_is_below(job->to, job->path)) {
		return file_refused(err, ERR_ARGUMENT, job->to,
			"is inside of the directory that is to be put there (EINVAL)");
	}
	if (lstat(job->to, &to) < 0) {
		return true;
	}
	struct stat target;
	if (stat(job->to, &target) == 0 && stat(job->path, &from_target) == 0 &&
		target.st_dev == from_target.st_dev && target.st_ino == from_target.st_ino) {
		return file_refused(
			err, ERR_ARGUMENT, job->to, "and the original are the same file (EINVAL)");
	}
	if (!job->flag) {
		return file_refused(err, ERR_STATE, job->to,
			S_ISDIR(to.st_mode)
				? "is a directory (EEXIST); pass the complete new path"
				: "exists already (EEXIST); pass 'replace' to replace it");
	}
	if (S_ISDIR(to.st_mode) && !S_ISDIR(from.st_mode)) {
		return file_refused(err, ERR_ARGUMENT, job->to,
			"is a directory, which a file cannot replace (EISDIR); pass the complete "
			"new path");
	}
	return !S_ISDIR(from.st_mode) || S_ISDIR(to.st_mode) ||
	       file_refused(err, ERR_ARGUMENT, job->to,
		       "is not a directory, so that a directory cannot replace it (ENOTDIR)");
}

/* Beside the new path, until it is complete. */
static bool copy_to(struct file_simple *job, struct tree_copy *copy, struct err *err)
{
	auto_free char *temporary = tree_temporary(job->to);
	if (tree_copy(job->path, temporary, copy, err) &&
		(copy->files || file_refused(err, ERR_ARGUMENT, job->path,
					"is a socket or a device, which cannot be copied")) &&
		tree_put(temporary, job->to, job->flag, job->to, err)) {
		return true;
	}
	tree_discard(temporary);
	return false;
}

static bool move_between(struct file_simple *job, struct err *err)
{
	struct tree_copy copy = { .stop = &job->job.stop };
	struct tree_removal removal = { .stop = &job->job.stop };
	if (!copy_to(job, &copy, err)) {
		return false;
	}
	if (copy.skipped) {
		tree_discard(job->to);
		return err_set(err, ERR_UNSUPPORTED,
			"%s, which cannot be moved between file systems", copy.note);
	}
	return tree_remove(job->path, true, &removal, err);
}

static bool move_step(struct file_simple *job, struct err *err)
{
	if (!check_target(job, err) || !tree_make_parent(job->to, err)) {
		return false;
	}
	if (!tree_put(job->path, job->to, job->flag, job->path, err)) {
		if (err->sys != EXDEV) {
			return false;
		}
		*err = (struct err){ 0 };
		if (!move_between(job, err)) {
			return false;
		}
	}
	return describe(job, job->to, err);
}

static bool copy_step(struct file_simple *job, struct err *err)
{
	struct tree_copy copy = { .stop = &job->job.stop };
	if (!check_target(job, err) || !tree_make_parent(job->to, err) ||
		!copy_to(job, &copy, err) || !describe(job, job->to, err)) {
		return false;
	}
	snprintf(job->note, sizeof(job->note), "%s", copy.note);
	job->answer.copied = (struct msg_file_copy_answer){
		.files = copy.files,
		.bytes = copy.bytes,
		.skipped = copy.skipped,
		.note = copy.skipped ? job->note : NULL,
	};
	return true;
}

static void run_two(
	struct request *req, const char *from, const char *to, bool replace, file_simple_fn *step)
{
	struct file_simple *job = file_simple_new(req, from, to, step);
	if (job) {
		job->flag = replace;
		job->job.yields = step == copy_step;
		file_job_step(&job->job);
	}
}

static void run_move(struct request *req, const void *data)
{
	const struct msg_file_move *args = data;
	run_two(req, args->from, args->to, args->replace, move_step);
}

static void run_copy(struct request *req, const void *data)
{
	const struct msg_file_copy *args = data;
	run_two(req, args->from, args->to, args->replace, copy_step);
}

const struct op op_file_move = {
	.message = &message_file_move,
	.run = run_move,
	.has_user = true,
};

const struct op op_file_copy = {
	.message = &message_file_copy,
	.run = run_copy,
	.has_user = true,
};

/* ---- file_remove ---- */

/* By whatever path it is named. */
static bool contains_home(const char *path)
{
	const char *home = getenv("HOME");
	auto_free char *above = must(strdup(home ? home : "/"));
	struct stat st, one;
	if (lstat(path, &st) < 0) {
		return false;
	}
	for (bool more = true; more;) {
		if (stat(above, &one) == 0 && one.st_dev == st.st_dev && one.st_ino == st.st_ino) {
			return true;
		}
		char *parent = path_parent(above);
		more = strcmp(above, "/") != 0;
		free(above);
		above = parent;
	}
	return false;
}

static bool remove_step(struct file_simple *job, struct err *err)
{
	struct tree_removal removal = { .stop = &job->job.stop };
	if (contains_home(job->path)) {
		return file_refused(err, ERR_ARGUMENT, job->path,
			"contains the home directory, or is it, and is not removed; name the files "
			"in it");
	}
	if (!tree_remove(job->path, job->flag, &removal, err)) {
		if (!job->more || err->sys != ENOENT || removal.removed) {
			return false;
		}
		*err = (struct err){ 0 };
	}
	job->answer.removed.removed = removal.removed;
	return true;
}

static void run_remove(struct request *req, const void *data)
{
	const struct msg_file_remove *args = data;
	struct file_simple *job = file_simple_new(req, args->path, NULL, remove_step);
	if (job) {
		job->flag = args->recursive;
		job->more = args->missing_ok;
		job->job.yields = args->recursive;
		file_job_step(&job->job);
	}
}

const struct op op_file_remove = {
	.message = &message_file_remove,
	.run = run_remove,
	.has_user = true,
};
