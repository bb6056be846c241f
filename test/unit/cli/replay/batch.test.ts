import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type BatchMessage, type BatchOptions, BatchSession } from '../../../../src/cli/replay/batch.js';
import { engineWith, partitionOptions, row } from '../../../support/partitions.js';
import { PlainRequest } from '../../../support/plain-request.js';

function session(over: Partial<BatchOptions> = {}): BatchSession {
  const engine = engineWith([
    partitionOptions(),
    partitionOptions({ name: 'k', flavour: 'kamailio' }),
    partitionOptions({ name: 'p2' }),
  ]);
  const table = ['a', 'b', 'c'].map((name) => row(`sip:${name}`, { attrs: name, socket: `udp:${name}:5060` }));
  for (const partition of engine.partitions) partition.load(table, { inheritState: true });
  return new BatchSession({
    engine,
    mi: (method, params) => ({ result: { method, params } }),
    open({ request, avps }: BatchMessage) {
      if (typeof request === 'string') throw new Error('not a SIP message');
      return new PlainRequest(request, {
        hashVar: () => String(avps['hash'] ?? ''),
        loadOf: (_partition, uri) => avps[`load_${uri}`] as number | undefined,
      });
    },
    ...over,
  });
}

const REQUEST = { method: 'INVITE', ruri: 'sip:bob@h;x=1', from: '<sip:a@b>;tag=1', to: 'sip:bob@h', callid: 'x' };

/**
 * A line with a second selection; not an object literal, since the linter takes an object with `then` for a promise.
 */
function withSecond(first: object, second: unknown): object {
  return Object.fromEntries([...Object.entries({ request: REQUEST, ...first }), ['then', second]]);
}

