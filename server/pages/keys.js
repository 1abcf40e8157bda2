// A phone's keyboard: it writes into a field that nobody sees, and what comes there is typed into the desktop.
import { by_id } from './page.js';

const KEYS = {
	insertLineBreak: [0xff0d, 'Enter'],
	insertParagraph: [0xff0d, 'Enter'],
	deleteContentBackward: [0xff08, 'Backspace'],
	deleteWordBackward: [0xff08, 'Backspace'],
	deleteContentForward: [0xffff, 'Delete'],
};

/** X's number for a character: Latin-1 has its own, all others are Unicode's with a mark. */
const keysym = (c) => (c.codePointAt(0) < 0x100 ? c.codePointAt(0) : 0x01000000 | c.codePointAt(0));

export class Keys {
	constructor(screen) {
		this.input = by_id('keys-input');
		this.button = by_id('keys');
		this.button.addEventListener('click', () => {
			this.input.classList.add('open');
			this.fill();
			this.input.focus({ preventScroll: true });
		});
		this.input.addEventListener('blur', () => this.input.classList.remove('open'));
		this.input.addEventListener('compositionend', ({ data }) => {
			[...data].forEach((c) => screen.press(keysym(c)));
			this.fill();
		});
		this.input.addEventListener('input', (event) => {
			if (event.isComposing || event.inputType === 'insertCompositionText') {
				return; // told as a whole when it ends
			}
			if (KEYS[event.inputType]) {
				screen.press(...KEYS[event.inputType]);
			} else {
				[...event.data ?? ''].forEach((c) => screen.press(keysym(c)));
			}
			this.fill();
		});
	}

	/** Something to delete: without it, Backspace would not be told. */
	fill() {
		this.input.value = '  ';
		this.input.setSelectionRange(1, 1);
	}

	show(mine) {
		this.button.hidden = !mine || !matchMedia('(pointer: coarse)').matches;
	}
}
