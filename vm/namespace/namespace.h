#ifndef VM_NAMESPACE_NAMESPACE_H
#define VM_NAMESPACE_NAMESPACE_H

#include "vm/core/backend.h"

extern const struct vm_backend vm_backend_namespace;

#endif
