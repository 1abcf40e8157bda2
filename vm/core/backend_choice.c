/* Selects the backend of a sandbox.  The list of backends is an argument of vm_pool_new(). */

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "vm/core/core.h"

#include <string.h>

const struct vm_backend *vm_backend_named(const struct vm_pool *pool, const char *name)
{
	const struct vm_backend *const *at = pool->backends;
	while (*at && strcmp(name, (*at)->name) != 0) {
		at++;
	}
	return *at;
}

const char *vm_backend_lacks(const struct vm_backend *backend, const struct vm_spec *spec)
{
	return spec->image && !backend->has_images                         ? "images need"
	       : spec->network != VM_NETWORK_NONE && !backend->has_network ? "a network needs"
	       : spec->from && !backend->save                              ? "snapshots need"
	       : spec->on_timeout == VM_TIMEOUT_PAUSE && !backend->save
		       ? "on_timeout=pause requires"
		       : NULL;
}

/* If a backend lacks a feature, suggests the first one that can save. */
static const struct vm_backend *best(const struct vm_pool *pool)
{
	const struct vm_backend *const *at = pool->backends;
	while (*at && !((*at)->save && (*at)->how_to_have)) {
		at++;
	}
	return *at;
}

bool vm_cannot(const struct vm_pool *pool, const struct vm_backend *backend, const char *what,
	struct err *err)
{
	const struct vm_backend *can = best(pool);
	return can ? err_set(err, ERR_UNSUPPORTED,
			     "%s the %s backend; this sandbox uses '%s'. The administrator of "
			     "the server can enable it with %s",
			     what, can->name, backend->name, can->how_to_have)
		   : err_set(err, ERR_UNSUPPORTED, "%s another backend; this sandbox uses '%s'",
			     what, backend->name);
}

/* ---- guessing ---- */

/* The first one that is likely to work; otherwise the last resort, with a log message.  Others are
 * never selected automatically: the fake backend's desktop is not real. */
static const struct vm_backend *guess(
	struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	const struct vm_backend *preferred = NULL, *resort = NULL;
	struct err why = { 0 }, one;
	for (const struct vm_backend *const *at = pool->backends; *at; at++) {
		if ((*at)->is_likely && (*at)->is_likely(pool, spec, &one)) {
			return *at;
		}
		if ((*at)->is_likely && !preferred) {
			preferred = *at;
			why = one;
		}
		resort = (*at)->last_resort ? *at : resort;
	}
	if (!resort) {
		err_set(err, ERR_UNSUPPORTED, "no backend can be selected automatically");
		*err = preferred ? why : *err;
		return NULL;
	}
	if (preferred && strcmp(why.text, pool->guessed.text) != 0) {
		pool->guessed = why;
		log_info("backend=%s, for %s: %s", resort->name, preferred->name, why.text);
	}
	/* Why that one does not work is more useful than what this one lacks. */
	const char *lacks = vm_backend_lacks(resort, spec);
	if (preferred && lacks) {
		*err = why;
		err_while(err, "%s the %s backend", lacks, preferred->name);
		return NULL;
	}
	return resort;
}

static void no_such_backend(const struct vm_pool *pool, const char *name, struct err *err)
{
	auto_buf struct buf names = { 0 };
	buf_printf(&names, "auto");
	for (const struct vm_backend *const *at = pool->backends; *at; at++) {
		buf_printf(&names, "%s%s", at[1] ? ", " : " or ", (*at)->name);
	}
	err_set(err, ERR_UNSUPPORTED, "unknown backend '%.40s'; expected %s", name,
		buf_text(&names));
}

const struct vm_backend *vm_backend_for(
	struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	const char *name = pool->config.backend;
	if (strcmp(name, "auto") == 0) {
		return guess(pool, spec, err);
	}
	const struct vm_backend *backend = vm_backend_named(pool, name);
	if (!backend) {
		no_such_backend(pool, name, err);
	}
	return backend;
}

void vm_probe(const struct vm_config *config, const struct vm_backend *const *backends,
	void (*fn)(const char *backend, const struct err *err, const char *detail, void *data),
	void *data)
{
	struct vm_config filled = *config;
	vm_config_fill(&filled);
	for (; *backends; backends++) {
		auto_free char *detail = NULL;
		struct err err = { 0 };
		bool works = (*backends)->probe(&filled, &detail, &err);
		fn((*backends)->name, works ? NULL : &err, detail, data);
	}
}
