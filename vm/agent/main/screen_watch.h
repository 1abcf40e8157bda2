#ifndef VM_AGENT_MAIN_SCREEN_WATCH_H
#define VM_AGENT_MAIN_SCREEN_WATCH_H

/* Tells the host of screen changes, when it asked for that, at most 5 times a second. */

struct agent_main;
struct watch;

struct watch *watch_new(struct agent_main *agent);
void watch_on_change(struct watch *watch);
void watch_off(struct watch *watch);
void watch_free(struct watch *watch); /* NULL-safe */

#endif
