// Whether the other end still answers: it is asked every two seconds, and anything that comes is a sign of life.
const LOOK = 500; // ms, as all here
const ASK = 2000;
const SILENT = 4000;

export class Heartbeat {
	/** ask(): sends a question, or false when it cannot yet; delay(ms): it was answered; silent(ms): nothing has come for so
	 * long, told again and again until heard(); gone(): for too long. */
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
