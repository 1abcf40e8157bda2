// The bench of streams: how long after a program drew something a person's browser shows it, and what one, four and sixteen
// viewers of a moving screen get and cost.  In the same run x11vnc and websockify do it for an Xvfb desktop, with noVNC's
// same module in the page.
//
//   stream_bench.mjs [--quick] [--row NAME] [--json FILE]
//
// The delay is measured in Chromium: noVNC draws every update with drawImage, and right behind it one pixel is read.  The
// program's time and the page's are both CLOCK_MONOTONIC.  The many viewers are not browsers, which would take the machine
// for themselves: they ask for the same encodings as noVNC, take updates apart as far as counting needs, and ask again.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as tcp_server } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { launch_browser } from '../clients/lib/browser.mjs';
import { call as ask, serve_http } from '../clients/lib/http.mjs';
import { build, source } from '../clients/lib/server.mjs';
import { link_in, redeem, visit } from '../clients/lib/stream.mjs';
import { tone_delays, watch_tones } from './sound_delay.mjs';
import { Viewer } from './stream_viewer.mjs';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean' }, row: { type: 'string' },
	json: { type: 'string' }, build: { type: 'string' }, source: { type: 'string' } } });
const dir = mkdtempSync(join(tmpdir(), 'vitrine-bench-'));
// Both within its window (probe.h), and apart, for the pointer is drawn where it clicked.
const CLICK = [300, 200], PIXEL = { x: 520, y: 340 };
const COLOURS = ['e0e0e0', 'c02020', '20a020', '2040c0'];
const monotonic_ms = () => Number(process.hrtime.bigint()) / 1e6;
const has = (program) => (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)));
const novnc = ['/usr/share/novnc', join(source, '.novnc')].find((place) => existsSync(join(place, 'core/rfb.js')));

/* ---- what the kernel tells ---- */

/** A process and all below it. */
function family(pid) {
	const below = (at) => {
		try {
			return readdirSync(`/proc/${at}/task`).flatMap((thread) =>
				readFileSync(`/proc/${at}/task/${thread}/children`, 'utf8').trim().split(/\s+/)
					.filter(Boolean).map(Number));
		} catch {
			return []; // it ended while we looked
		}
	};
	return [pid, ...below(pid).flatMap(family)];
}

const of_all = (pids, read) => pids.reduce((sum, pid) => {
	try {
		return sum + read(pid);
	} catch {
		return sum;
	}
}, 0);

/** Seconds of processor time; ticks are hundredths. */
const cpu_of = (pids) => of_all(pids, (pid) => {
	const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
	return (Number(fields[11]) + Number(fields[12])) / 100;
});
const pss_of = (pids) => of_all(pids, (pid) =>
	Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) / 1024);
const name_of = (pid) => {
	try {
		return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
	} catch {
		return '';
	}
};
const named = (pids, ...names) => pids.filter((pid) => names.includes(name_of(pid)));

/* ---- our desktop ---- */

const terminal = 'i=0; while :; do i=$((i+1)); echo "$i The quick brown fox jumps over the lazy dog."; sleep 0.02; done';

async function start_ours() {
	const server = await serve_http({ backend: 'namespace', args: ['--max-connections', '200'] });
	const text = (result) => result.content.filter((c) => c.type === 'text').map((c) => c.text).join('\n');
	const call = async (name, args) => {
		const { result, error } = await ask(server, name, args);
		if (error || result.isError) {
			throw new Error(`${name}: ${error?.message ?? text(result)}`);
		}
		return text(result);
	};
	await call('screenshot');
	const probe = execFileSync('base64', [join(build, 'bench-probe')], { maxBuffer: 1 << 24 });
	await call('run_command', { command: `base64 -d > bench-probe << END\n${probe}END\nchmod +x bench-probe` });
	return { name: 'ours', server, call,
		async show(what) {
			const command = what === 'terminal' ? `exec xterm -e sh -c '${terminal}'`
				: `exec /home/user/bench-probe ${what} /home/user/probe.txt`;
			const script = `#!/bin/sh\necho $$ > shown.pid\n${command}\n`;
			await call('run_command', { command: `rm -f probe.txt; cat > shown.sh << 'END'\n${script}END\nchmod +x shown.sh` });
			await call('launch', { application: '/home/user/shown.sh' });
			await sleep(1000);
		},
		hide: async () => { await call('run_command', { command: 'kill $(cat shown.pid)' }); await sleep(500); },
		report: () => call('run_command', { command: 'cat /home/user/probe.txt' }),
		click: () => call('left_click', { coordinate: CLICK }),
		async open(page) {
			await page.goto(link_in(await call('stream_url')));
			await page.locator('#cover').waitFor({ state: 'hidden' });
		},
		async viewer(point, video) {
			const person = await visit(link_in(await call('stream_url')));
			for (let i = 0; !person.viewer && i < 200; i++) {
				await sleep(10);
			}
			const url = new URL(`socket?viewer=${person.viewer}`, person.url);
			url.protocol = 'ws:';
			return new Viewer(url, { cookie: person.cookie, origin: server.origin }, point,
				{ leave: person.leave, video });
		},
		// The server alone, and all that the picture costs on the way: Xvnc draws and encodes, the agent passes on.
		server_pids: () => [server.pid],
		all_pids: () => [server.pid, ...named(family(server.pid), 'Xvnc', 'Xtigervnc', 'vitrine-agent')],
		stop: () => server.stop() };
}

