#ifndef VM_AGENT_INIT_INIT_H
#define VM_AGENT_INIT_INIT_H

/* `vitrine-agent --init`: the first process of a microVM.  Returns only when it is not the first
 * process; otherwise the machine is off afterwards. */
int init_run(void);

#endif
