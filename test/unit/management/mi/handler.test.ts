import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unbounded } from '../../../../src/access/caller.js';
import type { Logger } from '../../../../src/core/logger.js';
import { nullLogger } from '../../../../src/core/logger.js';
import { type MiCommand, MiError, type MiValue } from '../../../../src/management/mi/command.js';
import { MAX_REQUEST_BYTES, MiHandler } from '../../../../src/management/mi/handler.js';
import { MAX_BATCH } from '../../../../src/management/mi/json-rpc.js';
import { RpcError } from '../../../../src/management/rpc/command.js';
import { Metrics } from '../../../../src/stats/metrics.js';
import { FakeClock } from '../../../support/fake-clock.js';

function command(values: Partial<MiCommand> = {}): MiCommand {
  return {
    name: 'echo',
    aliases: ['test:echo'],
    help: 'answers its parameters',
    module: 'test',
    needs: { role: 'viewer' },
    paramLists: [
      [],
      [{ name: 'a', type: 'string' }],
      [
        { name: 'a', type: 'string' },
        { name: 'n', type: 'int' },
      ],
    ],
    extraParams: [{ name: 'extra', type: 'flag' }],
    run: (params) => ({ ...params }) as MiValue,
    ...values,
  };
}

function make(...commands: MiCommand[]): {
  handler: MiHandler;
  metrics: Metrics;
  clock: FakeClock;
  warnings: string[];
} {
  const warnings: string[] = [];
  const logger: Logger = { ...nullLogger, warn: (_, message) => warnings.push(message) };
  const metrics = new Metrics();
  const clock = new FakeClock();
  const handler = new MiHandler(logger, metrics, clock);
  for (const each of commands.length === 0 ? [command()] : commands) handler.register(each);
  return { handler, metrics, clock, warnings };
}

const call = (params?: unknown, id: unknown = 1, method = 'echo') =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });
const invalid = (id: string) => `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":${id}}`;

