// E2B's code interpreter SDK, unmodified, against the kernels of a namespace sandbox.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Sandbox } from '@e2b/code-interpreter';
import { serve_e2b } from './lib/e2b.mjs';

let server, sandbox;
before(async () => {
	server = await serve_e2b({ backend: 'namespace' });
	sandbox = await Sandbox.create({ ...server.connection, timeoutMs: 600000, envs: { OF_SANDBOX: 'all', BOTH: 'sandbox' } });
});
after(() => server.stop());

test('the value of the last expression, output, and state', async () => {
	const first = await sandbox.runCode('import sys\nx = 20\nprint("out"); print("wrong", file=sys.stderr)\nx + 1');
	assert.equal(first.text, '21');
	assert.deepEqual(first.logs, { stdout: ['out\n'], stderr: ['wrong\n'] });
	assert.equal(first.results.length, 1);
	assert.equal(first.results[0].isMainResult, true);
	const second = await sandbox.runCode('x += 1; x');
	assert.equal(second.text, '21');
	assert.equal(second.executionCount, first.executionCount + 1);
});

test('texts in every script, whole', async () => {
	const text = 'für Ж 漢 😀 "quoted"\n'.repeat(20000);
	const heard = [];
	const execution = await sandbox.runCode(`print('für Ж 漢 😀 "quoted"\\n' * 20000, end='')`, { onStdout: (m) => heard.push(m.line) });
	assert.equal(execution.logs.stdout.join(''), text);
	assert.equal(heard.join(''), text);
	assert.equal((await sandbox.runCode('"text"')).text, 'text');
});

test('representations of a result', async () => {
	const { results } = await sandbox.runCode([
		'from IPython.display import display, HTML, Markdown, SVG, JSON, Latex',
		'display(HTML("<b>x</b>")); display(Markdown("*x*")); display(SVG("<svg xmlns=\'http://www.w3.org/2000/svg\'/>"))',
		'display(JSON({"a": [1]})); display(Latex("$x$"))',
	].join('\n'));
	assert.deepEqual(results.map((r) => r.formats()), [['html'], ['markdown'], ['svg'], ['json'], ['latex']]);
	assert.equal(results[0].html, '<b>x</b>');
	assert.deepEqual(results[3].json, { a: [1] });
	assert.ok(results.every((r) => !r.isMainResult));
});

test('a plot is a PNG', async (t) => {
	if ((await sandbox.runCode('import matplotlib')).error) {
		return t.skip('this machine has no matplotlib');
	}
	const { results } = await sandbox.runCode('import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()');
	assert.equal(Buffer.from(results[0].png, 'base64').subarray(1, 4).toString(), 'PNG');
});

test('plots and tables have their data', async (t) => {
	if ((await sandbox.runCode('import matplotlib, pandas')).error) {
		return t.skip('this machine has no matplotlib or pandas');
	}
	const chart = async (code) => {
		const { results, error } = await sandbox.runCode(`import datetime\nimport matplotlib.pyplot as plt\n${code}\nplt.show()`);
		assert.equal(error, undefined);
		assert.ok(results[0].png, 'and the picture');
		return results[0].chart;
	};
	const line = await chart('plt.plot([1, 2.5], [3, float("nan")], label="a"); plt.xlabel("Time (s)"); plt.yscale("log"); plt.title("T")');
	assert.equal(line.type, 'line');
	assert.deepEqual(line.elements, [{ label: 'a', points: [[1, 3], [2.5, null]] }]);
	assert.deepEqual([line.title, line.x_label, line.x_unit, line.x_scale, line.y_label, line.y_scale], ['T', 'Time (s)', 's', 'linear', null, 'log']);
	const days = await chart('plt.plot([datetime.date(2023, 9, 1), datetime.date(2023, 9, 2)], ["A", "B"])');
	assert.deepEqual([days.x_scale, days.y_scale, days.elements[0].points[0]], ['datetime', 'categorical', ['2023-09-01', 'A']]);
	const bar = await chart('plt.bar(["A", "B"], [100, 200], label="sold"); plt.tight_layout()');
	assert.deepEqual(bar.elements, [{ label: 'A', group: 'sold', value: 100 }, { label: 'B', group: 'sold', value: 200 }]);
	const lying = await chart('plt.barh(["A"], [3])');
	assert.deepEqual([lying.elements[0].label, lying.elements[0].value], ['A', 3]);
	const pie = await chart('plt.pie([90, 10], labels=["No", "Yes"])');
	assert.deepEqual(pie.elements, [{ label: 'No', angle: 324, radius: 1 }, { label: 'Yes', angle: 36, radius: 1 }]);
	for (const more of ['', ', patch_artist=True']) {
		const box = await chart(`plt.boxplot([[85, 90, 78, 92, 88], [95, 89, 76, 91, 84, 87]], labels=["A", "B"]${more})`);
		assert.equal(box.type, 'box_and_whisker');
		assert.deepEqual(box.elements, [
			{ label: 'A', min: 78, first_quartile: 85, median: 88, third_quartile: 90, max: 92, outliers: [] },
			{ label: 'B', min: 84, first_quartile: 84.75, median: 88, third_quartile: 90.5, max: 95, outliers: [76] }]);
	}
	const both = await chart('fig, axs = plt.subplots(1, 2); fig.suptitle("Two"); axs[0].plot([1, 2]); axs[1].scatter([1], [2], label="dots")');
	assert.deepEqual([both.type, both.title, both.elements.map((one) => one.type)], ['superchart', 'Two', ['line', 'scatter']]);
	assert.deepEqual(both.elements[1].elements, [{ label: 'dots', points: [[1, 2]] }]);
	const circles = await chart('plt.gca().add_artist(plt.Circle((0, 0), 1)); plt.title("Circle")');
	assert.deepEqual(circles, { type: 'unknown', title: 'Circle', elements: [] });
	const table = await sandbox.runCode('import pandas as pd\npd.DataFrame({"a": [1, 2.5], "b": ["x", None]})');
	assert.deepEqual(table.results[0].data, { a: [1, 2.5], b: ['x', null] });
	assert.match(table.results[0].html, /<table/);
	assert.equal((await sandbox.runCode('[name for name in dir() if name in ("tell", "plain", "KINDS")]')).text, '[]', 'nothing of it is in the way');
});

