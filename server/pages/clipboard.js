// The clipboard, only when asked: what is on the desktop's is fetched when the dialog opens, whenever it was copied, and given
// to this computer by a button; what is to go the other way is put in by hand.  Nothing is called done before the server
// says so.
import { Refused, ask, by_id, say } from './page.js';

const PNG = 'image/png';

const problem = (error) => (error instanceof Refused ? error.message : 'Cannot reach the server. Try again.');

/** An image as PNG, whatever its format. */
async function as_png(file) {
	if (file.type === PNG) {
		return file;
	}
	const image = await createImageBitmap(file);
	const canvas = document.createElement('canvas');
	canvas.width = image.width;
	canvas.height = image.height;
	canvas.getContext('2d').drawImage(image, 0, 0);
	return new Promise((resolve, reject) => {
		canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error())), PNG);
	});
}

/** Shows an image in an element, or nothing; only one is kept in memory. */
function show_image(at, blob) {
	URL.revokeObjectURL(at.src);
	at.hidden = !blob;
	if (blob) {
		at.src = URL.createObjectURL(blob);
	} else {
		at.removeAttribute('src');
	}
}

export class Clipboard {
	constructor() {
		this.box = by_id('clipboard-dialog');
		this.from = by_id('clipboard-from');
		this.to = by_id('clipboard-to');
		this.box.querySelector('.cancel').addEventListener('click', () => this.box.close());
		this.box.addEventListener('close', () => this.closed());
		this.box.querySelector('form').addEventListener('submit', (event) => {
			event.preventDefault();
			this.send();
		});
		by_id('clipboard').addEventListener('click', () => {
			this.box.showModal();
			this.load();
		});
		by_id('clipboard-copy').addEventListener('click', () => this.copy());
		by_id('clipboard-file').addEventListener('change', ({ target }) => {
			this.choose(target.files[0]);
			target.value = '';
		});
		this.to.addEventListener('paste', (event) => this.pasted(event));
		this.to.addEventListener('input', () => this.choose(null));
	}

	get url() {
		return `clipboard?viewer=${encodeURIComponent(this.viewer)}`;
	}

	/* ---- from the desktop ---- */

	show_content({ text = null, image = null, says = '' }) {
		this.image = image;
		this.from.value = text ?? '';
		this.from.hidden = text === null;
		show_image(by_id('clipboard-image'), image);
		by_id('clipboard-save').hidden = !image;
		by_id('clipboard-save').href = by_id('clipboard-image').src;
		by_id('clipboard-copy').hidden = text === null && !(image && window.ClipboardItem && navigator.clipboard?.write);
		by_id('clipboard-state').textContent = says;
	}

	async load() {
		const { viewer } = this;
		const loading = this.loading = {};
		let content;
		this.show_content({ says: 'Loading…' });
		try {
			const answer = await ask(this.url, { cache: 'no-store' });
			if (answer.status === 204) {
				content = { says: 'Nothing copied.' };
			} else if (answer.headers.get('Content-Type') === PNG) {
				content = { image: await answer.blob() };
			} else {
				content = { text: await answer.text() };
			}
		} catch (error) {
			content = { says: problem(error) };
		}
		if (this.loading === loading && this.viewer === viewer && this.box.open) {
			this.show_content(content);
		}
	}

	/** Without TLS, a browser only copies what is selected. */
	async copy_text() {
		this.from.select();
		await (navigator.clipboard ? navigator.clipboard.writeText(this.from.value)
			: document.execCommand('copy') || Promise.reject(new Error()));
	}

	async copy() {
		const { image } = this;
		try {
			await (image ? navigator.clipboard.write([new ClipboardItem({ [PNG]: image })]) : this.copy_text());
			say('Copied.');
		} catch {
			say(image ? 'This browser does not allow the page to copy the image. Save it instead.'
				: 'This browser does not allow the page to copy. The text is selected: copy it with the keyboard.');
		}
	}

	/* ---- to the desktop ---- */

	/** An image to send instead of the text; null: none. */
	async choose(file) {
		const choice = this.choice = {};
		let image = null;
		try {
			image = file ? await as_png(file) : null;
		} catch {
			say('This file is not an image that the browser can read.');
		}
		if (this.choice === choice) {
			this.chosen = image;
			show_image(by_id('clipboard-chosen'), image);
		}
	}

	pasted(event) {
		const image = [...event.clipboardData.files].find(({ type }) => type.startsWith('image/'));
		if (image) {
			event.preventDefault();
			this.choose(image);
		}
	}

	async send() {
		const body = this.chosen ?? this.to.value;
		const button = by_id('clipboard-send');
		button.disabled = true;
		try {
			await ask(this.url, { method: 'POST', body, headers: { 'Content-Type': this.chosen ? PNG : 'text/plain' } });
			this.box.close();
			say('The desktop’s clipboard is set. Paste it there.');
		} catch (error) {
			say(problem(error));
		} finally {
			button.disabled = false;
		}
	}

	/** What was copied may be secret: it stays no longer than the dialog. */
	closed() {
		this.loading = null;
		this.show_content({});
		this.to.value = '';
		this.choose(null);
	}

	/** mine: this viewer has control of the whole desktop. */
	show(mine, viewer) {
		this.viewer = viewer;
		by_id('clipboard').hidden = !mine;
		if (!mine && this.box.open) {
			this.box.close();
		}
	}
}
