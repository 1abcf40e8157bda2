/* The process metrics, read from /proc. */
#include "server/metrics/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static uint64_t read_resident(void)
{
	unsigned long long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (file) {
		if (fscanf(file, "%llu %llu", &size, &resident) != 2) {
			resident = 0;
		}
		fclose(file);
	}
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	uint64_t n = 0;
	while (folder && readdir(folder)) {
		n++;
	}
	if (folder) {
		closedir(folder);
	}
	return n > 3 ? n - 3 : 0; /* without ".", ".." and the directory's own descriptor */
}

static double seconds_of(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* The start time is field 22 of /proc/self/stat, in clock ticks since boot. */
static double read_start_time(void)
{
	unsigned long long ticks = 0;
	struct timespec now, up;
	FILE *file = fopen("/proc/self/stat", "re");
	if (file) {
		if (fscanf(file,
			    "%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
			    "%*d %*d %*d %*d %llu",
			    &ticks) != 1) {
			ticks = 0;
		}
		fclose(file);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) / 1e9 +
	       (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void metrics_read_process(struct metrics_now *now)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	now->memory = read_resident();
	now->fds = count_fds();
	now->cpu_seconds = seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime);
	now->start_time = read_start_time();
}
