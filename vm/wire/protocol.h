#ifndef VM_WIRE_PROTOCOL_H
#define VM_WIRE_PROTOCOL_H

/*
 * What is said on the link: the operations an agent answers and the events it sends.  Sizes and
 * coordinates are pixels, times milliseconds.  "Frame space": the pixels of the whole-screen image
 * a model is shown, a fixed size per sandbox: geometry_fit(screen).
 *
 * EVENTS, agent to host
 *   hello {protocol: PROTOCOL_VERSION, version}
 *       first of all
 *   stage {stage: "x-server"|"session-bus"|"window-manager"|"panel"|"first-frame", ms}
 *       as it comes up; ms since the agent's start
 *   ready {screen: [w,h], frame: [w,h], ms}
 *       agent, X, window manager and a captured frame are there; once
 *   failed {text}
 *       it will never be ready; the agent then exits
 *   restarted {what: "X server"|"window manager"|"panel"|"session bus", why}
 *       it died and is back
 *   resting {what, why, ms}
 *       it died too often, and is started again after ms
 *   screen {frame_id}
 *       the screen changed; at most 5 a second, only after watch {on: true}
 *
 * OPERATIONS, host to agent
 *   ping {} -> {}
 *   info {} -> {screen: [w,h], frame: [w,h], frame_id, uptime_ms, layout, windows: [window], pid_count}
 *   watch {on} -> {}
 *
 *   act {actions: [action], observe: observe} -> {
 *       done: [{ms, chars?, unfocused?}]   one for each action that ran to its end, in order
 *           unfocused: no window had the keyboard focus when its keys were pressed
 *       failed?: {index, kind, text}   the action that did not; later ones were not begun
 *       pointer: [x,y]              in the frame space, afterwards
 *       frame_id                    counts screen changes
 *       changed                     whether the screen changed between the first input and the reply
 *       settled?, moving?: [[x0,y0,x1,y1]], waited_ms?   with observe "settled"
 *       blank?                      observe's window showed one colour only, to the end
 *       frame?: {frame_id, width, height, format, quality?, scale, reduced?, raw?: [w,h]}
 *           reduced: a sentence when it had to shrink
 *       }
 *       The tail is the frame's image.  With raw, which observe must ask for, it is w x h pixels
 *       (vm/picture/pixels.h), of which the host makes the image.
 *       The whole list is checked before the first input event; a list that does not pass is an error
 *       reply and nothing was done.  Held keys and buttons are released when a list fails or is
 *       cancelled; a button_down of a list that ran to its end stays down until a button_up.
 *       Lists with input run one at a time, in arrival order, their observing included; lists without
 *       run at once.
 *
 *   launch {application, uri?, timeout_ms} -> {pid, window?: window, note?}
 *       application: a desktop-file id (with or without .desktop), a program name or an absolute path.
 *       Waits for the first window that the program opens; note says why there is none.
 *   applications {} -> {applications: [{id, name, comment?, program}]}     sorted by id
 *       window: {id, title, pid?, class?, x, y, width, height, active?}    in the frame space
 *           id: a number of the agent's, given once and never to another window
 *
 *   exec {command, cwd?, timeout_ms, stdout, stderr} -> {status?, signal?, timed_out?, ms}
 *       stdout and stderr are numbers of streams that the host opened; the agent ends both before it
 *       replies.  A login shell as the desktop's user, killed with all its children at the timeout and
 *       on cancel.
 *
 *   rfb {stream, window?} -> {}
 *       stream: a number the host opened; it is joined with the desktop's VNC server (RFB 3.8, no
 *       security), which speaks first.  Answered when that is over, because either end closed; an error
 *       reply means that it never was.  A viewer that reads slowly stalls no other.
 *       window: an id of info's list; 0, or none, is the whole screen.  The VNC server is then the agent
 *       itself: that window with its menus and dialogs is all there is to see, and all that input
 *       reaches.  An error reply may come at any time then: ERR_NOT_FOUND when there is no such window,
 *       or it was closed; ERR_STATE when the X server is away.
 *
 *   prepare {window_ms, rest_ms, warm_rest_ms} -> {}
 *       Before a template is saved: opens what the image lists in /etc/vitrine/warm, a command a line,
 *       each when the one before has its window (ERR_TIMEOUT: one has none after window_ms); then waits
 *       until the machine has little to do, or for rest_ms (warm_rest_ms where programs were opened).
 *
 *   freeze {raw?} -> {}
 *       The agent makes the frame that is likely to be asked for next (raw: as pixels) and sends nothing
 *       after this reply until the host sends something, so that no byte is under way while the machine
 *       is saved.  Whatever comes next thaws it.
 *
 *   restored {time_us, entropy: base64 of 64 bytes, hostname?, machine_id?, mac?} -> {}
 *       The host is new: this desktop was cloned or resumed, or the server was restarted.  Always the
 *       first request of a new host end; it may come at a frozen agent or after the port was closed and
 *       opened.  The agent then forgets its old link (requests are cancelled and not answered, streams
 *       closed), sets the clock, feeds the entropy, takes the new names, checks X server, window manager
 *       and a captured frame, and says hello, stage and ready as at the start.  Names left out stay as
 *       they are.
 *
 * Errors: ERR_ARGUMENT for what the caller got wrong, ERR_STATE when the X server is away,
 * ERR_CANCELLED, ERR_TIMEOUT ...
 */

#define PROTOCOL_VERSION 1

/* Bytes of exec's command: the kernel takes 128 KiB as one argument, and a header 1 MiB, in which a
 * byte may take six. */
#define EXEC_COMMAND_MAX 100000

#endif
