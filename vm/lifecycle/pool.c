/* Creates a pool with all its parts. */

#include "vm/lifecycle/lifecycle_impl.h"

#include "base/cleanup.h"

static const struct vm_part *const parts[] = {
	&vm_timeout_part,
	&vm_metadata_part, /* writes the current timeouts */
	&vm_warm_part,
	&vm_warm_claim_part,
	&vm_template_part,
	&vm_snapshots_part,
	NULL,
};

struct vm_pool *vm_pool_new(
	sd_event *event, const struct vm_config *config, const struct vm_backend *const *backends)
{
	struct lifecycle_pool *l = must(calloc(1, sizeof(*l)));
	vm_pool_init(&l->pool, event, config, backends, parts);
	TAILQ_INIT(&l->templates);
	TAILQ_INIT(&l->claims);
	for (const struct vm_part *const *part = parts; *part; part++) {
		if ((*part)->begun) {
			(*part)->begun(&l->pool);
		}
	}
	return &l->pool;
}