describe('MI handler', () => {
  test('accepts named parameters that are not in the recorded lists', async () => {
    const { handler } = make();
    assert.deepEqual(await handler.execute('echo', { a: 7, extra: false }), { a: '7', extra: '0' });
    assert.deepEqual(await handler.execute('test:echo', { extra: 'y' }), { extra: 'y' });
    await assert.rejects(handler.execute('echo', { extra: null }), {
      code: -32602,
      data: "Bad type for parameter 'extra'",
    });
    await assert.rejects(handler.execute('echo', { b: 1, extra: 1 }), { data: 'Named parameters do not match' });
    await assert.rejects(handler.execute('echo', { a: 1, n: 2, c: 3 }), { data: 'Too few or too many parameters' });
    assert.deepEqual(await handler.execute('echo', ['x', '12']), { a: 'x', n: 12 });
    await assert.rejects(handler.execute('echo', ['x', '1.5']), { data: "Bad type for parameter 'n'" });
  });

  test('unknown parameter names are errors, also names that every object has', async () => {
    const { handler } = make();
    const text = '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"__proto__":{"a":1},"constructor":1}}';
    assert.match((await handler.handle(text, unbounded('datagram'))) ?? '', /-32602/);
    assert.match((await handler.handle(call(undefined, 1, 'constructor'), unbounded('datagram'))) ?? '', /-32601/);
    assert.equal(({} as { a?: unknown }).a, undefined);
  });

  test('answers a batch as JSON-RPC 2.0 says', async () => {
    const { handler } = make();
    const batch = `[${call()},5,{"jsonrpc":"2.0","method":"echo"},{"jsonrpc":"2.0","id":{},"method":"echo"},[]]`;
    assert.equal(
      await handler.handle(batch, unbounded('fifo')),
      `[{"jsonrpc":"2.0","result":{},"id":1},${invalid('null')},${invalid('null')},${invalid('null')}]`,
    );
    assert.equal(await handler.handle('[{"jsonrpc":"2.0","method":"echo"}]', unbounded('datagram')), undefined);
    const long = `[${new Array(MAX_BATCH + 1).fill('5').join(',')}]`;
    assert.equal(await handler.handle(long, unbounded('datagram')), invalid('null'));
  });

  test('answers unreadable requests in the form of each endpoint', async () => {
    const { handler } = make();
    assert.equal(await handler.handle('{"a":', unbounded('datagram')), '400 Parse_error');
    assert.equal(await handler.handle('{"a":', unbounded('fifo')), undefined);
    for (const endpoint of ['http', 'nats', 'cli'] as const) {
      assert.match((await handler.handle(':ds_list:\n', unbounded(endpoint))) ?? '', /"code":-32700/);
      assert.equal(await handler.handle(call(undefined, {}), unbounded(endpoint)), invalid('null'));
    }
    assert.equal(await handler.handle(call(undefined, [1]), unbounded('fifo')), '500 Internal error');
  });

  test('refuses what is too long, at every endpoint', async () => {
    const { handler, metrics } = make();
    const long = Buffer.alloc(MAX_REQUEST_BYTES + 1, 0x20);
    for (const endpoint of ['fifo', 'datagram', 'http', 'nats', 'cli'] as const) {
      assert.match((await handler.handle(long, unbounded(endpoint))) ?? '', /"data":"request too large"/);
    }
    assert.equal(
      metrics.counter('switchyard_mi_refused_total', '').with({ endpoint: 'nats', reason: 'oversized' }).value,
      1,
    );
  });

  test('returns an error of a command to the client, but not an internal fault', async () => {
    const { handler } = make(
      command({
        name: 'a',
        aliases: [],
        run: () => {
          throw new MiError(404, 'gone', 'why');
        },
      }),
      command({ name: 'b', aliases: [], run: () => Promise.reject(new Error('secret')) }),
    );
    assert.equal(
      await handler.handle(call(undefined, 'x', 'a'), unbounded('datagram')),
      '{"jsonrpc":"2.0","error":{"code":404,"message":"gone","data":"why"},"id":"x"}',
    );
    assert.equal(
      await handler.handle(call(undefined, 2, 'b'), unbounded('datagram')),
      '{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":2}',
    );
    assert.equal(await handler.handle(':a:\n', unbounded('datagram')), '404 gone\n');
    assert.equal(await handler.handle(':b:\n', unbounded('datagram')), '500 Internal error\n');
  });

  test('counts every command by its name, its endpoint and how it ended', async () => {
    const { handler, metrics } = make();
    await handler.handle(call(), unbounded('http'));
    await handler.handle(call([1, 2, 3]), unbounded('http'));
    await handler.handle(call(undefined, 1, 'unconfirmed-of'), unbounded('http'));
    const counter = metrics.counter('switchyard_mi_requests_total', '');
    assert.equal(counter.with({ command: 'echo', endpoint: 'http', result: 'ok' }).value, 1);
    assert.equal(counter.with({ command: 'echo', endpoint: 'http', result: 'error' }).value, 1);
    assert.equal(counter.with({ command: 'unknown', endpoint: 'http', result: 'error' }).value, 1);
  });

  test('logs refusals, a few a second', async () => {
    const { handler, clock, warnings } = make();
    for (let i = 0; i < 50; i++) await handler.handle('garbage', unbounded('datagram'));
    assert.equal(warnings.length, 5);
    clock.advance(1000);
    await handler.handle('garbage', unbounded('datagram'));
    assert.equal(warnings.length, 6);
  });

  test('refuses a name that is already registered', () => {
    const { handler } = make();
    assert.throws(() => handler.register(command({ name: 'other', aliases: ['test:echo'] })), /registered twice/);
  });

  test('reads line text parameters by position and by name', async () => {
    const { handler } = make(
      command({ name: 'a', aliases: [], run: (params) => ({ ...params }) as MiValue }),
      command({ name: 'list', aliases: [], paramLists: [[{ name: 'words', type: 'array' }]] }),
    );
    assert.equal(await handler.handle(':a:\n  "x y"\n', unbounded('datagram')), '200 OK\na:: x y\n');
    assert.equal(await handler.handle(':a:\nn::5\nx\n', unbounded('datagram')), '200 OK\nn:: 5\na:: x\n');
    assert.equal(await handler.handle(':a:\nextra::1\n', unbounded('datagram')), '200 OK\nextra:: 1\n');
    assert.equal(await handler.handle(':a:\nx\ny\n', unbounded('datagram')), '400 Bad parameter\n');
    assert.equal(await handler.handle(':a:\nsip:[::1]:5060\n', unbounded('datagram')), '200 OK\na:: sip:[::1]:5060\n');
    assert.equal(await handler.handle(':list:\nx\ny\n', unbounded('datagram')), '200 OK\nwords:: x\nwords:: y\n');
    assert.equal(await handler.handle(':list:\n', unbounded('datagram')), '400 Too few or too many arguments\n');
    assert.equal(
      await handler.handle(`:a:\n${'x\n'.repeat(300)}`, unbounded('datagram')),
      '400 Too few or too many arguments\n',
    );
  });

  test('writes no value as a line of its own in a text answer', async () => {
    const { handler } = make(command({ run: () => ({ key: 'one\n200 OK\r\nSET:: 1' }) }));
    assert.equal(await handler.handle(':echo:\n', unbounded('datagram')), '200 OK\nkey:: one\\n200 OK\\r\\nSET:: 1\n');
  });
});

test('an error that repeats an argument shows no password', async () => {
  const run = (): never => {
    throw new MiError(500, 'collection "sip:gw:hidden@192.0.2.1" does not exist');
  };
  const { handler } = make(command({ run }));
  assert.match((await handler.handle(call(), unbounded('datagram'))) ?? '', /sip:gw:\*\*\*@192\.0\.2\.1/);
  assert.equal(new RpcError(500, 'no sip:gw:hidden@192.0.2.1').message, 'no sip:gw:***@192.0.2.1');
});
