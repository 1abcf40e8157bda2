// The official conformance suite.  vitrine-conformance has the fixtures that the suite calls, and
// every scenario that a revision requires must pass, as must those that it does not score, the Tasks extension's
// among them.  What needs no fixture must pass on the server as people run it, too.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { judge, run_suite } from './lib/conformance.mjs';
import { modern, post, serve_http } from './lib/http.mjs';
import { conformance, vitrine } from './lib/server.mjs';

const both = ['completion-complete', 'tools-list', 'tools-call-simple-text', 'tools-call-image',
	'tools-call-audio', 'tools-call-embedded-resource', 'tools-call-mixed-content', 'tools-call-error',
	'tools-call-with-progress', 'server-sse-multiple-streams', 'resources-list', 'resources-read-text',
	'resources-read-binary', 'resources-templates-read', 'prompts-list', 'prompts-get-simple',
	'prompts-get-with-args', 'prompts-get-embedded-resource', 'prompts-get-with-image',
	'dns-rebinding-protection'];
const required = {
	'2025-11-25': [...both, 'server-initialize', 'logging-set-level', 'ping', 'tools-call-with-logging',
		'tools-call-sampling', 'tools-call-elicitation', 'elicitation-sep1034-defaults',
		'elicitation-sep1330-enums', 'resources-subscribe', 'resources-unsubscribe'],
	'2026-07-28': [...both, 'server-stateless', 'sep-2164-resource-not-found', 'caching',
		'input-required-result-basic-elicitation', 'input-required-result-basic-sampling',
		'input-required-result-basic-list-roots', 'input-required-result-request-state',
		'input-required-result-multiple-input-requests', 'input-required-result-multi-round',
		'input-required-result-missing-input-response', 'input-required-result-non-tool-request',
		'input-required-result-result-type', 'input-required-result-unsupported-methods',
		'input-required-result-tampered-state', 'input-required-result-capability-check',
		'input-required-result-ignore-extra-params', 'input-required-result-validate-input'],
};
const not_scored = {
	'2025-11-25': ['server-session-lifecycle', 'server-sse-polling', 'json-schema-2020-12'],
	'2026-07-28': ['http-header-validation', 'http-custom-header-server-validation', 'json-schema-2020-12',
		'tasks-lifecycle', 'tasks-capability-negotiation', 'tasks-wire-fields', 'tasks-request-state-removal',
		'tasks-mrtr-input', 'tasks-request-headers', 'tasks-dispatch-and-envelope', 'tasks-required-task-error',
		'tasks-mrtr-composition'],
};
const without_fixtures = {
	'2025-11-25': ['server-initialize', 'logging-set-level', 'ping', 'tools-list', 'resources-list',
		'prompts-list', 'server-sse-multiple-streams', 'dns-rebinding-protection',
		'server-session-lifecycle'],
	'2026-07-28': ['server-stateless', 'tools-list', 'resources-list', 'prompts-list', 'caching',
		'server-sse-multiple-streams', 'sep-2164-resource-not-found', 'dns-rebinding-protection',
		'input-required-result-unsupported-methods', 'http-header-validation'],
};
/** So the suite marks what it could not check for want of a fixture. */
const needs_fixture = (check) => check.details?.untestable === true;

test('the lists are complete', () => {
	assert.equal(new Set(required['2025-11-25']).size, 30);
	assert.equal(new Set(required['2026-07-28']).size, 37);
});

function suite(title, revision, names, program, excused) {
	describe(`${title}, ${revision}`, () => {
		let server, results;
		before(async () => {
			server = await serve_http({ program });
			assert.equal((await post(server, modern('server/discover'))).status, 200, 'it is ready');
			results = await run_suite(server.mcp, revision);
		});
		after(() => server?.stop());
		for (const name of names) {
			test(name, (t) => {
				const { passed, wrong } = judge(results.get(name), excused);
				t.diagnostic(`${name}: ${passed} checks`);
				assert.deepEqual(wrong, []);
			});
		}
	});
}

for (const revision of ['2025-11-25', '2026-07-28']) {
	suite('with fixtures', revision, [...required[revision], ...not_scored[revision]], conformance);
	suite('without fixtures', revision, without_fixtures[revision], vitrine, needs_fixture);
}

test('a dead port fails every scenario', async () => {
	const held = createServer().listen(0, '127.0.0.1');
	await once(held, 'listening');
	const { port } = held.address();
	held.close();
	for (const revision of ['2025-11-25', '2026-07-28']) {
		const results = await run_suite(`http://127.0.0.1:${port}/mcp`, revision);
		for (const name of [...required[revision], ...not_scored[revision]]) {
			assert.notDeepEqual(judge(results.get(name)).wrong, [], name);
		}
		for (const name of without_fixtures[revision]) {
			assert.notDeepEqual(judge(results.get(name), needs_fixture).wrong, [], name);
		}
	}
});
