// A viewer that looks at nothing: it speaks RFB 3.8 over a WebSocket as noVNC does, takes each update apart as far as it
// must to know where it ends, counts it, and asks for the next.

const RAW = 0, COPY = 1, TIGHT = 7, CURSOR = -239, RESIZE = -223, EXTENDED_SIZE = -308, LAST = -224,
	VP9 = 0x56503930 /* vm/rfb/film.h */;
const ENCODINGS = [COPY, TIGHT, RAW, -32 + 6 /* JPEG quality 6 */, -256 + 2 /* compression 2 */, RESIZE, LAST, EXTENDED_SIZE];

/** Bytes as they come, for a parser that waits for more. */
class Bytes {
	constructor() {
		this.parts = [];
		this.first = this.length = 0;
	}

	push(bytes) {
		this.parts.push(bytes);
		this.length += bytes.length;
		this.wake?.();
	}

	async more(n) {
		while (this.length < n) {
			await new Promise((resolve) => { this.wake = resolve; });
		}
	}

	async skip(n) {
		while (n > 0) {
			await this.more(1);
			const [part] = this.parts, take = Math.min(n, part.length);
			if (take === part.length) {
				this.parts.shift();
			} else {
				this.parts[0] = part.subarray(take);
			}
			this.length -= take;
			n -= take;
		}
	}

	async take(n) {
		await this.more(n);
		const out = Buffer.concat(this.parts).subarray(0, n);
		await this.skip(n);
		return out;
	}

	async byte() {
		await this.more(1);
		const [part] = this.parts, value = part[0];
		await this.skip(1);
		return value;
	}
}

export class Viewer {
	/** point: only updates of this pixel count, for a program's one frame may come in several; none: all.  leave: called
	 * when it is over.  video: it takes VP9. */
	constructor(url, headers, point, { leave = () => {}, video = false } = {}) {
		this.point = point;
		this.encodings = video ? [...ENCODINGS, VP9] : ENCODINGS;
		this.seen = { updates: 0, bytes: 0 };
		this.leave = leave;
		this.bytes = new Bytes();
		this.socket = new WebSocket(url, { protocols: ['binary'], headers });
		this.socket.binaryType = 'arraybuffer';
		this.socket.addEventListener('message', ({ data }) => {
			this.seen.bytes += data.byteLength;
			this.bytes.push(Buffer.from(data));
		});
		this.socket.addEventListener('close', ({ code, reason }) => { this.fail(`closed: ${code} ${reason}`); });
		this.socket.addEventListener('error', () => { this.fail('the connection failed'); });
		this.opened = new Promise((resolve, reject) => { this.resolve = resolve; this.reject = reject; });
		this.opened.catch(() => {});
		this.run().catch((error) => this.fail(error.message));
	}

	fail(why) {
		if (!this.over) {
			this.failed ??= why;
			this.reject(new Error(why));
		}
	}

	close() {
		this.over = true;
		this.socket.close();
		this.leave();
	}

	async greet() {
		const { bytes, socket } = this;
		await bytes.take(12);
		socket.send(Buffer.from('RFB 003.008\n'));
		const kinds = await bytes.take(await bytes.byte());
		if (!kinds.includes(1)) {
			throw new Error('it wants a password');
		}
		socket.send(Uint8Array.of(1));
		if ((await bytes.take(4)).readUInt32BE() !== 0) {
			throw new Error('it refuses');
		}
		socket.send(Uint8Array.of(1)); // shared
		const init = await bytes.take(24);
		[this.width, this.height] = [init.readUInt16BE(0), init.readUInt16BE(2)];
		await bytes.skip(init.readUInt32BE(20));
	}

	setup() {
		const format = Buffer.from([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16, 0, 0, 0]);
		const encodings = Buffer.alloc(4 + 4 * this.encodings.length);
		encodings[0] = 2;
		encodings.writeUInt16BE(this.encodings.length, 2);
		this.encodings.forEach((encoding, i) => encodings.writeInt32BE(encoding, 4 + 4 * i));
		this.socket.send(format);
		this.socket.send(encodings);
		this.ask(0);
	}

	ask(incremental) {
		const request = Buffer.alloc(10);
		request.writeUInt8(3, 0);
		request.writeUInt8(incremental, 1);
		request.writeUInt16BE(this.width, 6);
		request.writeUInt16BE(this.height, 8);
		if (this.socket.readyState === WebSocket.OPEN) {
			this.socket.send(request);
		}
	}

	async run() {
		await this.greet();
		this.setup();
		for (;;) {
			await this.message();
		}
	}

	async message() {
		const { bytes } = this;
		const kind = await bytes.byte();
		if (kind === 0) {
			await this.update();
		} else if (kind === 1) { // colours of a palette
			const head = await bytes.take(5);
			await bytes.skip(6 * head.readUInt16BE(3));
		} else if (kind === 3) { // clipboard
			const head = await bytes.take(7);
			await bytes.skip(Math.abs(head.readInt32BE(3)));
		} else if (kind !== 2) {
			throw new Error(`a message of kind ${kind}`);
		}
	}

	async update() {
		const { bytes } = this;
		await bytes.skip(1);
		const n = (await bytes.take(2)).readUInt16BE();
		let pixels = false;
		for (let i = 0; i < n; i++) {
			const head = await bytes.take(12);
			const encoding = head.readInt32BE(8), width = head.readUInt16BE(4), height = head.readUInt16BE(6);
			if (encoding === LAST) {
				break;
			}
			pixels ||= encoding >= 0 && this.counts(head.readUInt16BE(0), head.readUInt16BE(2), width, height);
			await this.rectangle(encoding, width, height);
		}
		this.seen.updates += pixels ? 1 : 0;
		this.resolve();
		this.ask(1);
	}

	counts(x, y, width, height) {
		const { point } = this;
		return !point || (point.x >= x && point.x < x + width && point.y >= y && point.y < y + height);
	}

	async rectangle(encoding, width, height) {
		const { bytes } = this;
		if (encoding === RAW) {
			await bytes.skip(width * height * 4);
		} else if (encoding === COPY) {
			await bytes.skip(4);
		} else if (encoding === TIGHT) {
			await this.tight(width, height);
		} else if (encoding === VP9) {
			await bytes.skip((await bytes.take(8)).readUInt32BE(4));
			this.seen.films = (this.seen.films ?? 0) + 1;
		} else if (encoding === EXTENDED_SIZE) {
			await bytes.skip(3 + 16 * await bytes.byte());
		} else if (encoding === CURSOR) {
			await bytes.skip(width * height * 4 + Math.floor((width + 7) / 8) * height);
		} else if (encoding !== RESIZE) {
			throw new Error(`an encoding ${encoding}`);
		}
	}

	async compact() {
		let value = 0;
		for (let shift = 0; shift < 21; shift += 7) {
			const byte = await this.bytes.byte();
			value |= (shift === 14 ? byte : byte & 127) << shift;
			if (!(byte & 128)) {
				break;
			}
		}
		return value;
	}

	async tight(width, height) {
		const { bytes } = this;
		const control = await bytes.byte();
		if (control >> 4 === 8) { // one colour
			await bytes.skip(3);
			return;
		}
		if (control >> 4 === 9) { // JPEG
			await bytes.skip(await this.compact());
			return;
		}
		let row = width * 3;
		if (control & 0x40 && await bytes.byte() === 1) {
			const colours = await bytes.byte() + 1;
			await bytes.skip(3 * colours);
			row = colours <= 2 ? Math.ceil(width / 8) : width;
		}
		await bytes.skip(row * height < 12 ? row * height : await this.compact());
	}
}
