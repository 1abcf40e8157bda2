// Films in the desktop's picture: what moves like one comes as VP9, if the browser can decode it (WebCodecs does so on secure
// pages).  noVNC draws a rectangle that is not there yet when it gets the event `load` of an image; here, of a canvas.
import RFB from './novnc/core/rfb.js';

const VP9 = 0x56503930; // the server's private encoding (vm/rfb/film.h)
const HEAD = 8, LENGTH_MAX = 1 << 24; // bytes
// Colours are the desktop's, which a browser would take for those of television.
const colorSpace = { primaries: 'bt709', transfer: 'iec61966-2-1', matrix: 'smpte170m', fullRange: true };
const CONFIG = { codec: 'vp09.00.10.08', colorSpace, optimizeForLatency: true, hardwareAcceleration: 'prefer-software' };
const LATE = 2000; // ms: a frame that is not decoded by then never is
const FAILURES = 3; // then films are no longer asked for

const supported = await globalThis.VideoDecoder?.isConfigSupported(CONFIG)
	.then((answer) => answer.supported, () => false) ?? false;
let failures = 0;
const { clientEncodings } = RFB.messages;
RFB.messages.clientEncodings = (socket, list) =>
	clientEncodings(socket, supported && failures < FAILURES ? [...list, VP9] : list);

/** One film: its decoder, and the canvases that wait for its frames. */
class Film {
	constructor(failed) {
		this.failed = failed;
		this.waiting = [];
		this.frames = 0;
	}

	/** Frames that follow a failure wait for a key frame, and are drawn as nothing. */
	decode(canvas, key, data) {
		if (!key && !this.decoder) {
			this.drop(canvas);
			return;
		}
		canvas.complete = false;
		this.waiting.push(canvas);
		this.late ??= setTimeout(() => this.fail(), LATE);
		if (key && this.decoder?.state !== 'configured') {
			this.decoder = new VideoDecoder({ output: (frame) => this.draw(frame), error: () => this.fail() });
			this.decoder.configure(CONFIG);
		}
		try {
			this.decoder.decode(new EncodedVideoChunk({ type: key ? 'key' : 'delta', timestamp: this.frames++, data }));
		} catch {
			this.fail();
		}
	}

	draw(frame) {
		const canvas = this.waiting.shift();
		if (this.waiting.length === 0) {
			clearTimeout(this.late);
			this.late = null;
		}
		canvas?.getContext('2d').drawImage(frame, 0, 0);
		frame.close();
		this.tell(canvas);
	}

	tell(canvas) {
		if (canvas) {
			canvas.complete = true;
			canvas.dispatchEvent(new Event('load'));
		}
	}

	drop(canvas) {
		canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height);
		this.tell(canvas);
	}

	/** What waits is drawn as nothing. */
	fail() {
		const { waiting } = this;
		this.waiting = [];
		this.close();
		for (const canvas of waiting) {
			this.drop(canvas);
		}
		this.failed();
	}

	close() {
		clearTimeout(this.late);
		this.late = null;
		if (this.decoder && this.decoder.state !== 'closed') {
			this.decoder.close();
		}
		this.decoder = null;
	}
}

/** noVNC's decoder for the encoding: `films` of one connection. */
export class Films {
	constructor(rfb) {
		this.rfb = rfb;
		this.films = [];
		this.canvases = [];
		rfb._decoders[VP9] = this;
	}

	/** False: not all of the rectangle has come. */
	decodeRect(x, y, width, height, sock, display) {
		if (!this.head) {
			if (sock.rQwait('head of a film', HEAD)) {
				return false;
			}
			this.head = sock.rQshiftBytes(HEAD).slice();
		}
		const [part, flags] = this.head, length = new DataView(this.head.buffer).getUint32(4);
		if (length > LENGTH_MAX) {
			throw new Error(`a frame of ${length} bytes`);
		}
		if (sock.rQwait('frame of a film', length)) {
			return false;
		}
		const canvas = this.canvas(width, height, display);
		this.films[part] ??= new Film(() => this.failed());
		this.films[part].decode(canvas, (flags & 1) !== 0, sock.rQshiftBytes(length).slice());
		display._renderQPush({ type: 'img', img: canvas, x, y, width, height });
		this.head = null;
		return true;
	}

	/** One that noVNC does not wait for. */
	canvas(width, height, display) {
		if (!display.pending()) {
			this.used = 0;
		}
		const canvas = this.canvases[this.used] ??= document.createElement('canvas');
		this.used++;
		if (canvas.width !== width || canvas.height !== height) {
			[canvas.width, canvas.height] = [width, height];
		}
		return canvas;
	}

	/** Requests the whole picture again; after too many failures, without films. */
	failed() {
		const { rfb } = this;
		failures++;
		if (rfb._rfbConnectionState === 'connected') {
			RFB.messages.fbUpdateRequest(rfb._sock, false, 0, 0, rfb._fbWidth, rfb._fbHeight);
			if (failures === FAILURES) {
				rfb._sendEncodings();
			}
		}
	}

	close() {
		this.films.forEach((film) => film.close());
		this.films = [];
	}
}
