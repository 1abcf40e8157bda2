// A film in a desktop, watched in a real browser: it comes as VP9 and looks as it should, and when it stops the page has exactly
// what the agent sees.  A browser without WebCodecs sees it, too.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { close_page, hand_back, launch_browser, leave_pages, live, open_page, take_over } from './lib/browser.mjs';
import { call as ask, serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { build, eventually } from './lib/server.mjs';
import { link_in } from './lib/stream.mjs';

let server, browser;

async function call(name, args = {}) {
	const { result, error } = await ask(server, name, args);
	assert.notEqual(error ?? result.isError, true, `${name}: ${error?.message ?? text_in(result)}`);
	return result;
}

const shell = (command) => call('run_command', { command });

/* In the page, before its scripts: the canvas of the last frame of a film, and where noVNC drew it. */
function watch_films() {
	const draw = CanvasRenderingContext2D.prototype.drawImage;
	globalThis.film = { frames: 0 };
	globalThis.sockets = new Set();
	const { send } = WebSocket.prototype;
	WebSocket.prototype.send = function noted(data) {
		globalThis.sockets.add(this);
		send.call(this, data);
	};
	CanvasRenderingContext2D.prototype.drawImage = function watched(source, ...args) {
		draw.call(this, source, ...args);
		if (globalThis.VideoFrame && source instanceof VideoFrame) {
			globalThis.film.frames++;
		} else if (source.complete === true && source instanceof HTMLCanvasElement) {
			Object.assign(globalThis.film, { canvas: source, at: args });
		}
	};
}

async function watch(mode, options = {}, script = () => {}) {
	const page = await open_page(browser, options);
	await page.addInitScript(script);
	await page.addInitScript(watch_films);
	await page.goto(link_in(text_in(await call('stream_url', { mode }))));
	await live(page);
	return page;
}

const frames = (page) => page.evaluate(() => globalThis.film.frames);

/** A slow machine shows a part of it first. */
async function shows_film(page) {
	const before = await frames(page);
	const area = () => page.evaluate(() => globalThis.film.canvas.width * globalThis.film.canvas.height);
	await eventually('twenty frames of a film, and then one of it all',
		async () => await frames(page) > before + 20 && await area() > 500 * 400);
}

/** {width, height, pixels} of the page's picture; film: of the last frame of one, and where it was drawn. */
async function picture_of(page, film = false) {
	const { pixels, ...rest } = await page.evaluate(async (of_film) => {
		const canvas = of_film ? globalThis.film.canvas : document.querySelector('#screen canvas');
		const { width, height } = canvas;
		const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
		const reader = new FileReader();
		await new Promise((resolve) => { reader.onload = resolve; reader.readAsDataURL(new Blob([data])); });
		return { width, height, at: globalThis.film.at, pixels: reader.result.split(',')[1] };
	}, film);
	return { ...rest, pixels: Buffer.from(pixels, 'base64') };
}

/** What is there, without JPEG and video: a page that asks for Tight and nothing else. */
async function truth() {
	const page = await watch('view', {}, () => {
		const send = WebSocket.prototype.send;
		WebSocket.prototype.send = function exact(data) {
			const bytes = ArrayBuffer.isView(data) ? data : new Uint8Array(data);
			send.call(this, bytes[0] === 2 && bytes.length > 12 ? Uint8Array.of(2, 0, 0, 1, 0, 0, 0, 7) : data);
		};
	});
	await page.waitForFunction(() => {
		const canvas = document.querySelector('#screen canvas');
		return canvas.getContext('2d').getImageData(canvas.width - 1, canvas.height - 1, 1, 1).data.some((value) => value > 0);
	});
	let picture, before;
	await eventually('all of it is painted, the pointer included', async () => {
		[before, picture] = [picture, await picture_of(page)];
		await sleep(1000);
		return before?.pixels.equals(picture.pixels);
	});
	await page.context().close();
	return picture;
}

/* What tests/bench/probe.c paints at a place of its window in frame number `at`, without the noise of 0 to 7. */
const painted = (x, y, at) => [(x + 4 * at) / 3, (y + 8 * at) / 2, ((x + y - 4 * at) >>> 0) / 4].map((v) => Math.floor(v) % 248);

/** Mean square error of each `step`-th pixel of a frame against frame number `at` of the film, whose window is at left, top. */
function error_of(frame, { left, top }, at, step = 1) {
	const x0 = frame.at[0] - left, y0 = frame.at[1] - top;
	let sum = 0, n = 0;
	for (let i = 0; i < frame.width * frame.height; i += step) {
		const x = x0 + i % frame.width, y = y0 + Math.floor(i / frame.width);
		if (x >= 0 && x < 640 && y >= 0 && y < 480) {
			painted(x, y, at).forEach((value, c) => { sum += (frame.pixels[4 * i + c] - value - 3.5) ** 2; });
			n += 3;
		}
	}
	return sum / n;
}

/** In dB, of the frame of the film that is the most like it: on a busy machine, what came last need not have come as a film. */
async function psnr_of(frame) {
	const [, left, top] = text_in(await call('window_list')).match(/"video".* at \((\d+), (\d+)\)/).map(Number);
	const numbers = [...Array(20_000).keys()], errors = numbers.map((at) => error_of(frame, { left, top }, at, 1999));
	const best = numbers.reduce((a, b) => errors[b] < errors[a] ? b : a);
	return 10 * Math.log10(255 ** 2 / error_of(frame, { left, top }, best));
}

function differences(is, should) {
	const at = [...Array(is.width * is.height).keys()].filter((i) => [0, 1, 2].some((c) => is.pixels[4 * i + c] !== should.pixels[4 * i + c]));
	const [xs, ys] = [at.map((i) => i % is.width), at.map((i) => Math.floor(i / is.width))];
	const [x, y] = [xs, ys].map((list) => list.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, 0]));
	return `${at.length} pixels differ, from ${x[0]},${y[0]} to ${x[1]},${y[1]}`;
}