/* ---- the peers' ---- */

const free_port = () => new Promise((resolve) => {
	const server = tcp_server().listen(0, '127.0.0.1', () => {
		const { port } = server.address();
		server.close(() => resolve(port));
	});
});

async function listens(port) {
	for (let i = 0; i < 200; i++) {
		const up = await new Promise((resolve) => {
			const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
			socket.on('error', () => resolve(false));
		});
		if (up) {
			return;
		}
		await sleep(50);
	}
	throw new Error(`nothing listens on port ${port}`);
}

/** A page with noVNC and nothing else, as set up in ours. */
function page_server(port) {
	const types = { '.js': 'text/javascript', '.html': 'text/html' };
	const html = `<!doctype html><style>html,body,#screen{margin:0;height:100%}</style><div id="screen"></div><script type="module">
		import RFB from './novnc/core/rfb.js';
		const rfb = new RFB(document.getElementById('screen'), 'ws://127.0.0.1:${port}', { shared: true });
		rfb.scaleViewport = true;
		rfb.viewOnly = true;
		rfb.addEventListener('connect', () => { document.title = 'connected'; });
	</script>`;
	return new Promise((resolve) => {
		const server = createServer((request, response) => {
			const path = request.url.split('?')[0];
			const file = path.startsWith('/novnc/') && !path.includes('..') ? join(novnc, path.slice(7)) : null;
			response.setHeader('Content-Type', types[extname(path)] ?? 'text/html');
			response.end(file && existsSync(file) ? readFileSync(file) : html);
		}).listen(0, '127.0.0.1', () => resolve(server));
	});
}

async function start_peer() {
	for (const program of ['Xvfb', 'openbox', 'xdotool', 'x11vnc', 'websockify', 'xterm']) {
		if (!has(program)) {
			throw new Error(`${program} is not installed`);
		}
	}
	const started = [];
	const run = (program, args, env = {}) => {
		const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...env } });
		started.push(child);
		return child;
	};
	const x = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '1280x800x24', '-nolisten', 'tcp', '-noreset'],
		{ stdio: ['ignore', 'pipe', 'ignore'] });
	started.push(x);
	const [number] = await new Promise((resolve) => { x.stdout.once('data', (data) => resolve(String(data).split('\n'))); });
	const DISPLAY = `:${number}`;
	run('openbox', ['--sm-disable'], { DISPLAY });
	const vnc = await free_port(), web = await free_port();
	run('x11vnc', ['-display', DISPLAY, '-rfbport', String(vnc), '-localhost', '-shared', '-forever', '-nopw', '-quiet']);
	await listens(vnc);
	const proxy = run('websockify', [`127.0.0.1:${web}`, `127.0.0.1:${vnc}`]);
	await listens(web);
	const pages = await page_server(web);
	const file = join(dir, 'probe.txt');
	let shown;
	const server_pids = () => [...family(proxy.pid), ...family(started[2].pid)];
	return { name: 'x11vnc + websockify',
		async show(what) {
			rmSync(file, { force: true });
			shown = what === 'terminal' ? run('xterm', ['-e', 'sh', '-c', terminal], { DISPLAY })
				: run(join(build, 'bench-probe'), [what, file], { DISPLAY });
			await sleep(1500);
		},
		hide: async () => { shown.kill(); await sleep(500); },
		report: async () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
		click: async () => { spawnSync('xdotool', ['mousemove', ...CLICK.map(String), 'click', '--delay', '0', '1'],
			{ env: { ...process.env, DISPLAY } }); },
		async open(page) {
			await page.goto(`http://127.0.0.1:${pages.address().port}/`);
			await page.waitForFunction(() => document.title === 'connected');
		},
		viewer: async (point) => new Viewer(new URL(`ws://127.0.0.1:${web}`), {}, point),
		server_pids, all_pids: () => [...server_pids(), x.pid],
		async stop() {
			pages.close();
			pages.closeAllConnections();
			started.reverse().forEach((child) => child.kill());
			await sleep(300);
		} };
}

