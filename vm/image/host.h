#ifndef VM_IMAGE_HOST_H
#define VM_IMAGE_HOST_H

#include "base/buf.h"

#include <jansson.h>

/* Requirements of image builds on this machine. */

/* Programs, subordinate ids of an ordinary user (vm/image/isolation.h), disk space: reports everything
 * that is missing, and what to do. */
bool build_host_check(const char *images, int64_t disk_mib, struct err *err) NODISCARD;
/* The files with apt's package sources, as an array of strings; none is ERR_UNSUPPORTED. */
json_t *build_host_sources(struct err *err) NODISCARD;
/* apt's options for downloads that depend on the machine (proxies and similar), as "Name
 * \"value\"". */
json_t *build_host_aptopts(void);
/* Refuses the name of a package that is not in apt's lists; without lists, accepts all. */
bool build_host_packages(const json_t *packages, struct err *err) NODISCARD;
/* Downloads apt's lists into the folder `work`, where apt then finds them (with APT_CONFIG), for
 * users who cannot write to this machine's. */
bool host_read_lists(const char *work, struct err *err) NODISCARD;

#endif