async function stops_exact(page) {
	await shell('kill -STOP $(cat pid)');
	let here, there;
	await eventually('the picture is exact', async () => {
		there = await truth(); // again each time: the clock of the panel goes on
		here = await picture_of(page);
		return here.pixels.equals(there.pixels);
	}).catch((error) => assert.fail(`${error.message}: ${here && differences(here, there)}`));
}

before(async () => {
	execFileSync('ninja', ['-C', build, 'bench-probe'], { stdio: 'ignore' });
	server = await serve_http({ backend: 'namespace' });
	browser = await launch_browser();
	await call('screenshot');
	const probe = execFileSync('base64', [join(build, 'bench-probe')], { maxBuffer: 1 << 26 });
	await shell(`base64 -d > probe << END\n${probe}END\nchmod +x probe`);
	await shell(`printf '#!/bin/sh\\necho $$ > pid\\nexec /home/user/probe video /home/user/report\\n' > film; chmod +x film`);
	await call('launch', { application: '/home/user/film' });
});

afterEach(async () => {
	await shell('kill -CONT $(cat pid)');
	await leave_pages(browser);
});

after(async () => {
	await browser?.close();
	await server?.stop();
});

test('a film comes as VP9, and what it has left is exact', async () => {
	const page = await watch('view');
	await shows_film(page);
	await stops_exact(page);
	const psnr = await psnr_of(await picture_of(page, true));
	assert.ok(psnr > 30, `the last frame is as it should be: ${psnr} dB`);
	await close_page(page);
});

test('who takes over sees the film, too, and after a new connection', async () => {
	const page = await watch('control');
	await shows_film(page);
	await take_over(page);
	await shows_film(page);
	const connections = () => page.evaluate(() => [...globalThis.sockets].filter((s) => s.url.includes('socket?')).length);
	await page.evaluate(() => { [...globalThis.sockets].find((s) => s.url.includes('socket?')).close(); });
	await eventually('the page has connected again', async () => await connections() > 1);
	await live(page);
	await shows_film(page);
	await hand_back(page);
	await stops_exact(page);
	await close_page(page);
});

test('a browser without WebCodecs sees the film, and what it has left is exact', async () => {
	const page = await watch('view', {}, () => { delete globalThis.VideoDecoder; });
	await sleep(3000);
	await stops_exact(page);
	assert.equal(await frames(page), 0);
	await close_page(page);
});

test('a decoder that fails gets another start, and after three failures the film comes as JPEG', async () => {
	const page = await watch('view', {}, () => {
		const { decode } = VideoDecoder.prototype;
		globalThis.broken = 0;
		VideoDecoder.prototype.decode = function broken(chunk) {
			if (chunk.type === 'delta' && globalThis.broken < 3) {
				globalThis.broken++;
				throw new Error('it is broken');
			}
			decode.call(this, chunk);
		};
	});
	await eventually('three failures', () => page.evaluate(() => globalThis.broken === 3));
	await sleep(1000);
	const before = await frames(page);
	await sleep(1500);
	assert.equal(await frames(page), before, 'no more films are asked for');
	await stops_exact(page);
	await close_page(page);
});