/* ---- rows ---- */

const percentile = (list, percent) => [...list].sort((a, b) => a - b)[Math.max(0, Math.ceil(percent / 100 * list.length) - 1)];
const rounded = (value) => Math.round(value * 100) / 100;
const summary = (list) => ({ p50: rounded(percentile(list, 50)), p95: rounded(percentile(list, 95)), n: list.length });

/* In the page, before its own scripts: when the watched pixel got which colour. */
function watch_pixel({ x, y }) {
	const drawn = CanvasRenderingContext2D.prototype.drawImage;
	globalThis.bench = [];
	CanvasRenderingContext2D.prototype.drawImage = function draw(...args) {
		drawn.apply(this, args);
		if (this.canvas.isConnected && this.canvas.width > x && this.canvas.height > y) {
			const at = performance.now();
			const [r, g, b] = this.getImageData(x, y, 1, 1).data;
			const colour = [r, g, b];
			if (String(globalThis.bench.at(-1)?.colour) !== String(colour)) {
				globalThis.bench.push({ at, colour });
			}
		}
	};
}

/** How far the page's clock is behind ours, and how sure that is, ms. */
async function clock_of(page) {
	let best = { spread: Infinity };
	for (let i = 0; i < 40; i++) {
		const before = monotonic_ms(), theirs = await page.evaluate(() => performance.now()), after = monotonic_ms();
		if (after - before < best.spread) {
			best = { spread: after - before, offset: (before + after) / 2 - theirs };
		}
	}
	return best;
}

const is_colour = (seen, wanted) => [0, 1, 2].every((i) =>
	Math.abs(seen[i] - parseInt(wanted.slice(2 * i, 2 * i + 2), 16)) <= 16);

async function until(what, of_ms, test) {
	for (const end = Date.now() + of_ms; Date.now() < end; await sleep(2)) {
		const value = await test();
		if (value) {
			return value;
		}
	}
	throw new Error(`${what}: not within ${of_ms} ms`);
}

async function open_delay(browser, desk) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
	const page = await context.newPage();
	page.setDefaultTimeout(60_000);
	await page.addInitScript(watch_pixel, PIXEL);
	await desk.show('paint');
	await desk.open(page);
	await page.waitForFunction(() => globalThis.bench.length > 0);
	await sleep(1500);
	return { desk, page, context, clock: await clock_of(page), round: 0, ms: [] };
}

/** One click: the program says when it began to draw, the page when it showed that. */
async function delay_once(side, keep) {
	await side.desk.click();
	const report = await until('the probe', 20_000, async () => {
		const found = /probe (\d+) (\d+) (\d+)/.exec(await side.desk.report());
		return found && Number(found[1]) > side.round && found;
	});
	side.round = Number(report[1]);
	const drew = Number(report[2]) / 1000, colour = COLOURS[side.round % COLOURS.length];
	const seen = await until('the page', 20_000, async () => (await side.page.evaluate(() => globalThis.bench))
		.find((s) => s.at + side.clock.offset >= drew - side.clock.spread && is_colour(s.colour, colour)));
	if (keep) {
		side.ms.push(seen.at + side.clock.offset - drew);
	}
	await side.page.evaluate(() => { globalThis.bench.length = 0; });
	await sleep(120 + Math.random() * 100);
}

async function run_delay(desks) {
	const browser = await launch_browser();
	const sides = [];
	try {
		for (const desk of desks) {
			sides.push(await open_delay(browser, desk));
		}
		const n = options.quick ? 10 : 60;
		for (let i = -3; i < n; i++) {
			for (const side of sides) {
				await delay_once(side, i >= 0);
			}
		}
		return sides.map((side) => ({ ...summary(side.ms), clock_error_ms: rounded(side.clock.spread / 2) }));
	} finally {
		await browser.close();
		for (const { desk } of sides) {
			await desk.hide();
		}
	}
}

/** A viewer that has had its first picture; like the page it tries again when the X server has no room for one more. */
async function opened(desk, point, video = false) {
	for (let left = 20; ; left--) {
		const viewer = await desk.viewer(point, video);
		try {
			await viewer.opened;
			return viewer;
		} catch (error) {
			viewer.close();
			if (left === 0) {
				throw error;
			}
			await sleep(200);
		}
	}
}

