// What every SDK client must be able to do, whatever its version and era.  A client is given as
// {client, call(params, options)}, because the SDKs differ in how options are passed.
import assert from 'node:assert/strict';
import { image_in, image_of, text_in } from './image.mjs';

/** Every tool of computer_toolset_20260801, and ours. */
export const tools = [
	'screenshot', 'zoom', 'left_click', 'right_click', 'middle_click', 'double_click', 'triple_click',
	'mouse_move', 'left_mouse_down', 'left_mouse_up', 'left_click_drag', 'scroll', 'type', 'key',
	'hold_key', 'wait', 'cursor_position', 'launch', 'list_applications', 'run_command',
];

const tool = (name, args = {}) => ({ name, arguments: args });

async function lists_tools({ client }) {
	const { tools: listed } = await client.listTools();
	const names = listed.map((t) => t.name);
	for (const name of tools) {
		assert.ok(names.includes(name), `tools/list has ${name}`);
	}
	for (const t of listed) {
		assert.equal(t.inputSchema.type, 'object');
		assert.equal(t.inputSchema.additionalProperties, false);
		assert.ok(t.description?.length > 10 && t.annotations, `${t.name} is described`);
		assert.doesNotMatch(JSON.stringify(t.inputSchema), /\$ref|"oneOf"|"anyOf"|"allOf"/);
	}
	const { tools: again } = await client.listTools();
	assert.deepEqual(again.map((t) => t.name), names, 'the order is fixed');
}

async function looks({ call }) {
	const result = await call(tool('screenshot'));
	assert.notEqual(result.isError, true, text_in(result));
	assert.equal(result.structuredContent, undefined);
	const image = image_in(result);
	assert.deepEqual({ ...image, full_chroma: true },
		{ mimeType: 'image/jpeg', width: 1280, height: 800, full_chroma: true });
	assert.equal(image.full_chroma, true, '4:4:4');
	assert.match(text_in(result), /1280\D{1,3}800/);
	const png = image_in(await call(tool('screenshot', { format: 'png' })));
	assert.deepEqual(png, { mimeType: 'image/png', width: 1280, height: 800 });
	const half = image_in(await call(tool('screenshot', { scale: 0.5 })));
	assert.deepEqual([half.width, half.height], [640, 400]);
	const zoomed = image_in(await call(tool('zoom', { region: [0, 0, 320, 200] })));
	assert.ok(zoomed.width > 320, 'a zoom is scaled up');
}

async function acts({ call }) {
	const acknowledged = [
		['left_click', { coordinate: [100, 120] }, 'Clicked.'],
		['right_click', { coordinate: [0, 0] }, 'Right-clicked.'],
		['key', { text: 'Escape' }, 'Pressed Escape.'],
		['double_click', { coordinate: [100, 120] }, 'Double-clicked.'],
		['mouse_move', { coordinate: [640, 400] }, 'Moved the pointer.'],
		['left_click_drag', { start_coordinate: [10, 10], coordinate: [60, 60] }, 'Dragged.'],
		['scroll', { scroll_direction: 'down', scroll_amount: 3, coordinate: [640, 400] },
			'Scrolled down.'],
		['type', { text: '-häuser Привет 漢字 😀\n\t' }, 'Typed.'],
		['wait', { duration: 0.1 }, 'Waited 0.1s.'],
	];
	for (const [name, args, expected] of acknowledged) {
		const result = await call(tool(name, args));
		assert.notEqual(result.isError, true, `${name}: ${text_in(result)}`);
		assert.ok(text_in(result).startsWith(expected), `${name}: ${text_in(result)}`);
	}
	await call(tool('mouse_move', { coordinate: [7, 0] }));
	assert.match(text_in(await call(tool('cursor_position'))), /X=7,Y=0/);
	const seen = await call(tool('left_click', { coordinate: [5, 5], observe: 'settled' }));
	assert.equal(image_in(seen).width, 1280);
}

