#include "base/userns.h"

#include <stdio.h>

static bool has(const char *map_file, uint32_t first, uint32_t count)
{
	FILE *map = fopen(map_file, "re");
	unsigned long inside, outside, n;
	bool found = false;
	while (map && fscanf(map, "%lu %lu %lu", &inside, &outside, &n) == 3) {
		found |= first >= inside && first + count <= inside + n;
	}
	if (map) {
		fclose(map);
	}
	return found;
}

bool userns_has_ids(uint32_t first, uint32_t count)
{
	return has("/proc/self/uid_map", first, count) && has("/proc/self/gid_map", first, count);
}
