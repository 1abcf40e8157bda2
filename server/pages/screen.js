// The desktop's picture: noVNC's RFB on a WebSocket of ours, opened again when it closes for a reason that passes.
import { Films } from './film.js';
import RFB from './novnc/core/rfb.js';
import { Retry, by_id } from './page.js';

/** The server's codes (transport/rfb/websocket_proxy.h) after which there is nothing to come back to, and those that ask to wait. */
const FINAL = new Set([4001, 4002, 4004, 4006]);
const PAUSED = 4003;
const OURS = 4000; // from here on: the server is there, and says why there is no picture
const OPENS = 10000; // ms: a connection that is not open by then is given up

/** Events: connect, lost {wait, says}, over {code, says}, data. */
export class Screen extends EventTarget {
	constructor() {
		super();
		this.target = by_id('screen');
		this.still = by_id('still');
		this.retry = new Retry(() => this.connect());
		this.mine = false;
		this.bytes = 0;
	}

	get canvas() {
		return this.target.querySelector('canvas');
	}

	tell(name, detail) {
		this.dispatchEvent(new CustomEvent(name, { detail }));
	}

	/** For this viewer from now on; null: not for the time being. */
	show(viewer) {
		if (this.viewer !== viewer) {
			this.viewer = viewer;
			this.close();
			this.retry.done();
			if (viewer) {
				this.connect();
			}
		}
	}

	connect() {
		this.close();
		if (!this.viewer) {
			return;
		}
		const url = new URL(`socket?viewer=${encodeURIComponent(this.viewer)}`, location.href);
		url.protocol = url.protocol.replace('http', 'ws');
		const socket = new WebSocket(url, 'binary');
		socket.addEventListener('message', ({ data }) => {
			this.bytes += data.byteLength ?? 0;
			this.tell('data');
		});
		const late = setTimeout(() => this.give_up(socket), OPENS);
		socket.addEventListener('open', () => clearTimeout(late));
		socket.addEventListener('close', (event) => this.closed(socket, event));
		this.socket = socket;
		const rfb = this.rfb = new RFB(this.target, socket, { shared: true });
		this.films = new Films(rfb);
		rfb.scaleViewport = true;
		rfb.focusOnClick = false; // keys.js has the focus
		rfb.background = 'transparent';
		rfb.viewOnly = !this.mine;
		rfb.addEventListener('connect', () => this.connected(rfb));
	}

	connected(rfb) {
		if (rfb === this.rfb) {
			this.open = true;
			this.retry.done();
			this.still.hidden = true;
			this.set_mine(this.mine);
			this.tell('connect');
		}
	}

	/** Comes before noVNC hears of it: its canvas is still there. */
	closed(socket, { code, reason }) {
		if (socket !== this.socket) {
			return;
		}
		this.keep_picture();
		this.rfb = this.socket = null; // noVNC cleans up after itself
		this.open = false;
		if (FINAL.has(code)) {
			this.tell('over', { code, says: reason });
		} else if (this.viewer) {
			// A pause is told by the events too, and so is its end.
			const wait = code === PAUSED ? 0 : this.retry.later();
			this.tell('lost', { wait: code < OURS ? wait : 0, says: reason });
		}
	}

	/** As if it had been closed, which a silent link does not tell. */
	give_up(socket = this.socket) {
		if (socket && socket === this.socket) {
			this.close();
			this.tell('lost', { wait: this.retry.later() });
		}
	}

	close() {
		this.keep_picture();
		this.retry.stop();
		const { rfb } = this;
		this.rfb = this.socket = null;
		this.open = false;
		this.films?.close();
		try {
			rfb?.disconnect();
		} catch {
			// It was closed already.
		}
		this.target.replaceChildren();
	}

	keep_picture() {
		const { canvas, still } = this;
		if (this.open && canvas?.width) {
			still.width = canvas.width;
			still.height = canvas.height;
			still.getContext('2d').drawImage(canvas, 0, 0);
			still.hidden = false;
		}
	}

	set_mine(mine) {
		this.mine = mine;
		if (this.rfb) {
			this.rfb.viewOnly = !mine;
		}
		if (this.canvas) {
			this.canvas.setAttribute('role', 'img');
			this.canvas.setAttribute('aria-label', 'Picture of the desktop');
		}
	}

	/** Presses or releases a key; down undefined: both. */
	press(keysym, code, down) {
		this.rfb?.sendKey(keysym, code, down);
	}
}