describe('a batch', () => {
  test('answers a selection with all its targets', async () => {
    assert.deepEqual(await session().run({ id: 7, request: REQUEST, set: 1, alg: 4, flags: 'f' }), {
      id: 7,
      ok: true,
      targets: ['sip:a', 'sip:b', 'sip:c'],
      attrs: ['a', 'b', 'c'],
      sockets: ['udp:a:5060', 'udp:b:5060', 'udp:c:5060'],
      group: 1,
      count: 3,
    });
  });

  test('answers ds_select_domain with the destinations of the request-URIs, and these URIs', async () => {
    const line = { id: 'd', request: REQUEST, fn: 'domain', set: 1, alg: 8, flags: 'f', max_res: 2 };
    const answer = (await session().run(line)) as Record<string, unknown>;
    assert.deepEqual(answer['targets'], ['a:5060', 'b:5060']);
    assert.deepEqual(answer['ruris'], ['sip:bob@a;x=1', 'sip:bob@b;x=1']);
  });

  test('carries its state from line to line', async () => {
    const batch = session();
    const first: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      first.push(((await batch.run({ request: REQUEST, set: 1, alg: 4 })) as { targets: string[] }).targets[0]);
    }
    assert.deepEqual(first, ['sip:a', 'sip:b', 'sip:c', 'sip:a']);
  });

  test('sets AVPs and scores before it selects', async () => {
    const batch = session();
    const line = { request: REQUEST, set: 1, alg: 9, avps: { 'load_sip:a': 3, 'load_sip:b': 2, 'load_sip:c': 1 } };
    assert.deepEqual(((await batch.run(line)) as { targets: string[] }).targets, ['sip:c']);
    const scored = { request: REQUEST, set: 1, alg: 10, flags: 'f', scores: { 'sip:a': 3, 'sip:b': -1 } };
    assert.deepEqual(((await batch.run(scored)) as { targets: string[] }).targets, ['sip:c', 'sip:a', 'sip:b']);
  });

  test('makes a second selection on the same message', async () => {
    const line = withSecond({ set: 1, alg: 8, flags: 'f', max_res: 1 }, { set: 1, alg: 8, flags: 'fa', max_res: 2 });
    const answer = (await session().run(line)) as { targets: string[]; count: number };
    assert.deepEqual([answer.targets, answer.count], [['sip:a', 'sip:b', 'sip:a'], 2]);
  });

  test('a batch answers why a selection failed', async () => {
    assert.deepEqual(await session().run({ id: 1, request: REQUEST, set: 9, alg: 4 }), {
      id: 1,
      ok: false,
      reason: 'no such set',
    });
  });

  test('a batch runs MI commands', async () => {
    const params = { state: 'i', group: '1', address: 'sip:a' };
    assert.deepEqual(await session().run({ id: 'm', mi: { method: 'ds_set_state', params } }), {
      id: 'm',
      result: { method: 'ds_set_state', params },
    });
    const failing = session({
      mi: () => {
        throw new Error('no handler');
      },
    });
    assert.deepEqual(await failing.run({ id: 'm', mi: { method: 'x' } }), {
      id: 'm',
      error: { message: 'no handler' },
    });
  });

  test('passes on lines about partitions of another flavour, or refuses them', async () => {
    const line = { id: 'k', request: REQUEST, partition: 'k', fn: 'routes', rules: '2=4;1=4' };
    assert.deepEqual(await session().run(line), {
      id: 'k',
      error: { message: 'partition "k" is of flavour kamailio' },
    });
    const other = session({
      kamailio: ({ raw }, partition) => ({ ok: true, rules: raw['rules'], by: partition.name }),
    });
    assert.deepEqual(await other.run(line), { id: 'k', ok: true, rules: '2=4;1=4', by: 'k' });
  });

  const bad: readonly [unknown, RegExp][] = [
    ['text', /a line must be a JSON object/],
    [null, /a line must be a JSON object/],
    [{ mi: {} }, /mi needs a method/],
    [{ set: 1, alg: 4 }, /request is neither an object nor the text of a message/],
    [{ request: 'x', set: 1, alg: 4 }, /not a SIP message/],
    [{ request: {}, set: 1, alg: 4 }, /ruri is missing/],
    [{ request: { ...REQUEST, headers: [['a']] }, set: 1, alg: 4 }, /headers is not a list of/],
    [{ request: REQUEST, alg: 4 }, /set is missing/],
    [{ request: REQUEST, set: 1 }, /alg is missing/],
    [{ request: REQUEST, set: 'x', alg: 4 }, /set "x" is not a number/],
    [{ request: REQUEST, set: 1, alg: 4, partition: 'zz' }, /no partition "zz"/],
    [
      { request: REQUEST, set: 1, alg: 4, fn: 'routes' },
      /fn "routes" is not available in a partition of flavour opensips/,
    ],
    [{ request: REQUEST, set: 1, alg: 4, avps: { a: null } }, /avps: "a" is neither text nor a number/],
    [{ request: REQUEST, set: 1, alg: 4, scores: { a: '1' } }, /scores: that of "a" is not a number/],
    [withSecond({ set: 1, alg: 4 }, 5), /then: not an object/],
    [{ request: { ...REQUEST, ruri: 'tel:1' }, set: 1, alg: 4, fn: 'domain' }, /has no host to rewrite/],
  ];
  for (const [line, problem] of bad) {
    test(`answers ${JSON.stringify(line)?.slice(0, 70)} with an error`, async () => {
      const answer = (await session().run(line)) as { error?: { message: string } };
      assert.match(answer.error?.message ?? '', problem);
    });
  }

  test('never throws, whatever a line holds', async () => {
    const batch = session();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.jsonValue(),
          fc.record({ id: fc.jsonValue(), request: fc.constant(REQUEST), set: fc.jsonValue(), alg: fc.jsonValue() }),
          fc.record({
            request: fc.constant(REQUEST),
            set: fc.nat(2),
            alg: fc.integer(),
            flags: fc.string(),
            fn: fc.string(),
          }),
        ),
        async (line) => {
          const answer = await batch.run(line);
          assert.ok('ok' in answer || 'result' in answer || 'error' in answer);
        },
      ),
    );
  });
});
