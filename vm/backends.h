#ifndef VM_BACKENDS_H
#define VM_BACKENDS_H

/* The list of backends, for vm_pool_new() and vm_probe(). */

struct vm_backend;

extern const struct vm_backend *const vm_backends[]; /* in order of preference; NULL-terminated */
extern const char *const vm_backend_names[];         /* "auto", then their names; NULL-terminated */

#endif
