#ifndef VM_AGENT_FILES_ATTRIBUTES_H
#define VM_AGENT_FILES_ATTRIBUTES_H

#include "base/err.h"

#include <jansson.h>

/*
 * Extended attributes user.* of files and directories.  A file system that has none (tmpfs before
 * Linux 6.6, on which a microVM's changes are) gets them from files in the run-time directory, named
 * by device and inode; they last as long as the machine runs.  All of these run in a step.
 */

#define ATTRIBUTES_VALUE_MAX 4096
#define ATTRIBUTES_ALL_MAX 8192 /* bytes of values that are reported */

/* Those whose names and values are UTF-8: {"user.NAME": text}. */
json_t *attributes_of(int fd);
/* Removes those that there are.  shown: the path, for errors. */
bool attributes_replace(
	int fd, const json_t *attributes, const char *shown, struct err *err) NODISCARD;

#endif
