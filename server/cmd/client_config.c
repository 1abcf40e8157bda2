/* The client configuration that `serve --http` prints at start. */
#include "server/cmd/client_config.h"

#include <string.h>

#define CURL_HEADERS \
	"-H 'Content-Type: application/json' \\\n" \
	"    -H 'Accept: application/json, text/event-stream' \\\n"
#define CURL_BODY \
	"    -d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{" \
	"\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{" \
	"\"name\":\"curl\",\"version\":\"0\"}}}'\n"

static void print_curl(FILE *to, const char *url, const char *token)
{
	const char *path = strncmp(url, "unix:", 5) == 0 ? url + 5 : NULL;
	fprintf(to, "A test\n  curl -s%s%s%s %s/mcp -H 'Authorization: Bearer %s' \\\n    ",
		path ? " --unix-socket '" : "", path ? path : "", path ? "'" : "",
		path ? "http://localhost" : url, token);
	fprintf(to, CURL_HEADERS CURL_BODY "\n");
}

static void print_json(
	FILE *to, const char *who, const char *key, const char *url, const char *token)
{
	fprintf(to,
		"%s\n  {\"%s\": {\"vitrine\": {\"type\": \"http\", \"url\": \"%s/mcp\",\n"
		"    \"headers\": {\"Authorization\": \"Bearer %s\"}}}}\n\n",
		who, key, url, token);
}

void client_config_print(FILE *to, const char *url, const char *token)
{
	fprintf(to, "vitrine %s serves MCP at %s%s\n", VITRINE_VERSION, url,
		strncmp(url, "unix:", 5) == 0 ? ", path /mcp" : "/mcp");
	if (!token) {
		return;
	}
	fprintf(to,
		"\nGenerated token, valid until the server exits and shown only here:\n"
		"\n  %s\n"
		"\n",
		token);
	if (strncmp(url, "unix:", 5) != 0) {
		fprintf(to,
			"Claude Code\n"
			"  claude mcp add --transport http vitrine %s/mcp \\\n"
			"    --header \"Authorization: Bearer %s\"\n\n",
			url, token);
		print_json(to, "VS Code (.vscode/mcp.json)", "servers", url, token);
		print_json(to, "Cursor (.cursor/mcp.json) and most other clients", "mcpServers",
			url, token);
	}
	print_curl(to, url, token);
}
