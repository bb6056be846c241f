import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unbounded } from '../../src/access/caller.js';
import { callMi, MiCallError } from '../../src/cli/mi/client.js';
import { MAX_REQUEST_BYTES } from '../../src/management/mi/handler.js';
import { ENDPOINTS, type OpenEndpoint } from '../support/mi-endpoints.js';
import { type MiFixture, makeMiFixture } from '../support/mi-fixture.js';

const VERSION = '{"jsonrpc":"2.0","result":{"Server":"OpenSIPS (4.1.0 (x86_64/linux)) switchyard (0.1.0)"},"id":1}';

function request(method: string, params?: unknown, id: unknown = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

for (const endpoint of ENDPOINTS) {
  describe(`MI over ${endpoint.name}`, () => {
    async function withEndpoint(use: (open: OpenEndpoint, fixture: MiFixture) => Promise<void>): Promise<void> {
      const fixture = makeMiFixture();
      const open = await endpoint.open(fixture.handler);
      try {
        await use(open, fixture);
      } finally {
        await open.close();
      }
    }

    test('an MI endpoint answers what the handler answers', () =>
      withEndpoint(async (open, fixture) => {
        assert.equal(await open.ask(request('version')), VERSION);
        const listing = request('ds_list', { full: 1 });
        assert.equal(await open.ask(listing), await fixture.handler.handle(listing, unbounded('datagram')));
        assert.match(await open.ask(request('nosuch')), /"code":-32601,"message":"Method not found"/);
        assert.match(
          await open.ask(request('ds_set_state', ['x', '5', 'y'])),
          /"code":500,"message":"Bad state value"/,
        );
      }));

    test('answers two clients at once, each its own', () =>
      withEndpoint(async (open) => {
        const ids = Array.from({ length: 8 }, (_, i) => `client ${i}`);
        const answers = await Promise.all(ids.map((id) => open.ask(request('version', undefined, id))));
        assert.deepEqual(
          answers.map((text) => (JSON.parse(text) as { id: string }).id),
          ids,
        );
      }));

    test('runs a notification and answers nothing', () =>
      withEndpoint(async (open, fixture) => {
        const params = ['i', '5', 'sip:127.0.0.11:5060'];
        const notification = JSON.stringify({ jsonrpc: '2.0', method: 'ds_set_state', params });
        await open.send(endpoint.name === 'fifo' ? `::${notification}\n` : notification);
        assert.equal(await open.ask(request('version')), VERSION);
        assert.equal(fixture.engine.partition('')?.find(5, 'sip:127.0.0.11:5060')?.health.state, 'inactive');
      }));

    test('survives garbage, half commands and oversized commands', () =>
      withEndpoint(async (open, fixture) => {
        const refused = () => [...fixture.metrics.counter('switchyard_mi_refused_total', '').counters()];
        for (const bytes of ['garbage\n', '\0\u0001\u0002\n', '{"jsonrpc":"2.0","method":\n', '{{{{{{\n', '[\n']) {
          await open.send(bytes);
        }
        await open.send(`{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(60_000)}"}\n`);
        if (endpoint.name === 'fifo') await open.send(':half:{"jsonrpc":"2.0",\n');
        assert.equal(await open.ask(request('version')), VERSION);
        assert.ok(refused().length > 0, 'refusals are counted');
      }));

    test('is what the command line client connects to', () =>
      withEndpoint(async (open) => {
        const options = { replyDir: open.directory };
        assert.deepEqual(await callMi(open.target, 'pwd', undefined, options), { WD: 'run' });
        assert.equal(await callMi(open.target, 'ds_reload', { partition: 'p2' }, options), 'OK');
        await assert.rejects(
          callMi(open.target, 'ds_list', ['p2'], options),
          (error: unknown) =>
            error instanceof MiCallError &&
            error.code === -32602 &&
            error.message === 'Invalid params: Ambiguous call, use named parameters instead',
        );
      }));

    if (endpoint.text) {
      test('serves the line text form beside JSON', () =>
        withEndpoint(async (open) => {
          const end = endpoint.name === 'fifo' ? '\n' : '';
          assert.equal(await open.ask(`:ds_set_state:\ni\n5\nsip:127.0.0.11:5060\n${end}`), `200 OK\n${end}`);
          assert.equal(await open.ask(`:ds_set_state:\n${end}`), `400 Too few or too many arguments\n${end}`);
          assert.match(await open.ask(`:ds_list:\n${end}`), /\tURI:: sip:127\.0\.0\.11:5060 state=Inactive\n/);
          assert.equal(await open.ask(request('version')), VERSION);
        }));
    }

    test('answers a request of the greatest length there may be', () =>
      withEndpoint(async (open) => {
        // More than one write to a pipe, so that the reader of a FIFO receives it in pieces.
        const length = Math.min(MAX_REQUEST_BYTES, 60_000) - 100;
        const answer = await open.ask(request('help', { mi_cmd: 'x'.repeat(length) }));
        assert.match(answer, /"code":404,"message":"unknown MI command"/);
      }));
  });
}
