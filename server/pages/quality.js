// The quality of the connection: delay and received data rate, while the page is visible.
import { by_id } from './page.js';

/** "0.3 Mbit/s", from bytes and ms. */
const rate_names = (bytes, ms) => `${((bytes * 8) / 1000 / ms).toFixed(1)} Mbit/s`;

export class Quality {
	constructor(screen, link) {
		this.screen = screen;
		this.bytes = 0;
		this.when = performance.now();
		link.addEventListener('delay', ({ detail }) => this.measured(detail.ms));
	}

	measured(ms) {
		const [now, bytes] = [performance.now(), this.screen.bytes];
		const rate = rate_names(bytes - this.bytes, Math.max(1, now - this.when));
		[this.bytes, this.when] = [bytes, now];
		if (!document.hidden && this.screen.open) {
			const word = ms < 150 ? 'Good' : ms < 400 ? 'Fair' : 'Slow';
			this.show(`${word} · ${Math.round(ms)} ms`, ` · ${rate}`);
		}
	}

	show(text, rate = '') {
		by_id('delay').textContent = text;
		by_id('rate').textContent = rate;
	}
}