async function fails_well({ call }) {
	const wrong = [
		['left_click', { coordinate: [5000, 10] }, /1280\D{1,3}800/],
		['left_click', { coordinate: 'middle' }, /coordinate/],
		['left_click', { coordinate: [1, 2], colour: 'red' }, /colour/],
		['scroll', { scroll_direction: 'sideways', scroll_amount: 1 }, /scroll_direction.*sideways/s],
		['key', { text: 'Retrun' }, /Retrun/],
		['type', {}, /text/],
		['wait', { duration: -1 }, /duration/],
		['launch', { application: 'no-such-program-at-all' }, /no-such-program-at-all/],
		['screenshot', { sandbox: 'nosuchsandbox0000000' }, /sandbox/i],
	];
	for (const [name, args, says] of wrong) {
		const result = await call(tool(name, args));
		assert.equal(result.isError, true, `${name} ${JSON.stringify(args)}: ${text_in(result)}`);
		assert.match(text_in(result), says);
	}
	await assert.rejects(call(tool('no_such_tool')), /no_such_tool|[Uu]nknown/);
	assert.notEqual((await call(tool('left_click', { coordinate: [5, 5] }))).isError, true,
		'errors leave nothing behind');
}

async function reads_resources({ client }) {
	const { resources } = await client.listResources();
	const screen = resources.find((r) => /^desktop:\/\/[a-z0-9]{20}\/screen$/.test(r.uri));
	assert.ok(screen, `a screen among ${resources.map((r) => r.uri).join(' ')}`);
	const { contents } = await client.readResource({ uri: screen.uri });
	const image = contents.find((c) => c.blob);
	assert.equal(image_of({ type: 'image', data: image.blob, mimeType: image.mimeType }).width, 1280);
	const { resourceTemplates } = await client.listResourceTemplates();
	assert.ok(resourceTemplates.some((t) => t.uriTemplate === 'desktop://{sandbox}/screen'));
	await assert.rejects(client.readResource({ uri: 'desktop://zzzzzzzzzzzzzzzzzzzz/screen' }));
}

async function uses_prompts({ client }) {
	const { prompts } = await client.listPrompts();
	assert.equal(prompts.length, 1);
	const { messages } = await client.getPrompt({ name: prompts[0].name });
	assert.ok(messages[0].content.text.length > 100);
	const { completion } = await client.complete({
		ref: { type: 'ref/resource', uri: 'desktop://{sandbox}/screen' },
		argument: { name: 'sandbox', value: '' },
	});
	assert.equal(completion.values.length, 1, 'the one sandbox there is');
	assert.match(completion.values[0], /^[a-z0-9]{20}$/);
}

/** Answers come as they are ready: a long wait delays neither a screenshot nor a click. */
async function runs_in_parallel({ call }) {
	const order = [];
	const note = (name) => () => order.push(name);
	await Promise.all([call(tool('wait', { duration: 1 })).then(note('wait')),
		call(tool('screenshot')).then(note('screenshot')),
		call(tool('left_click', { coordinate: [9, 9] })).then(note('click')),
		call(tool('sandbox_list')).then(note('list'))]);
	assert.deepEqual(order, ['list', 'wait', 'screenshot', 'click'], 'one desktop: in order');
}

/** A long action is taken back; what comes after it runs, and is not delayed by it. */
async function cancels({ call }) {
	for (const long of [tool('wait', { duration: 250 }), tool('hold_key', { text: 'shift', duration: 250 })]) {
		const abort = new AbortController();
		const taken_back = call(long, { signal: abort.signal, timeout: 300_000 });
		await call(tool('sandbox_list'));
		abort.abort('the test took it back');
		await assert.rejects(taken_back);
		const after = await call(tool('left_click', { coordinate: [20, 20] }));
		assert.notEqual(after.isError, true, text_in(after));
	}
}

async function reports_progress({ call }) {
	const seen = [];
	const result = await call(tool('screenshot'), { onprogress: (p) => seen.push(p) });
	assert.notEqual(result.isError, true, text_in(result));
	for (let i = 1; i < seen.length; i++) {
		assert.ok(seen[i].progress > seen[i - 1].progress, 'progress only rises');
	}
	return seen;
}

/** In this order: progress first, because it shows the start of the sandbox. */
export const main_path = {
	'lists the tools': lists_tools,
	'hears how the sandbox starts': reports_progress,
	'looks at the screen': looks,
	'acts on it': acts,
	'is told what was wrong': fails_well,
	'reads resources': reads_resources,
	'uses prompts and completion': uses_prompts,
	'runs calls in parallel': runs_in_parallel,
	'cancels a long call': cancels,
};
