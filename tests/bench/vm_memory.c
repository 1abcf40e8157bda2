/* The kernel's own account of a process's memory, a paragraph for each mapping. */
#include "tests/bench/vm_memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_qemu(pid_t pid)
{
	char path[64], name[32] = "";
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	FILE *file = fopen(path, "re");
	if (file) {
		(void)!fgets(name, sizeof(name), file);
		fclose(file);
	}
	return strncmp(name, "qemu-system", 11) == 0;
}

/* QEMU itself, or the only child of its walls, and so on down. */
static pid_t find_qemu(pid_t pid)
{
	for (int depth = 0; pid > 0 && !is_qemu(pid) && depth < 5; depth++) {
		char path[64], child[32] = "";
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
		FILE *file = fopen(path, "re");
		if (file) {
			(void)!fgets(child, sizeof(child), file);
			fclose(file);
		}
		pid = (pid_t)strtol(child, NULL, 10);
	}
	return pid;
}

static double field(const char *line, const char *name)
{
	size_t len = strlen(name);
	return strncmp(line, name, len) == 0 ? strtod(line + len, NULL) / 1024 : 0;
}

/* The first line of a paragraph: START-END rights ... name; a field has no dash there. */
static bool is_mapping(const char *line)
{
	size_t hex = strspn(line, "0123456789abcdef");
	return hex && line[hex] == '-';
}

static bool is_ram(const char *line, const char *name, int64_t mib)
{
	char *end;
	uint64_t from = strtoull(line, &end, 16), to = strtoull(end + 1, NULL, 16);
	return name ? strstr(line, name) != NULL : (int64_t)((to - from) >> 20) >= mib;
}

bool vm_memory_of(pid_t pid, const char *ram, int64_t mib, struct vm_memory *ret, struct err *err)
{
	char path[64], line[512];
	pid_t qemu = find_qemu(pid);
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)qemu);
	FILE *file = qemu > 0 ? fopen(path, "re") : NULL;
	if (!file) {
		return err_errno(err, "cannot read the memory of QEMU, process %d", (int)pid);
	}
	*ret = (struct vm_memory){ 0 };
	for (bool guest = false; fgets(line, sizeof(line), file);) {
		if (is_mapping(line)) {
			guest = is_ram(line, ram, mib);
		}
		double own = field(line, "Private_Clean:") + field(line, "Private_Dirty:");
		*(guest ? &ret->guest : &ret->own) += guest ? field(line, "Anonymous:") : own;
		ret->pss += field(line, "Pss:");
	}
	fclose(file);
	return ret->pss > 0 || err_set(err, ERR_HOST, "%s is empty", path);
}

double vm_slope(const double *x, const double *y, size_t n)
{
	double sx = 0, sy = 0, sxx = 0, sxy = 0;
	for (size_t i = 0; i < n; i++) {
		sx += x[i], sy += y[i], sxx += x[i] * x[i], sxy += x[i] * y[i];
	}
	double below = (double)n * sxx - sx * sx;
	return below > 0 ? ((double)n * sxy - sx * sy) / below : 0;
}
