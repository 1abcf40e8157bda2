// The specification's own JSON schemas, taken out of the official conformance package, which carries them
// as literals in its bundle: {$schema: `...`, definitions|$defs: {...}}.  2024-11-05 is not among them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { modules } from './server.mjs';

const revisions = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];

/** The object literal that begins at `at`: its braces are counted outside of its `strings`. */
function literal(text, at) {
	let depth = 0;
	for (let i = at, quoted = false; i < text.length; i++) {
		const c = text[i];
		if (quoted) {
			i += c === '\\' ? 1 : 0;
			quoted = c !== '`';
		} else if (c === '`') {
			quoted = true;
		} else if (c === '{') {
			depth++;
		} else if (c === '}' && --depth === 0) {
			return text.slice(at, i + 1);
		}
	}
	throw new Error('the literal does not end');
}

function load() {
	const bundle = readFileSync(
		join(modules, '@modelcontextprotocol/conformance/dist/index.js'), 'utf8');
	const begins = [...bundle.matchAll(/=(\{\$schema:`[^`]*`,(?:definitions|\$defs):\{Annotations:)/g)];
	assert.equal(begins.length, revisions.length, 'the conformance package carries one schema a revision');
	return new Map(revisions.map((revision, i) =>
		[revision, runInNewContext(`(${literal(bundle, begins[i].index + 1)})`)]));
}

const schemas = load();
const checkers = new Map();

function checker(revision) {
	if (!checkers.has(revision)) {
		const schema = structuredClone(schemas.get(revision));
		const of = schema.$schema.includes('2020-12') ? Ajv2020.default ?? Ajv2020 : Ajv.default ?? Ajv;
		const ajv = new of({ strict: false, allErrors: true });
		(formats.default ?? formats)(ajv);
		ajv.addFormat('byte', true);
		ajv.addSchema({ ...schema, $id: 'mcp' });
		checkers.set(revision, { ajv, key: schema.$defs ? '$defs' : 'definitions',
			definitions: schema.$defs ?? schema.definitions, compiled: {} });
	}
	return checkers.get(revision);
}

export const has_schema = (revision) => schemas.has(revision);

function valid(revision, name, value) {
	const { ajv, key, definitions, compiled } = checker(revision);
	assert.ok(definitions[name], `${revision} defines ${name}`);
	compiled[name] ??= ajv.compile({ $ref: `mcp#/${key}/${name}` });
	const validate = compiled[name];
	if (!validate(value)) {
		const why = validate.errors.slice(0, 5).map((e) => `${e.instancePath} ${e.message}`).join('; ');
		assert.fail(`${revision} ${name}: ${why} in ${JSON.stringify(value).slice(0, 400)}`);
	}
}

/** The name of the definition whose `method` is this, Request or Notification. */
function definition_for(revision, method) {
	const { definitions } = checker(revision);
	return Object.keys(definitions).find((name) => {
		const m = definitions[name].properties?.method;
		return (m?.const ?? m?.enum?.[0]) === method;
	});
}

/** Checks one message from the server; method: that of the request it answers, if it is an answer. */
export function schema_check(revision, message, method) {
	const { definitions } = checker(revision);
	if (message.method !== undefined) {
		const name = definition_for(revision, message.method);
		assert.ok(name, `${message.method} exists in ${revision}`);
		valid(revision, name, message);
		return;
	}
	valid(revision, 'JSONRPCMessage', message);
	if (message.result !== undefined && method !== undefined) {
		const request = definition_for(revision, method);
		assert.ok(request, `${method} exists in ${revision}`);
		const result = request.replace(/Request$/, 'Result');
		valid(revision, definitions[result] ? result : 'EmptyResult', message.result);
	}
}

/** Checks a request or notification of ours, so that a test does not ask nonsense by mistake. */
export function schema_check_ours(revision, message) {
	const name = definition_for(revision, message.method);
	if (name) {
		valid(revision, name, message);
	}
}
