// Real tasks in real programs, through MCP; the state each ends in is read from outside the desktop.
// run.mjs [--backend=namespace|microvm] [--light] [--way=vitrine|usual] [--pictures=DIR] [--json] [--calls] [TASK...]
// Ends with "N passed, N failed"; a task whose program the sandbox lacks (`needs`) is skipped.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { connect, Desktop } from './lib/desktop.mjs';
import { ways } from './lib/ways.mjs';

const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		backend: { type: 'string', default: 'namespace' },
		way: { type: 'string', default: 'vitrine' },
		light: { type: 'boolean', default: false },
		pictures: { type: 'string' },
		json: { type: 'boolean', default: false },
		calls: { type: 'boolean', default: false }, // says what each answer costs
	},
});

async function find_tasks() {
	const folder = join(import.meta.dirname, 'tasks');
	const files = readdirSync(folder).filter((name) => name.endsWith('.mjs')).sort();
	const tasks = (await Promise.all(files.map((name) => import(join(folder, name))))).map((m) => m.default).flat();
	const unknown = positionals.filter((name) => !tasks.some((task) => task.name === name));
	if (unknown.length > 0) {
		throw new Error(`no task '${unknown[0]}'; the tasks are ${tasks.map((t) => t.name).join(', ')}`);
	}
	return tasks.filter((task) => (positionals.length === 0 || positionals.includes(task.name)) &&
		(!options.light || task.light));
}

async function write_files(desktop, files = {}) {
	for (const [name, content] of Object.entries(files)) {
		const base64 = Buffer.from(content).toString('base64');
		await desktop.run(`cd; mkdir -p "$(dirname '${name}')" && echo ${base64} | base64 -d > '${name}'`);
	}
}

async function keep_picture(desktop, name) {
	if (options.pictures) {
		mkdirSync(options.pictures, { recursive: true });
		writeFileSync(join(options.pictures, `${name}.jpg`), Buffer.from(desktop.last_image ?? '', 'base64'));
	}
}

async function perform(client, task) {
	const desktop = new Desktop(client);
	await desktop.begin();
	const started = performance.now();
	try {
		if (task.needs && await desktop.run(`command -v ${task.needs} >/dev/null || echo no`)) {
			return { task: task.name, passed: true, skipped: `there is no ${task.needs}`, ms: 0, ...desktop.spent, answers: [] };
		}
		await write_files(desktop, task.files);
		if (task.prepare) {
			await desktop.run(task.prepare);
		}
		const turns = task.turns(desktop.home);
		for (const [i, turn] of turns.entries()) {
			await ways[options.way].turn(desktop, turn, turns[i + 1]);
			await keep_picture(desktop, `${task.name}-${i + 1}`);
		}
		const ms = Math.round(performance.now() - started);
		await task.check(desktop);
		return { task: task.name, passed: true, ms, ...desktop.spent, answers: desktop.answers };
	} catch (e) {
		return { task: task.name, passed: false, why: e.message, ms: Math.round(performance.now() - started), ...desktop.spent,
			answers: desktop.answers };
	} finally {
		await desktop.end();
	}
}

function print(result) {
	if (options.json) {
		console.log(JSON.stringify(result));
	} else {
		const { task, passed, why, skipped, ms, calls, bytes, tokens, answers } = result;
		if (skipped) {
			console.log(`skipped ${task}: ${skipped}`);
			return;
		}
		console.log(`${passed ? 'ok' : 'not ok'} ${task}: ${calls} calls, ${bytes} bytes, ${tokens} image tokens, ${ms} ms` +
			(passed ? '' : `\n  ${why.replaceAll('\n', '\n  ')}`) +
			(options.calls ? `\n  ${answers.join('\n  ')}` : ''));
	}
}

const { client, close } = await connect(options.backend);
const results = [];
for (const task of await find_tasks()) {
	results.push(await perform(client, task));
	print(results.at(-1));
}
await close();
const failed = results.filter((result) => !result.passed).length, skipped = results.filter((result) => result.skipped).length;
console.log(`${results.length - failed - skipped} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
