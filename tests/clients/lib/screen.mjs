// An X server for programs of this side, and its picture by plain RFB.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** {env, dir, grab(), stop()}: a screen with a window manager, for what is started with that environment. */
export async function open_screen(width, height) {
	const dir = mkdtempSync(join(tmpdir(), 'vitrine-screen-'));
	const socket = join(dir, 'rfb');
	const x = spawn('Xvnc', ['-displayfd', '3', '-geometry', `${width}x${height}`, '-depth', '24', '-rfbport', '-1',
		'-rfbunixpath', socket, '-SecurityTypes', 'None', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
	const [number] = await once(x.stdio[3], 'data');
	const env = { ...process.env, DISPLAY: `:${String(number).trim()}`, HOME: dir };
	const manager = spawn('openbox', ['--sm-disable'], { env, stdio: 'ignore' });
	process.once('exit', () => [manager, x].forEach((child) => child.kill('SIGKILL')));
	return { env, dir, grab: () => grab(socket), async stop() {
		manager.kill();
		x.kill();
		await once(x, 'exit');
		rmSync(dir, { recursive: true });
	} };
}

/** Bytes of a socket, as many as asked for. */
function reader(socket) {
	let held = Buffer.alloc(0), wake = () => {};
	socket.on('data', (bytes) => { held = Buffer.concat([held, bytes]); wake(); });
	return async (n) => {
		while (held.length < n) {
			await new Promise((resolve) => { wake = resolve; });
		}
		const taken = held.subarray(0, n);
		held = held.subarray(n);
		return taken;
	};
}

/** {width, height, data}: 4 bytes a pixel, blue first. */
async function grab(path) {
	const socket = connect(path);
	const read = reader(socket);
	socket.write('RFB 003.008\n');
	await read(12 + 2);
	socket.write(Buffer.from([1]));
	await read(4);
	socket.write(Buffer.from([1]));
	const head = await read(24);
	await read(head.readUInt32BE(20));
	const width = head.readUInt16BE(0), height = head.readUInt16BE(2), data = Buffer.alloc(width * height * 4);
	const ask = Buffer.from([2, 0, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
	ask.writeUInt16BE(width, 14);
	ask.writeUInt16BE(height, 16);
	socket.write(ask);
	for (let rects = (await read(4)).readUInt16BE(2); rects > 0; rects--) {
		const rect = await read(12);
		const [x, y, w, h] = [0, 2, 4, 6].map((at) => rect.readUInt16BE(at));
		const pixels = await read(w * h * 4);
		for (let row = 0; row < h; row++) {
			pixels.copy(data, ((y + row) * width + x) * 4, row * w * 4, (row + 1) * w * 4);
		}
	}
	socket.destroy();
	return { width, height, data };
}

/** How many pixels are clearly of that colour, [r, g, b] of 0 and 255. */
export function count({ data }, colour) {
	let n = 0;
	for (let i = 0; i < data.length; i += 4) {
		n += colour.every((c, k) => Math.abs(data[i + 2 - k] - c) < 50) ? 1 : 0;
	}
	return n;
}
