// How good the connection is: the time an empty question takes, and how much picture comes.  Only while somebody looks.
import { by_id } from './page.js';

const EVERY = 5000;

/** Answered with 304 once the browser has it. */
async function round_trip() {
	const began = performance.now();
	await fetch('../../assets/icon.svg', { cache: 'no-cache' });
	return performance.now() - began;
}

export class Quality {
	constructor(screen) {
		this.screen = screen;
		this.bytes = 0;
		this.when = performance.now();
		setInterval(() => this.measure(), EVERY);
		screen.addEventListener('connect', () => this.measure());
	}

	async measure() {
		if (document.hidden || !this.screen.open) {
			return;
		}
		const ms = await round_trip().catch(() => null);
		const [now, bytes] = [performance.now(), this.screen.bytes];
		const rate = (bytes - this.bytes) / Math.max(1, now - this.when);
		[this.bytes, this.when] = [bytes, now];
		if (this.screen.open && ms !== null) {
			const word = ms < 150 ? 'good' : ms < 400 ? 'fair' : 'slow';
			this.show(`${word} · ${Math.round(ms)} ms`, `${Math.round(rate)} kB/s received`);
		}
	}

	show(text, more = '') {
		by_id('quality').textContent = text;
		by_id('quality').title = more;
	}
}
