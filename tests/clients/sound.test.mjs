// The sound of a desktop in a real browser: a tone that a program plays is heard in the page, soon, and only while the user
// wants it.  A model gets it as an audio block.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { close_page, launch_browser, live, open_page, shot } from './lib/browser.mjs';
import { bearer, serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { eventually } from './lib/server.mjs';
import { link_in } from './lib/stream.mjs';

const token = 'sound-test-token-0123456789-abcdef';
const HZ = 440;
let agent, server, browser;

async function call(name, args = {}) {
	const result = await agent.callTool({ name, arguments: args });
	assert.notEqual(result.isError, true, `${name}: ${text_in(result)}`);
	return result;
}

const run = (command) => call('run_command', { command });

/** Plays a tone for so many seconds, in the background. */
const play = (seconds) => run(`(perl -e '$s = pack("s<*", map { 10000 * sin(6.283185307 * ${HZ} * $_ / 48000) } 0 .. 47999); print $s for 1 .. ${seconds}' \
| paplay --raw --rate=48000 --channels=1 --format=s16le) >/dev/null 2>&1 &`);
const stop = () => run('pkill paplay; true');

/** Lets a test hear what the page plays: {hz, loud} of window.heard(); and how long packets waited, in s: window.waits. */
const overhear = () => {
	const { start } = AudioBufferSourceNode.prototype;
	window.waits = [];
	AudioBufferSourceNode.prototype.start = function (when) {
		window.waits.push(when - this.context.currentTime);
		return start.call(this, when);
	};
	const { connect } = AudioNode.prototype;
	const ears = new Map();
	AudioNode.prototype.connect = function (to, ...more) {
		if (to === this.context.destination && !ears.has(this.context)) {
			ears.set(this.context, new AnalyserNode(this.context, { fftSize: 8192, smoothingTimeConstant: 0 }));
		}
		if (to === this.context.destination) {
			connect.call(this, ears.get(this.context));
		}
		return connect.call(this, to, ...more);
	};
	window.heard = () => {
		const ear = [...ears.values()].at(-1);
		if (!ear) {
			return { hz: 0, loud: 0 };
		}
		const levels = new Float32Array(ear.frequencyBinCount);
		const waves = new Float32Array(ear.fftSize);
		ear.getFloatFrequencyData(levels);
		ear.getFloatTimeDomainData(waves);
		const bin = levels.indexOf(Math.max(...levels));
		return { hz: bin * ear.context.sampleRate / ear.fftSize, loud: Math.max(...waves.map(Math.abs)), state: ear.context.state };
	};
};

async function watch(args = {}) {
	const page = await open_page(browser);
	await page.addInitScript(overhear);
	await page.goto(link_in(text_in(await call('stream_url', args))));
	await live(page);
	return page;
}

const heard = (page) => page.evaluate(() => window.heard());
const is_tone = async (page) => {
	const { hz, loud } = await heard(page);
	return Math.abs(hz - HZ) < 10 && loud > 0.1;
};
const hears_tone = (page) => eventually('the page plays the tone', () => is_tone(page));
const hears_nothing = (page) => eventually('the page is silent', async () => (await heard(page)).loud === 0);
const pressed = (page) => page.getAttribute('#sound', 'aria-pressed');

before(async () => {
	server = await serve_http({ backend: 'namespace', args: ['--tools', 'all'], tokens: [{ name: 'ana', token }] });
	agent = new Client({ name: 'sound-test', version: '1.0.0' });
	await agent.connect(new StreamableHTTPClientTransport(server.mcp, { requestInit: { headers: bearer(token) } }));
	await call('screenshot');
	browser = await launch_browser();
});

after(async () => {
	await browser?.close();
	await agent?.close();
	await server?.stop();
});

test('a viewer hears the desktop when asked for, and not before', async () => {
	const page = await watch({ mode: 'view' });
	assert.equal(await pressed(page), 'false');
	assert.equal(text_in(await run('pgrep -x pulseaudio || echo none')).trim(), 'none', 'nothing runs for a page that does not listen');
	await page.click('#sound');
	assert.equal(await pressed(page), 'true');
	await play(60);
	await hears_tone(page);
	await shot(page, 'sound');
	await stop();
	await hears_nothing(page);
	await play(60);
	await hears_tone(page);
	await page.click('#sound');
	assert.equal(await pressed(page), 'false');
	await eventually('nothing records any more', async () => /none/.test(text_in(await run('pgrep -x parec || echo none'))));
	await page.keyboard.press('Enter'); // it still has the focus
	await hears_tone(page);
	await stop();
	await close_page(page);
});

test('a page that was busy skips what is late', async () => {
	const page = await watch({ mode: 'view' });
	await page.click('#sound');
	await play(60);
	await hears_tone(page);
	await page.evaluate(() => {
		window.waits.length = 0;
		for (const end = performance.now() + 1500; performance.now() < end;) {
			// The packets of this time wait in the browser.
		}
	});
	await page.waitForFunction(() => window.waits.length > 50);
	await hears_tone(page);
	assert.ok(await page.evaluate(() => Math.max(...window.waits)) < 0.2, 'at most 200 ms wait');
	await stop();
	await close_page(page);
});

test('the sound comes back when the sound server was killed', async () => {
	const page = await watch({ mode: 'control' });
	await page.click('#sound');
	await play(60);
	await hears_tone(page);
	await run('pkill -KILL -x pulseaudio');
	await hears_nothing(page);
	await eventually('the page listens again', async () => !/none/.test(text_in(await run('pgrep -x parec || echo none'))));
	await play(60);
	await hears_tone(page);
	assert.equal(await pressed(page), 'true');
	await stop();
	await close_page(page);
});

test('a window has no sound', async () => {
	const { content } = await call('launch', { application: 'xterm' });
	const window = Number(/window (\d+)/i.exec(text_in({ content }))[1]);
	const page = await watch({ mode: 'view', window });
	assert.equal(await page.locator('#sound').isVisible(), false);
	await close_page(page);
});

test('a page that may not decode says so', async () => {
	const page = await open_page(browser);
	await page.addInitScript(() => { delete window.AudioDecoder; });
	await page.goto(link_in(text_in(await call('stream_url'))));
	await live(page);
	await page.click('#sound');
	await page.locator('#said', { hasText: 'cannot decode' }).waitFor();
	assert.equal(await pressed(page), 'false');
	await close_page(page);
});

test('a model gets what is played as an audio block', async () => {
	await play(60);
	const [clip, text] = (await call('audio_record', { seconds: 2 })).content;
	await stop();
	assert.deepEqual([clip.type, clip.mimeType], ['audio', 'audio/wav']);
	const wav = Buffer.from(clip.data, 'base64');
	assert.equal(wav.length, 44 + 2 * 16000 * 2);
	let crossings = 0;
	for (let at = wav.length - 32000; at < wav.length; at += 2) { // the last second
		crossings += wav.readInt16LE(at) >= 0 && wav.readInt16LE(at - 2) < 0 ? 1 : 0;
	}
	assert.ok(Math.abs(crossings - HZ) <= 2, `${crossings} Hz`);
	assert.match(text.text, /peak level -\d/);
	const [, silence] = (await call('audio_record', { seconds: 1 })).content;
	assert.match(silence.text, /silence/);
});

test('two calls at once: what an action plays is recorded', async () => {
	const [recorded] = await Promise.all([call('audio_record', { seconds: 3 }), play(1)]);
	assert.match(text_in(recorded), /peak level/);
});
