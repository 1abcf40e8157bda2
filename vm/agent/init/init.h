#ifndef VM_AGENT_INIT_INIT_H
#define VM_AGENT_INIT_INIT_H

/* `vitrine-agent --init`: the first process of a microVM.  Returns only if it is not the first
 * process; otherwise the VM is powered off. */
int init_run(void);

#endif