test('an error has its traceback', async () => {
	const execution = await sandbox.runCode('1 / 0');
	assert.equal(execution.error.name, 'ZeroDivisionError');
	assert.equal(execution.error.value, 'division by zero');
	assert.match(execution.error.traceback, /1 \/ 0/);
});

test('variables of the sandbox, and of one run', async () => {
	const show = 'import os; " ".join(os.environ.get(n, "-") for n in ("OF_SANDBOX", "BOTH", "ONE"))';
	assert.equal((await sandbox.runCode(show)).text, 'all sandbox -');
	assert.equal((await sandbox.runCode(show, { envs: { BOTH: 'run', ONE: 'é' } })).text, 'all run é');
	assert.equal((await sandbox.runCode(show)).text, 'all sandbox -');
});

test('contexts', async () => {
	const context = await sandbox.createCodeContext({ cwd: '/tmp' });
	assert.equal(context.cwd, '/tmp');
	assert.equal(context.language, 'python');
	await sandbox.runCode('y = 1', { context });
	assert.equal((await sandbox.runCode('import os; os.getcwd()', { context })).text, '/tmp');
	assert.equal((await sandbox.runCode('y')).error.name, 'NameError');
	assert.deepEqual((await sandbox.listCodeContexts()).at(-1), context);
	assert.ok((await sandbox.listCodeContexts()).some(({ id }) => id === 'python'), 'the default one');
	await sandbox.restartCodeContext(context.id);
	assert.equal((await sandbox.runCode('y', { context })).error.name, 'NameError');
	await sandbox.removeCodeContext(context.id);
	assert.ok((await sandbox.listCodeContexts()).every(({ id }) => id !== context.id));
	// The SDK forgets its timer for a refused request, and the process would wait for it.
	await assert.rejects(sandbox.runCode('1', { context, requestTimeoutMs: 0 }), /there is no context/);
	await assert.rejects(sandbox.runCode('1', { language: 'nonesuch', requestTimeoutMs: 0 }), /nonesuch/);
});

test('a client that leaves interrupts the code', async () => {
	await assert.rejects(sandbox.runCode('import time; time.sleep(1000)', { timeoutMs: 1000 }));
	assert.equal((await sandbox.runCode('1 + 1')).text, '2');
});

test('a kernel that ends is told', async () => {
	const execution = await sandbox.runCode('import os; os._exit(3)');
	assert.match(execution.error.value, /ended/);
	assert.equal((await sandbox.runCode('1 + 1')).text, '2');
});

test('requests that are none are refused', async () => {
	const headers = { 'E2b-Sandbox-Id': sandbox.sandboxId, 'E2b-Sandbox-Port': '49999', 'Content-Type': 'application/json' };
	const ask = async (path, options) => {
		const response = await fetch(server.url + path, { headers, ...options });
		return { status: response.status, text: await response.text() };
	};
	assert.equal((await ask('/execute', { method: 'POST', body: '{"code": "1"}' })).status, 401, 'code needs the token of the sandbox');
	headers['X-Access-Token'] = '0'.repeat(64);
	assert.equal((await ask('/execute', { method: 'POST', body: '{"code": "1"}' })).status, 401);
	headers['X-Access-Token'] = sandbox.envdAccessToken;
	assert.equal((await ask('/execute', { method: 'POST', body: '{"code": "1", "language": "python", "context_id": "python"}' })).status, 400);
	assert.equal((await ask('/execute', { method: 'POST', body: '{"code": 1}' })).status, 400);
	assert.equal((await ask('/execute', { method: 'POST', body: '{' })).status, 400);
	assert.equal((await ask('/execute', { method: 'POST', body: '{"code": "1", "env_vars": {"A B": "x"}}' })).status, 400);
	assert.equal((await ask('/contexts/a/b/restart', { method: 'POST' })).status, 404);
	assert.equal((await ask('/nonesuch')).status, 404);
	assert.deepEqual(await ask('/health'), { status: 200, text: 'OK' });
});
