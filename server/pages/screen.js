// The desktop's picture: noVNC's RFB on a WebSocket of ours, opened again when it closes for a reason that passes.
import RFB from './novnc/core/rfb.js';
import { Retry, by_id } from './page.js';

/** The server's codes (transport/rfb/websocket_proxy.h) after which there is nothing to come back to, and those that ask to wait. */
const FINAL = new Set([4001, 4002, 4004, 4006]);
const PAUSED = 4003;
const OURS = 4000; // from here on: the server is there, and says why there is no picture

/** Events: connect, lost {wait, says}, over {code, says}, focus, blur. */
export class Screen extends EventTarget {
	constructor() {
		super();
		this.target = by_id('screen');
		this.still = by_id('still');
		this.retry = new Retry(() => this.connect());
		this.mine = false;
		this.bytes = 0;
		this.target.addEventListener('focusin', () => this.tell('focus'));
		this.target.addEventListener('focusout', () => {
			// noVNC releases keys when the window loses the focus, but not when only the canvas does.
			dispatchEvent(new Event('blur'));
			this.tell('blur');
		});
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
		socket.addEventListener('message', ({ data }) => { this.bytes += data.byteLength ?? 0; });
		socket.addEventListener('close', (event) => this.closed(socket, event));
		this.socket = socket;
		const rfb = this.rfb = new RFB(this.target, socket, { shared: true });
		rfb.scaleViewport = true;
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

	close() {
		this.keep_picture();
		this.retry.stop();
		const { rfb } = this;
		this.rfb = this.socket = null;
		this.open = false;
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
			this.canvas.tabIndex = mine ? 0 : -1;
			this.canvas.setAttribute('role', mine ? 'application' : 'img');
			this.canvas.setAttribute('aria-label', mine
				? 'Desktop. Keyboard input goes to it. Press Control, Alt and Shift to leave it.' : 'Desktop');
		}
	}

	focus() {
		this.rfb?.focus({ preventScroll: true });
	}

	/** Presses and releases a key. */
	press(keysym, code) {
		this.rfb?.sendKey(keysym, code);
	}
}
