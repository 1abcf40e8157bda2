#ifndef VM_IMAGE_HOST_H
#define VM_IMAGE_HOST_H

#include "base/buf.h"

#include <jansson.h>

/* What building an image needs of this machine. */

/* Programs, sub-ids of an ordinary user (vm/image/walls.h), room: all that is missing, and what to
 * do about it. */
bool build_host_check(const char *images, int64_t disk_mib, struct err *err) NODISCARD;
/* The files that say where apt's packages come from, as a list of texts; empty is ERR_UNSUPPORTED.
 */
json_t *build_host_sources(struct err *err) NODISCARD;
/* apt's options about fetching that differ from machine to machine (proxies and the like), as
 * "Name \"value\"". */
json_t *build_host_aptopts(void);
/* Refuses the name of a package that apt's lists do not have; without lists nothing is refused. */
bool build_host_packages(const json_t *packages, struct err *err) NODISCARD;
/* Reads apt's lists anew into the folder `work`, where apt looks for them from then on (in
 * APT_CONFIG): for who may not write to this machine's. */
bool host_read_lists(const char *work, struct err *err) NODISCARD;

#endif
