#ifndef VM_AGENT_MAIN_SCREEN_WATCH_H
#define VM_AGENT_MAIN_SCREEN_WATCH_H

/* Reports screen changes to the host on request, at most 5 times per second. */

struct agent_main;
struct screen_watch;

struct screen_watch *screen_watch_new(struct agent_main *agent);
void screen_watch_on_change(struct screen_watch *watch);
void screen_watch_off(struct screen_watch *watch);
void screen_watch_free(struct screen_watch *watch); /* NULL-safe */

#endif
