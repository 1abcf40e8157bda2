/* What the sandbox uses of its CPUs, memory and disk, as the kernel tells it. */
#include "base/file.h"
#include "vm/agent/core/op.h"
#include "vm/agent/process/proc_scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The time of all CPUs that they were not idle; 0: unknown. */
static int64_t read_cpu_ms(void)
{
	char text[512];
	unsigned long long user, nice, system, idle, wait, irq, soft, stolen;
	long ticks = sysconf(_SC_CLK_TCK);
	if (file_read_text(AT_FDCWD, "/proc/stat", text, sizeof(text)) < 0 ||
		sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system,
			&idle, &wait, &irq, &soft, &stolen) != 8) {
		return 0;
	}
	return (int64_t)(user + nice + system + irq + soft) * 1000 / (ticks > 0 ? ticks : 100);
}

/* A row of /proc/meminfo, in bytes. */
static int64_t memory_row(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? strtoll(at + strlen(name), NULL, 10) << 10 : 0;
}

static void read_memory(struct msg_usage_answer *answer)
{
	char text[4096];
	if (file_read_text(AT_FDCWD, "/proc/meminfo", text, sizeof(text)) < 0) {
		return;
	}
	int64_t available = memory_row(text, "MemAvailable:");
	answer->memory_total = memory_row(text, "MemTotal:");
	answer->memory_used = answer->memory_total - available;
	answer->memory_cache = memory_row(text, "\nCached:");
}

static void read_disk(struct msg_usage_answer *answer)
{
	const char *home = getenv("HOME");
	struct statvfs fs;
	if (statvfs(home ? home : "/", &fs) == 0) {
		answer->disk_total = (int64_t)(fs.f_blocks * fs.f_frsize);
		answer->disk_used = (int64_t)((fs.f_blocks - fs.f_bfree) * fs.f_frsize);
	}
}

static void usage(struct request *req, const void *args)
{
	const struct msg_usage *usage_args = args;
	struct msg_usage_answer answer = {
		.cpus = sysconf(_SC_NPROCESSORS_ONLN),
		.cpu_ms = read_cpu_ms(),
	};
	read_memory(&answer);
	read_disk(&answer);
	if (usage_args->processes) {
		proc_scan_usage(&answer.cpu_ms, &answer.memory_used);
		answer.memory_cache = 0;
	}
	request_answer(req, &answer);
}

const struct op op_usage = { .message = &message_usage, .run = usage };
