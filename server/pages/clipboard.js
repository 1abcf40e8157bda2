// The clipboard, only when asked: what was copied in the desktop is shown, and given to this computer by a button; what is
// to go the other way is put in by hand.
import { dialog } from './control.js';
import { by_id, say } from './page.js';

export class Clipboard {
	constructor(screen) {
		this.from = by_id('clipboard-from');
		this.box = dialog('clipboard-dialog', () => {
			screen.paste(by_id('clipboard-to').value);
			say('The desktop’s clipboard is set. Paste it there.');
		});
		screen.addEventListener('copied', ({ detail }) => { this.from.value = detail.text; });
		by_id('clipboard').addEventListener('click', () => this.box.showModal());
		by_id('clipboard-copy').addEventListener('click', () => this.copy());
	}

	/** Without TLS, a browser only copies what is selected. */
	async copy() {
		this.from.select();
		try {
			await (navigator.clipboard ? navigator.clipboard.writeText(this.from.value)
				: document.execCommand('copy') || Promise.reject(new Error()));
			say('Copied.');
		} catch {
			say('This browser does not allow the page to copy. The text is selected: copy it with the keyboard.');
		}
	}

	show(mine) {
		by_id('clipboard').hidden = !mine;
		if (!mine && this.box.open) {
			this.box.close();
		}
	}
}
