// Keys that a phone's keyboard lacks, and the button that opens that keyboard: a bar for devices that are touched.
import { by_id } from './page.js';

const KEYS = {
	Tab: 0xff09,
	Escape: 0xff1b,
	ArrowLeft: 0xff51,
	ArrowUp: 0xff52,
	ArrowRight: 0xff53,
	ArrowDown: 0xff54,
};
const MODIFIERS = { ControlLeft: 0xffe3, AltLeft: 0xffe9 };
const KEYBOARD = 100; // pixels that one takes at least

const press = (button, pressed) => button.setAttribute('aria-pressed', String(pressed));
const is_pressed = (button) => button.getAttribute('aria-pressed') === 'true';

export class Touch {
	constructor(keys) {
		this.keys = keys;
		this.bar = by_id('touch');
		this.button = by_id('keys');
		this.coarse = matchMedia('(pointer: coarse)');
		this.coarse.addEventListener('change', () => this.show(this.mine));
		this.bar.addEventListener('mousedown', (event) => event.preventDefault()); // the field keeps the focus
		this.bar.addEventListener('click', ({ target }) => this.clicked(target.closest('[data-key]')));
		this.button.addEventListener('click', () => this.open(!is_pressed(this.button)));
		keys.addEventListener('released', () => this.unpress());
		keys.addEventListener('blur', () => this.closed());
		this.height = visualViewport.height;
		visualViewport.addEventListener('resize', () => this.resized());
	}

	clicked(button) {
		const code = button?.dataset.key;
		if (MODIFIERS[code]) {
			press(button, !is_pressed(button));
			this.keys.hold(MODIFIERS[code], code, is_pressed(button));
		} else if (code) {
			this.keys.press(KEYS[code], code);
		}
	}

	unpress() {
		this.bar.querySelectorAll('[data-key][aria-pressed]').forEach((button) => press(button, false));
	}

	/** The field has the focus all the time; its mode says whether that opens a keyboard. */
	open(opens) {
		const { field } = this.keys;
		field.blur();
		field.inputMode = opens ? 'text' : 'none';
		this.keys.focus();
		press(this.button, opens);
	}

	closed() {
		if (is_pressed(this.button)) {
			this.keys.field.inputMode = 'none';
			press(this.button, false);
		}
	}

	/** Fits the page into the area that the on-screen keyboard leaves free, and back when the phone closes the keyboard. */
	resized() {
		const { height, scale } = visualViewport;
		if (scale !== 1) {
			return;
		}
		if (height > this.height + KEYBOARD) {
			this.closed();
		}
		this.height = height;
		document.body.style.setProperty('--height', `${height}px`);
		scrollTo(0, 0);
	}

	show(mine) {
		this.mine = mine;
		this.bar.hidden = !mine || !this.coarse.matches;
		this.keys.field.inputMode = this.coarse.matches && !is_pressed(this.button) ? 'none' : 'text';
	}
}
