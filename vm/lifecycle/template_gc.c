/*
 * Templates are a cache: a deleted one is created again when needed.  The directory's time is that
 * of the last use.  Users hold a shared lock, and locked ones are kept.
 */

#include "vm/lifecycle/template.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define UNUSED_DAYS 30
#define BYTES_MAX (16LL << 30) /* of all together, on disk */
#define LOOKED_AT_MAX 1000

struct found {
	char name[128];
	time_t used;
	int64_t bytes;
	bool is_gone;
};

struct look {
	struct found found[LOOKED_AT_MAX];
	size_t n;
};

bool template_describe(const char *dir, const char *key, struct err *err)
{
	json_auto_t *json = json_pack("{s:i, s:s, s:I}", "version", 1, "key", key, "created",
		(json_int_t)clock_wall_ms());
	return state_write_json(dir, "template.json", json, err);
}

void template_touch(int fd)
{
	if (futimens(fd, NULL) < 0) {
		log_debug("cannot set the time of a template: %s", strerror(errno));
	}
}

static void look_at(const char *name, const char *path, void *data)
{
	struct look *look = data;
	struct stat st;
	if (look->n < LOOKED_AT_MAX && stat(path, &st) == 0) {
		struct found *found = &look->found[look->n++];
		snprintf(found->name, sizeof(found->name), "%s", name);
		found->used = st.st_mtime;
		found->bytes = state_bytes(path);
	}
}

static int newest_first(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	return (x->used < y->used) - (x->used > y->used);
}

static bool throw_away(struct vm_pool *pool, struct found *found, const char *why)
{
	auto_close int lock = state_lock(pool->state, STATE_TEMPLATES, found->name);
	if (lock < 0) {
		return false;
	}
	log_info("template=%s deleted: %s", found->name, why);
	state_remove(pool->state, STATE_TEMPLATES, found->name);
	found->is_gone = true;
	return true;
}

/* Returns the number of bytes freed. */
static int64_t remove_over_limit(struct vm_pool *pool, struct look *look)
{
	time_t too_old = time(NULL) - UNUSED_DAYS * 24 * 3600;
	int64_t kept = 0, gone = 0;
	for (size_t i = 0; i < look->n; i++) {
		struct found *found = &look->found[i];
		bool old = found->used < too_old;
		if ((old || kept + found->bytes > BYTES_MAX) &&
			throw_away(pool, found, old ? "not used recently" : "too many templates")) {
			gone += found->bytes;
		} else {
			kept += found->bytes;
		}
	}
	return gone;
}

void template_collect(struct vm_pool *pool, int64_t room_mib)
{
	struct look *look = must(calloc(1, sizeof(*look)));
	int64_t lacking = (room_mib << 20) - state_free(pool->state);
	state_each(pool->state, STATE_TEMPLATES, look_at, look);
	qsort(look->found, look->n, sizeof(look->found[0]), newest_first);
	lacking -= remove_over_limit(pool, look);
	for (size_t i = look->n; i-- > 0 && lacking > 0;) {
		struct found *found = &look->found[i];
		if (!found->is_gone && throw_away(pool, found, "disk space is needed")) {
			lacking -= found->bytes;
		}
	}
	free(look);
}
