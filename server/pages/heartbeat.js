// Checks whether the server still responds: sends a ping every two seconds; any received data counts as a response.
const LOOK = 500; // ms, as all here
const ASK = 2000;
const SILENT = 4000;

export class Heartbeat {
	/** ask(): sends a ping; false: not possible yet.  delay(ms): it was answered.  silent(ms): nothing was received for that
	 * time; repeated until heard().  gone(): nothing was received for `patience` ms. */
	constructor({ ask, delay, silent, gone, patience }) {
		Object.assign(this, { ask, delay, silent, gone, patience });
		this.last_heard = performance.now();
		this.last_asked = -ASK;
		this.asking = false;
		this.timer = setInterval(() => this.look(), LOOK);
	}

	look() {
		const now = performance.now();
		const silence = now - this.last_heard;
		if (!this.asking && now - this.last_asked >= ASK && this.ask()) {
			this.last_asked = now;
			this.asking = true;
		}
		if (silence >= this.patience) {
			this.stop();
			this.gone();
		} else if (this.asking && silence >= SILENT) {
			this.silent(silence);
		}
	}

	heard() {
		this.last_heard = performance.now();
	}

	answered() {
		if (this.asking) {
			this.asking = false;
			this.delay(performance.now() - this.last_asked);
		}
	}

	stop() {
		clearInterval(this.timer);
	}
}
