// The loops of docs/agents.md, as printed there, with the vendors' packages.  The model is a script behind a loopback address: it clicks and
// types, and the end state is read from the desktop.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { call, serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { run } from './lib/run.mjs';
import { eventually, modules, source } from './lib/server.mjs';
import { install_editor, written } from './lib/typing.mjs';

const TOKEN = 'a-token-for-the-agents-0123456789';
const page = readFileSync(join(source, 'docs/agents.md'), 'utf8');
const blocks = [...page.matchAll(/^```(?:js|python)\n(?:\/\/|#) (\S+)\n([^]*?)^```$/gm)];
const loops = mkdtempSync(join(modules, '.agents-')); // below the packages that they import

before(() => blocks.forEach(([, name, text]) => writeFileSync(join(loops, name), text)));
after(() => rmSync(loops, { recursive: true }));

/** A model: answer(request, turn) gives each turn; requests holds what it was told. */
async function serve_model(answer) {
	const requests = [];
	const server = createServer(async (incoming, response) => {
		let body = '';
		for await (const part of incoming.setEncoding('utf8')) {
			body += part;
		}
		const request = JSON.parse(body);
		requests.push({ url: incoming.url, ...request });
		response.setHeader('Content-Type', 'application/json');
		response.end(JSON.stringify(answer(request, requests.length - 1)));
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return { requests, url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

/** Runs a loop against the script; check(shell, requests) sees the desktop and the requests afterwards. */
async function run_loop(name, tools, script, check) {
	const server = await serve_http({ backend: 'namespace', args: ['--tools', `${tools},launch,run_command`],
		tokens: [{ name: 'agent', token: TOKEN }] });
	const tool = async (of, args) => {
		const { result } = await call(server, of, args, { token: TOKEN });
		assert.notEqual(result.isError, true, text_in(result));
		return text_in(result);
	};
	const shell = (command) => tool('run_command', { command });
	await shell(install_editor);
	const window = /at \((\d+), (\d+)\), (\d+)x(\d+)/.exec(
		await tool('launch', { application: '/home/user/editor' })).slice(1).map(Number);
	await eventually('the editor has the focus', async () => (await shell(`ls ${written} 2>&1; true`)).startsWith(`${written}\n`));
	const model = await serve_model(script(window));
	try {
		const { code, out, err } = await run([process.execPath, join(loops, name), 'Write hello world.'],
			{ env: { ...process.env, VITRINE_URL: server.mcp.href, VITRINE_TOKEN: TOKEN, MODEL: 'scripted',
				ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'key', OPENAI_BASE_URL: `${model.url}/v1`,
				OPENAI_API_KEY: 'key', GOOGLE_GEMINI_BASE_URL: model.url, GEMINI_API_KEY: 'key' } });
		assert.equal(code, 0, `${err}\n${JSON.stringify(model.requests.at(-1))?.slice(0, 3000)}`);
		assert.equal(out.trim(), 'Done.');
		await check(shell, model.requests);
	} finally {
		model.stop();
		await server.stop();
	}
}

/** The caret is put before "world" by a click, so the click and all keys must have arrived. */
async function says_hello(shell) {
	let text;
	await eventually('the editor has the text', async () => {
		text = await shell(`cat ${written}`);
		return text.startsWith('hello wörld 漢字');
	}, 20).catch((e) => { throw new Error(`${e.message}: it has ${text}`); });
}

const PICTURE = /[A-Za-z0-9+/]{2000,}/;

function shown(request, what) {
	const text = JSON.stringify(request);
	assert.match(text, PICTURE, 'the model sees the screen');
	assert.match(text, what);
}

/** Steps of a model that writes into a window; click(x, y) etc. in the vendor's words. */
const plan = ([x, y], { type, click }) => [type('wörld 漢字'), click(x + 1, y + 4), type('hello ')];

const message = (content) => ({ id: 'msg_1', type: 'message', role: 'assistant', model: 'scripted', content,
	stop_reason: content[0].type === 'tool_use' ? 'tool_use' : 'end_turn', stop_sequence: null,
	usage: { input_tokens: 1, output_tokens: 1 } });
const DONE = message([{ type: 'text', text: 'Done.' }]);

test('Anthropic: the toolset, with the SDK\'s helper', () => run_loop('anthropic.mjs', 'computer',
	(window) => {
		const member = (name, input) => [name, input];
		const steps = [member('screenshot', {}), ...plan(window, {
			type: (text) => member('type', { text }),
			click: (x, y) => member('left_click', { coordinate: [x, y] }),
		}), member('cursor_position', {}), member('left_click', { coordinate: [5000, 1] })];
		return (request, turn) => (steps[turn] ? message([{ type: 'tool_use', id: `use_${turn}`,
			toolset_name: 'computer', name: steps[turn][0], input: steps[turn][1] }]) : DONE);
	},
	async (shell, requests) => {
		await says_hello(shell);
		assert.deepEqual(requests[0].tools, [{ type: 'computer_toolset_20260801' }]);
		const results = requests.slice(1).map((r) => r.messages.at(-1).content[0]);
		assert.equal(results.length, 6);
		assert.equal(results[0].content[0].type, 'image');
		assert.match(results[0].content[0].source.data, PICTURE);
		assert.match(JSON.stringify(results[1]), /Typed\..*8 characters delivered/s);
		assert.match(JSON.stringify(results[2]), /Clicked\..*Pointer at/s);
		assert.match(JSON.stringify(results[4]), /X=\d+,Y=\d+/);
		assert.equal(results[5].is_error, true);
		assert.match(JSON.stringify(results[5]), /1280x800/);
		assert.ok(results.every((r) => r.toolset_name === 'computer'));
	}));

test('Anthropic: the single tool', () => run_loop('anthropic-computer.mjs', 'claude',
	(window) => {
		const steps = [{ action: 'screenshot' }, ...plan(window, {
			type: (text) => ({ action: 'type', text }),
			click: (x, y) => ({ action: 'left_click', coordinate: [x, y] }),
		})];
		return (request, turn) => (steps[turn] ? message([{ type: 'tool_use', id: `use_${turn}`,
			name: 'computer', input: steps[turn] }]) : DONE);
	},
	async (shell, requests) => {
		await says_hello(shell);
		const results = requests.slice(1).map((r) => r.messages.at(-1));
		assert.equal(results.length, 4);
		results.forEach((r) => shown(r, /frame/));
		shown(results[2], /Clicked\./);
	}));

const response = (turn, output) => ({ id: `resp_${turn}`, object: 'response', created_at: 1, model: 'scripted',
	status: 'completed', output, parallel_tool_calls: false, tools: [] });
const said = (text) => ({ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed',
	content: [{ type: 'output_text', text, annotations: [] }] });

for (const [kind, wrap] of [['actions', (list) => list.map((a) => ({ actions: [a, { type: 'screenshot' }] }))],
	['one batch', (list) => [{ actions: list }]], ['one action', (list) => list.map((action) => ({ action }))]]) {
	test(`OpenAI: ${kind}`, () => run_loop('openai.mjs', 'openai',
		(window) => {
			const steps = [...wrap(plan(window, {
				type: (text) => ({ type: 'type', text }),
				click: (x, y) => ({ type: 'click', button: 'left', x, y, keys: null }),
			})), { actions: [{ type: 'click', button: 'left', x: 5000, y: 1 }] }];
			return (request, turn) => response(turn, steps[turn] ? [{ type: 'computer_call', id: `cu_${turn}`,
				call_id: `call_${turn}`, status: 'completed', pending_safety_checks: [], ...steps[turn] }]
				: [said('Done.')]);
		},
		async (shell, requests) => {
			await says_hello(shell);
			assert.deepEqual(requests[0].tools, [{ type: 'computer' }]);
			requests.slice(1).forEach((r) => shown(r.input, /data:image\/jpeg;base64,/));
			assert.match(requests.at(-1).input[1].content, /1280x800/);
		}));
}

for (const [kind, names] of [['3.5', { type: 'type', click: 'click' }], ['2.5', { type: 'type_text_at', click: 'click_at' }]]) {
	test(`Google: functions of Gemini ${kind}`, () => run_loop('gemini.mjs', 'gemini',
		(window) => {
			const grid = (x, y) => ({ x: Math.floor((x + 0.5) * 1000 / 1280), y: Math.floor((y + 0.5) * 1000 / 800) });
			const [x, y] = window;
			const at = names.type === 'type' ? {} : { ...grid(x + 1, y + 4), press_enter: false,
				clear_before_typing: false };
			const steps = [...plan(window, {
				type: (text) => [names.type, { ...at, text, intent: 'Write.' }],
				click: (px, py) => [names.click, grid(px, py)],
			}), [names.click, { x: 1000, y: 1 }]];
			return (request, turn) => ({ id: `turn_${turn}`, object: 'interaction', status: steps[turn]
				? 'requires_action' : 'completed', steps: [steps[turn] ? { type: 'function_call', id: `call_${turn}`,
				name: steps[turn][0], arguments: steps[turn][1] }
				: { type: 'model_output', content: [{ type: 'text', text: 'Done.' }] }] });
		},
		async (shell, requests) => {
			await says_hello(shell);
			assert.deepEqual(requests[0].tools, [{ type: 'computer_use', environment: 'desktop' }]);
			requests.slice(0, -1).forEach((r) => assert.match(JSON.stringify(r.input), PICTURE));
			assert.equal(requests[2].previous_interaction_id, 'turn_1');
			assert.match(JSON.stringify(requests[2].input), /Clicked\.|Pointer at/);
			assert.equal(requests.at(-1).input[0].is_error, true);
			assert.match(JSON.stringify(requests.at(-1).input), /from 0 to 999; got 1000/);
		}));
}

test('the loops in Python are valid', async () => {
	const names = blocks.map(([, name]) => name).filter((name) => name.endsWith('.py'));
	assert.equal(names.length, 4);
	const { code, err } = await run(['python3', '-m', 'py_compile', ...names.map((name) => join(loops, name))]);
	assert.equal(code, 0, err);
});
