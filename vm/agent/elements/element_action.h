#ifndef VM_AGENT_ELEMENTS_ELEMENT_ACTION_H
#define VM_AGENT_ELEMENTS_ELEMENT_ACTION_H

/*
 * Toolkits name the same action differently: a button is clicked by "click" (GTK 3), "Press" (Qt),
 * "press" (Firefox) or "doDefault" (Chromium).
 */

/* The index of the offered action that is meant by `wanted`; -1: none is. */
int element_action_choose(const char *wanted, const char *const *offered, int n);

#endif