/** What `count` viewers get of it in some seconds, and what that costs; video: as VP9. */
async function watched(desk, what, count, video = false) {
	await desk.show(what);
	const viewers = [];
	try {
		for (let i = 0; i < count; i++) {
			viewers.push(await opened(desk, what === 'video' && PIXEL, video));
		}
		await sleep(video ? 4000 : 1500);
		const before = viewers.map((viewer) => ({ ...viewer.seen }));
		const cpu = [desk.server_pids(), desk.all_pids()].map((pids) => ({ pids, from: cpu_of(pids) }));
		const began = monotonic_ms();
		await sleep(options.quick ? 3000 : 10_000);
		const seconds = (monotonic_ms() - began) / 1000;
		const [server, all] = cpu.map(({ pids, from }) => 100 * (cpu_of(pids) - from) / seconds);
		const fps = viewers.map((viewer, i) => (viewer.seen.updates - before[i].updates) / seconds);
		const mbit = viewers.reduce((sum, viewer, i) => sum + viewer.seen.bytes - before[i].bytes, 0) * 8 / seconds / 1e6;
		return { fps: summary(fps), slowest_fps: rounded(Math.min(...fps)), server_cpu: rounded(server),
			all_cpu: rounded(all), mbit: rounded(mbit), broken: viewers.map((v) => v.failed).find(Boolean) };
	} finally {
		viewers.forEach((viewer) => viewer.close());
		await desk.hide();
	}
}

/** Memory of the server's processes (and of the X server's) per viewer, between 1 and 16 of them on a moving screen. */
async function memory(desk) {
	await desk.show('animate');
	const viewers = [];
	const grow = async (n) => {
		while (viewers.length < n) {
			viewers.push(await opened(desk));
		}
		await sleep(2500);
		return [pss_of(desk.server_pids()), pss_of(desk.all_pids())];
	};
	try {
		const one = await grow(1), all = await grow(16);
		return { server_mib: rounded((all[0] - one[0]) / 15), all_mib: rounded((all[1] - one[1]) / 15), n: 15 };
	} finally {
		viewers.forEach((viewer) => viewer.close());
		await desk.hide();
	}
}

/** Processor of everything while nothing moves, %. */
async function idle(desk, count) {
	const viewers = [];
	try {
		while (viewers.length < count) {
			viewers.push(await opened(desk));
		}
		await sleep(3000);
		const pids = desk.all_pids(), from = cpu_of(pids), began = monotonic_ms();
		await sleep(options.quick ? 20_000 : 60_000);
		return { all_cpu: rounded(100_000 * (cpu_of(pids) - from) / (monotonic_ms() - began)) };
	} finally {
		viewers.forEach((viewer) => viewer.close());
	}
}

/* ---- the whole ---- */

const SCREENS = [['terminal', 'a scrolling terminal'], ['video', 'a film of 640x480 at 30 a second']];
const rows = [];
const wanted = (name) => !options.row || options.row === 'stream' || options.row === name;
const line = (title, ...cells) => console.log(title.padEnd(52), ...cells.map((c) => String(c).padStart(10)));
const ratio = (ours, peer, of) => (peer && of(ours) > 0 ? rounded(of(peer) / of(ours)) : null);

async function tell_delay(desks) {
	const [ours, peer] = await run_delay(desks);
	const times = ratio(ours, peer, (side) => side.p50);
	line('X change until the pixel in the browser, ms', ours.p50, ours.p95, ours.n, peer?.p50 ?? '-', peer?.p95 ?? '-',
		peer?.n ?? '-', times ? `${times}x` : '-', `(clocks: ± ${ours.clock_error_ms} ms)`);
	rows.push({ name: 'stream-delay', unit: 'ms', ours, peer, ratio: times });
}

/** Beside the picture's delay in the same run. */
async function tell_sound([ours]) {
	const browser = await launch_browser();
	try {
		const page = await browser.newPage();
		await page.addInitScript(watch_tones);
		await ours.open(page);
		const clock = await clock_of(page);
		const delays = await tone_delays(ours, page, clock.offset, options.quick ? 10 : 40);
		const result = { ...summary(delays), clock_error_ms: rounded(clock.spread / 2) };
		line('a tone until the browser plays it, ms', result.p50, result.p95, result.n);
		rows.push({ name: 'stream-sound', unit: 'ms', ours: result });
	} finally {
		await browser.close();
	}
}

