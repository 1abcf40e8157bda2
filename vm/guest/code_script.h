#ifndef VM_GUEST_CODE_SCRIPT_H
#define VM_GUEST_CODE_SCRIPT_H

/* The runner (vm/guest/code_runner/), as one Python program. */
extern const char code_script[];

#endif
