// Text on its way to the desktop: a press and a release for each character.  The desktop keeps a limited number of keys that
// it has not typed yet, so a long text is sent in pieces, and keys that come meanwhile wait behind it.
const PIECE = 100; // characters
const EVERY = 500; // ms
const UNSENT = 4096; // bytes: the browser has to send these first
const LONGEST = 10000; // characters

const KEYS = { '\b': 0xff08, '\t': 0xff09, '\n': 0xff0d };

/** X's number for a character: Latin-1 has its own, all others are Unicode's with a mark. */
function keysym_of(c) {
	const point = c.codePointAt(0);
	return KEYS[c] ?? (point < 0x100 ? point : 0x01000000 | point);
}

export class Typing {
	/** typed(): a character was sent. */
	constructor(screen, typed) {
		this.screen = screen;
		this.typed = typed;
		this.queue = [];
		this.sent = 0; // in this piece
	}

	/** Types it.  '\b' deletes.  Returns false for one too long, of which nothing is typed. */
	text(text) {
		const characters = [...text.replaceAll(/\r\n?/g, '\n')].filter((c) => c in KEYS || !/\p{Cc}/u.test(c));
		if (characters.length > LONGEST) {
			return false;
		}
		characters.forEach((c) => this.queue.push(() => {
			this.sent++;
			this.screen.press(keysym_of(c));
			this.typed();
		}));
		this.go_on();
		return true;
	}

	/** Runs it once all text before it was sent. */
	then(run) {
		this.queue.push(run);
		this.go_on();
	}

	clear() {
		this.queue.length = 0;
	}

	go_on() {
		while (this.queue.length && this.sent < PIECE) {
			this.queue.shift()();
		}
		if (this.sent && !this.timer) {
			this.timer = setTimeout(() => this.next_piece(), EVERY);
		}
	}

	next_piece() {
		this.timer = 0;
		this.sent = this.screen.unsent > UNSENT ? PIECE : 0;
		this.go_on();
	}
}
