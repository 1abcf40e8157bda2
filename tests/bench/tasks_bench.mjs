// The bench row `tasks`: the tasks of tests/tasks in two ways, that of Vitrine (batches, waits on events, changed regions) and the
// usual one (each action a call, a sleep and a screenshot of the whole screen), in turns.
//
//   tasks_bench.mjs [--quick] [--row NAME] [--json FILE]
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { source } from '../clients/lib/server.mjs';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean' }, row: { type: 'string' },
	json: { type: 'string' }, build: { type: 'string' }, source: { type: 'string' } } });
const FIGURES = { calls: 'calls', bytes: 'bytes to the model', tokens: 'image tokens', ms: 'ms' };

/** The results of all tasks, done in one way. */
async function run(way) {
	const args = [join(source, 'tests/tasks/run.mjs'), '--json', `--way=${way}`, ...(options.quick ? ['--light'] : [])];
	const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 }).catch((e) => e);
	return stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
}

const sum = (results, figure) => results.reduce((total, result) => total + result[figure], 0);

function print(ours, usual) {
	console.log(`${'tasks, sums'.padEnd(28)}${'Vitrine'.padStart(14)}${'the usual way'.padStart(16)}${'ratio'.padStart(9)}`);
	for (const [figure, title] of Object.entries(FIGURES)) {
		const [a, b] = [sum(ours, figure), sum(usual, figure)];
		console.log(`${title.padEnd(28)}${String(a).padStart(14)}${String(b).padStart(16)}${`${(b / a).toFixed(1)}x`.padStart(9)}`);
	}
	console.log(`bytes of each task: ${ours.map(({ task, bytes }) =>
		`${task} ${bytes} (${usual.find((u) => u.task === task).bytes})`).join(', ')}`);
	for (const [way, results] of [['Vitrine', ours], ['the usual way', usual]]) {
		const failed = results.filter((result) => !result.passed).map((result) => result.task);
		console.log(`${way}: ${results.length - failed.length} of ${results.length} right${failed.length ? `; not ${failed.join(', ')}` : ''}`);
	}
}

function write_json(ours, usual) {
	const report = existsSync(options.json) ? JSON.parse(readFileSync(options.json)) : {};
	report.tasks = { ours, usual };
	writeFileSync(options.json, `${JSON.stringify(report, null, '\t')}\n`);
}

if (!options.row || options.row === 'tasks') {
	const ours = await run('vitrine');
	const usual = await run('usual');
	print(ours, usual);
	if (options.json) {
		write_json(ours, usual);
	}
	process.exitCode = ours.every((result) => result.passed) ? 0 : 1;
}
