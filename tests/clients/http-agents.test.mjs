// Agent frameworks with a fake model that looks at the screen, then clicks on it.  What matters is what the
// model would get to see: a picture, and then that the click was made.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createMCPClient } from '@ai-sdk/mcp';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage } from '@langchain/core/messages';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { Agent, MCPServerSSE, MCPServerStreamableHttp, Runner, Usage } from '@openai/agents';
import { generateText, isStepCount } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { bearer, call, serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';

const TOKEN = 'a-token-for-the-agents-0123456789';
const plan = [['screenshot', {}], ['left_click', { coordinate: [321, 54] }]];
const PICTURE = /"[A-Za-z0-9+/]{2000,}={0,2}"|;base64,[A-Za-z0-9+/]{2000,}/;

let server;
before(async () => { server = await serve_http({ tokens: [{ name: 'agents', token: TOKEN }] }); });
after(() => server.stop());

/** What the model was shown after each of its two calls, and where the pointer is now. */
async function check(shown) {
	assert.equal(shown.length, plan.length + 1, 'the model was asked again after each call');
	assert.match(JSON.stringify(shown[1]), PICTURE, 'the model sees the screen');
	assert.match(JSON.stringify(shown[2]), /Clicked\./, 'the model hears of the click');
	const { result } = await call(server, 'cursor_position', {}, { token: TOKEN });
	assert.match(text_in(result), /X=321,Y=54/, 'and the click was made');
	await call(server, 'mouse_move', { coordinate: [0, 0] }, { token: TOKEN });
}

for (const [Server, at] of [[MCPServerStreamableHttp, 'mcp'], [MCPServerSSE, 'sse']]) {
	test(`OpenAI Agents, ${Server.name}`, async () => {
		const shown = [];
		const model = {
			async getResponse({ input }) {
				const [name, args] = plan[shown.length] ?? [];
				shown.push(input);
				const output = name
					? { type: 'function_call', callId: `call-${shown.length}`, name,
						arguments: JSON.stringify(args), status: 'completed' }
					: { type: 'message', role: 'assistant', status: 'completed',
						content: [{ type: 'output_text', text: 'Done.' }] };
				return { usage: new Usage(), output: [output] };
			},
		};
		const mcp = new Server({ url: server[at].href, name: 'desk',
			requestInit: { headers: bearer(TOKEN) } });
		await mcp.connect();
		try {
			const agent = new Agent({ name: 'tester', model, mcpServers: [mcp] });
			const result = await new Runner({ tracingDisabled: true }).run(agent, 'Click.');
			assert.equal(result.finalOutput, 'Done.');
		} finally {
			await mcp.close();
		}
		await check(shown);
	});
}

for (const [type, at] of [['http', 'mcp'], ['sse', 'sse']]) {
	test(`AI SDK, ${type}`, async () => {
		const shown = [];
		const usage = { inputTokens: {}, outputTokens: {} };
		const model = new MockLanguageModelV4({
			async doGenerate({ prompt }) {
				const [name, args] = plan[shown.length] ?? [];
				shown.push(prompt);
				return { usage, warnings: [], finishReason: { unified: name ? 'tool-calls' : 'stop' },
					content: [name ? { type: 'tool-call', toolCallId: `call-${shown.length}`,
						toolName: name, input: JSON.stringify(args) } : { type: 'text', text: 'Done.' }] };
			},
		});
		const mcp = await createMCPClient(
			{ transport: { type, url: server[at].href, headers: bearer(TOKEN) } });
		try {
			const { text } = await generateText({ model, tools: await mcp.tools(), prompt: 'Click.',
				stopWhen: isStepCount(5) });
			assert.equal(text, 'Done.');
		} finally {
			await mcp.close();
		}
		await check(shown);
	});
}

class PlannedModel extends BaseChatModel {
	shown = [];

	_llmType() {
		return 'planned';
	}

	bindTools() {
		return this;
	}

	async _generate(messages) {
		const [name, args] = plan[this.shown.length] ?? [];
		this.shown.push(messages);
		const message = new AIMessage(name
			? { content: '', tool_calls: [{ name, args, id: `call-${this.shown.length}` }] } : 'Done.');
		return { generations: [{ text: '', message }] };
	}
}

for (const [transport, at] of [['http', 'mcp'], ['sse', 'sse']]) {
	test(`LangChain, ${transport}`, async () => {
		const mcp = new MultiServerMCPClient({ useStandardContentBlocks: true, mcpServers: {
			desk: { transport, url: server[at].href, headers: bearer(TOKEN) } } });
		const llm = new PlannedModel({});
		try {
			const agent = createReactAgent({ llm, tools: await mcp.getTools() });
			const { messages } = await agent.invoke({ messages: [['user', 'Click.']] });
			assert.equal(messages.at(-1).content, 'Done.');
		} finally {
			await mcp.close();
		}
		await check(llm.shown);
	});
}
