/** Runs an MI command over HTTP; `http`: the listener ("http://127.0.0.1:8080"). Throws on an error reply. */
export async function askMi(http: string, method: string, params: object = {}): Promise<unknown> {
  const response = await fetch(`${http}/mi`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const reply = (await response.json()) as { result?: unknown; error?: { message: string } };
  if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
  return reply.result;
}