async function tell_viewers(desks, what, title, count) {
	const results = [];
	for (const desk of desks) {
		results.push(await watched(desk, what, count));
	}
	const [ours, peer] = results;
	const per_frame = ({ fps, all_cpu }) => 10 * all_cpu / Math.max(fps.p50 * count, 0.01); // ms of processor
	const cell = (side) => (side ? [side.fps.p50, side.slowest_fps, side.server_cpu, side.all_cpu, side.mbit] : ['-', '-', '-', '-', '-']);
	const times = ratio(ours, peer, per_frame);
	line(`${title}, ${count} viewer${count > 1 ? 's' : ''}`, ...cell(ours), ...cell(peer), times ? `${times}x` : '-');
	for (const side of results) {
		if (side.broken) {
			console.log(`   a viewer failed: ${side.broken}`);
		}
	}
	rows.push({ name: `stream-${what}-${count}`, viewers: count, ours, peer, cpu_per_frame_ratio: times });
}

/** A film as VP9 beside the same as Tight with JPEG. */
async function tell_film([ours], count) {
	const film = await watched(ours, 'video', count, true), jpeg = await watched(ours, 'video', count);
	const size = ({ mbit, fps }) => mbit * 1e6 / 8 / Math.max(fps.p50 * count, 0.01); // bytes of a frame
	const share = rounded(100 * size(film) / size(jpeg));
	line(`the film as VP9 | as JPEG, ${count} viewer${count > 1 ? 's' : ''}`, film.fps.p50, film.slowest_fps, film.server_cpu,
		film.all_cpu, film.mbit, jpeg.fps.p50, jpeg.slowest_fps, jpeg.server_cpu, jpeg.all_cpu, jpeg.mbit, `bytes ${share} %`);
	rows.push({ name: `stream-film-${count}`, viewers: count, ours: film, jpeg, bytes_percent: share });
}

async function tell_memory(desks) {
	const results = [];
	for (const desk of desks) {
		results.push(await memory(desk));
	}
	const [ours, peer] = results;
	const times = ratio(ours, peer, (side) => side.server_mib);
	line('memory of each viewer, server | with X server, MiB', ours.server_mib, ours.all_mib, '', peer?.server_mib ?? '-',
		peer?.all_mib ?? '-', '', times ? `${times}x` : '-');
	rows.push({ name: 'stream-memory', unit: 'MiB', ours, peer, ratio: times });
}

async function tell_idle(desks) {
	const results = [];
	for (const desk of desks) {
		results.push(await idle(desk, 16));
	}
	const [ours, peer] = results;
	line('processor of an idle desktop, 16 viewers, with X, %', '', '', '', ours.all_cpu, '', '', '', '', peer?.all_cpu ?? '-');
	rows.push({ name: 'stream-idle-16', unit: '%', ours, peer, ratio: ratio(ours, peer, (side) => side.all_cpu) });
}

async function all_rows(desks) {
	if (wanted('stream-delay')) {
		line('streams', 'p50', 'p95', 'n', 'peer p50', 'p95', 'n', 'ratio');
		await tell_delay(desks);
	}
	if (wanted('stream-sound')) {
		await tell_sound(desks);
	}
	const title = () => line('each viewer\'s updates a second, processor in %', 'fps', 'slowest', 'server', 'with X', 'Mbit/s',
		'peer fps', 'slowest', 'server', 'with X', 'Mbit/s', 'CPU/frame');
	if (SCREENS.some(([what]) => [1, 4, 16].some((n) => wanted(`stream-${what}-${n}`)))) {
		title();
	}
	for (const [what, words] of SCREENS) {
		for (const count of [1, 4, 16]) {
			if (wanted(`stream-${what}-${count}`)) {
				await tell_viewers(desks, what, words, count);
			}
		}
	}
	for (const count of [1, 16]) {
		if (wanted(`stream-film-${count}`)) {
			await tell_film(desks, count);
		}
	}
	if (wanted('stream-memory')) {
		await tell_memory(desks);
	}
	if (wanted('stream-idle-16')) {
		await tell_idle(desks);
	}
}

function write_report() {
	if (options.json) {
		const report = existsSync(options.json) ? JSON.parse(readFileSync(options.json)) : {};
		report.rows = [...(report.rows ?? []), ...rows];
		writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
	}
}

const desks = [];
let code = 0;
try {
	desks.push(await start_ours());
	await start_peer().then((peer) => desks.push(peer), (error) => console.log(`streams: no peer: ${error.message}`));
	await all_rows(desks);
} catch (error) {
	console.error(`stream_bench: ${error.stack}`);
	code = 1;
} finally {
	for (const desk of desks) {
		await desk.stop().catch((error) => console.error(String(error)));
	}
	rmSync(dir, { recursive: true, force: true });
	write_report();
}
process.exit(code);
