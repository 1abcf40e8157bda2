/* The backends, and which of them a sandbox is made of. */

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/core/core.h"

#include <string.h>

/* In order of preference.  A guessing pool never ends up on the fake one: its user would drive a
 * desktop that is none. */
static const struct vm_backend *const backends[] = {
	&vm_backend_microvm,
	&vm_backend_namespace,
	&vm_backend_fake,
};
const char *const vm_backend_words[] = { "auto", "microvm", "namespace", "fake", NULL };
#define N_BACKENDS (sizeof(backends) / sizeof(backends[0]))

const struct vm_backend *vm_backend_named(const char *name)
{
	for (size_t i = 0; i < N_BACKENDS; i++) {
		if (strcmp(name, backends[i]->name) == 0) {
			return backends[i];
		}
	}
	return NULL;
}

/* What namespaces do not have. */
const char *vm_needs_machine(const struct vm_spec *spec)
{
	return spec->image                            ? "images need"
	       : spec->network != VM_NETWORK_NONE     ? "a network needs"
	       : spec->from                           ? "snapshots need"
	       : spec->on_timeout == VM_TIMEOUT_PAUSE ? "a pause at a timeout needs"
						      : NULL;
}

/* The first that says it is likely to work; the last resort says so when it does not. */
static const struct vm_backend *backend_guess(
	struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	struct err why = { 0 };
	for (size_t i = 0; i < N_BACKENDS; i++) {
		if (backends[i]->is_likely && backends[i]->is_likely(pool, spec, &why)) {
			return backends[i];
		}
	}
	if (why.kind != ERR_NONE && strcmp(why.text, pool->guessed.text) != 0) {
		pool->guessed = why;
		log_info("backend=namespace, for microvm: %s", why.text);
	}
	/* Why that one does not work says more than that this one cannot. */
	if (vm_needs_machine(spec) && why.kind != ERR_NONE) {
		*err = why;
		err_while(err, "%s the microvm backend", vm_needs_machine(spec));
		return NULL;
	}
	return &vm_backend_namespace;
}

const struct vm_backend *vm_backend_for(
	struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	const char *name = pool->config.backend;
	if (strcmp(name, "auto") == 0) {
		return backend_guess(pool, spec, err);
	}
	const struct vm_backend *backend = vm_backend_named(name);
	if (!backend) {
		err_set(err, ERR_UNSUPPORTED,
			"there is no backend '%.40s'; use auto, microvm, namespace or fake", name);
	}
	return backend;
}

void vm_probe(const struct vm_config *config,
	void (*fn)(const char *backend, const struct err *err, const char *detail, void *data),
	void *data)
{
	struct vm_config filled = *config;
	vm_config_fill(&filled);
	for (size_t i = 0; i < N_BACKENDS; i++) {
		auto_free char *detail = NULL;
		struct err err = { 0 };
		bool works = backends[i]->probe(&filled, &detail, &err);
		fn(backends[i]->name, works ? NULL : &err, detail, data);
	}
}
