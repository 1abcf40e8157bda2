// The two ways of doing a task.  Both perform the same turns with the same tools of the same desktop.
//
// A turn is { launch }, the arguments of the tool `launch`, or { actions }, actions of computer_batch.  `until` is the event that ends
// it, as wait_for's arguments.
import { setTimeout as sleep } from 'node:timers/promises';

const SETTLE_MS = 2000; // what Anthropic's computer-use demo sleeps before each screenshot
const LOOKS_MAX = 20; // before a model would give up

const points = (turn) => turn?.actions?.some((action) => 'coordinate' in action);

/** Batches.  A turn ends with what changed, as a picture; or with an event in words, and a picture only of a program that was started or
 * of what is pointed at next. */
export const vitrine = {
	/** On a slow machine the window may open after the answer. */
	async launch(desktop, launch, observe) {
		const answer = await desktop.call('launch', { ...launch, observe });
		if (!/^Window \d/m.test(answer)) {
			await desktop.call('wait_for', { until: 'window', class: launch.application, timeout: 300, observe });
		}
	},

	async turn(desktop, { launch, actions, until }, next) {
		const observe = until ? 'none' : 'changed';
		if (launch) {
			await this.launch(desktop, launch, observe);
		} else {
			await desktop.call('computer_batch', { actions, observe });
		}
		if (until) {
			const look = desktop.seen ? { observe: 'changed', since: desktop.seen } : { observe: 'settled' };
			await desktop.call('wait_for', { ...until, timeout: 60, ...(launch || points(next) ? look : { observe: 'none' }) });
		}
	},
};

/** Each action is a call, followed by a fixed sleep and a screenshot of the whole screen. */
export const usual = {
	async look(desktop) {
		await sleep(SETTLE_MS);
		await desktop.call('screenshot');
	},

	async turn(desktop, { launch, actions = [], until }) {
		if (launch) {
			await desktop.call('launch', { ...launch, observe: 'none' });
			await this.look(desktop);
		}
		for (const { action, ...args } of actions.filter((a) => a.action !== 'wait')) {
			await desktop.call(action, args);
			await this.look(desktop);
		}
		for (let i = 0; until && i < LOOKS_MAX; i++) {
			const answer = await desktop.aside('wait_for', { ...until, timeout: 0 });
			if (!answer.includes('Gave up')) {
				break;
			}
			await this.look(desktop);
		}
	},
};

export const ways = { vitrine, usual };
