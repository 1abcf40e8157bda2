// The two ways of doing a task.  Both perform the same turns with the same tools of the same desktop.
//
// A turn is { launch }, the arguments of the tool `launch`, or { actions }, actions of computer_batch.  `until` is what
// wait_for must wait for before the next turn.
import { setTimeout as sleep } from 'node:timers/promises';

const SETTLE_MS = 2000; // what Anthropic's computer-use demo sleeps before each screenshot
const LOOKS_MAX = 20; // before a model would give up

/** Batches, waits on events, and only what changed. */
export const vitrine = {
	async turn(desktop, { launch, actions, until }) {
		if (launch) {
			await desktop.call('launch', { ...launch, observe: until ? 'none' : 'settled' });
		} else {
			await desktop.call('computer_batch', { actions, observe: until ? 'none' : 'changed' });
		}
		if (until) {
			await desktop.call('wait_for', { ...until, timeout: 60, observe: 'settled' });
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
