#ifndef VM_AGENT_ACT_PASTE_KEYS_H
#define VM_AGENT_ACT_PASTE_KEYS_H

#include <stdbool.h>

/* The key combination with which programs of this class (WM_CLASS) paste.  ret_primary: they paste
 * the selection PRIMARY. */
const char *paste_keys(const char *class, bool *ret_primary);

#endif
