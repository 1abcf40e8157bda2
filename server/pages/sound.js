// The sound of the desktop, while the user wants it: Opus packets from a WebSocket, decoded by the browser and played one after
// the other on the clock of its audio.
import { Retry, by_id, say, sentence } from './page.js';

const FORMAT = { codec: 'opus', sampleRate: 48000, numberOfChannels: 2 };
const PACKET = 20000; // μs
const FINAL = new Set([4001, 4002, 4004, 4006]); // see screen.js
const NO_SOUND = 4007;
/* In seconds.  The first packet after silence waits for LEAD, so that later ones may be late by that much.  When more than MOST
 * waits, packets are dropped until it is LEAD again. */
const LEAD = 0.06;
const MOST = 0.15;

/** Why this browser cannot; '' if it can. */
function obstacle() {
	if (!window.isSecureContext) {
		return 'Browsers play the desktop’s sound only on pages with https, or from this computer.';
	}
	return window.AudioDecoder && window.AudioContext ? ''
		: 'This browser cannot decode the desktop’s sound (WebCodecs). A newer version can.';
}

/** Plays packets in order; drops what is late. */
class Player {
	constructor(failed) {
		this.context = new AudioContext({ latencyHint: 'interactive', sampleRate: FORMAT.sampleRate });
		this.decoder = new AudioDecoder({ output: (decoded) => this.play(decoded), error: failed });
		this.decoder.configure(FORMAT);
		this.count = 0;
		this.end = 0; // of what waits, on the clock of the context
		this.drops = false;
	}

	take(data) {
		this.decoder.decode(new EncodedAudioChunk({ type: 'key', timestamp: this.count++ * PACKET, data }));
	}

	play(decoded) {
		const { context } = this;
		const waits = this.end - context.currentTime;
		this.drops = waits > (this.drops ? LEAD : MOST);
		if (!this.drops) {
			const buffer = context.createBuffer(decoded.numberOfChannels, decoded.numberOfFrames, decoded.sampleRate);
			for (let channel = 0; channel < decoded.numberOfChannels; channel++) {
				decoded.copyTo(buffer.getChannelData(channel), { planeIndex: channel, format: 'f32-planar' });
			}
			const source = new AudioBufferSourceNode(context, { buffer });
			source.connect(context.destination);
			this.end = waits > 0 ? this.end : context.currentTime + LEAD;
			source.start(this.end);
			this.end += buffer.duration;
		}
		decoded.close();
	}

	close() {
		if (this.decoder.state !== 'closed') {
			this.decoder.close();
		}
		this.context.close();
	}
}

export class Sound {
	constructor() {
		this.button = by_id('sound');
		this.button.addEventListener('click', () => this.set(!this.player));
		this.retry = new Retry(() => this.connect());
	}

	set(on) {
		const why = on ? obstacle() : '';
		if (why) {
			return say(why);
		}
		this.player?.close();
		this.player = on ? new Player(() => this.failed()) : null;
		this.button.setAttribute('aria-pressed', String(on));
		this.connect();
	}

	failed() {
		this.set(false);
		say('The browser could not decode the desktop’s sound.');
	}

	connect() {
		this.retry.stop();
		this.socket?.close();
		this.socket = null;
		if (!this.player || !this.viewer) {
			return;
		}
		const url = new URL(`sound?viewer=${encodeURIComponent(this.viewer)}`, location.href);
		url.protocol = url.protocol.replace('http', 'ws');
		const socket = this.socket = new WebSocket(url, 'binary');
		socket.binaryType = 'arraybuffer';
		socket.addEventListener('open', () => this.retry.done());
		socket.addEventListener('message', ({ data }) => {
			if (socket === this.socket) {
				this.player.take(data);
			}
		});
		socket.addEventListener('close', (event) => this.closed(socket, event));
	}

	closed(socket, { code, reason }) {
		if (socket !== this.socket) {
			return;
		}
		this.socket = null;
		if (code === NO_SOUND) {
			this.set(false);
			say(sentence(reason));
		} else if (FINAL.has(code)) {
			this.set(false);
		} else {
			this.retry.later();
		}
	}

	/** For this viewer from now on; null: not for the time being.  may: this link has sound. */
	show(viewer, may) {
		this.button.hidden = !may;
		if (this.viewer !== viewer) {
			this.viewer = viewer;
			this.retry.done();
			this.connect();
		}
	}
}
