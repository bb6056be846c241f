import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseUri } from '../../src/core/uri.js';
import type { Destination } from '../../src/engine/destination.js';
import { FLAVOUR_NAMES } from '../../src/engine/flavours.js';
import type { Partition } from '../../src/engine/partition.js';
import type { StateSignal } from '../../src/engine/state.js';
import { engineWith, partitionOptions, request, row } from '../support/partitions.js';

const URIS = ['sip:10.0.0.1:5060', 'sip:10.0.0.2:5060', 'sip:10.0.0.3:5060'];
const ROUND_ROBIN = 4;

/** Rules for every flavour and every algorithm, strict or not. */
for (const flavour of FLAVOUR_NAMES) {
  for (const compat of ['default', 'strict'] as const) {
    describe(`flavour ${flavour}, ${compat}`, () => {
      const setUp = () => {
        const engine = engineWith([partitionOptions({ flavour, compat })]);
        const partition = engine.partition('') as Partition;
        partition.load(
          URIS.map((uri) => row(uri)),
          { inheritState: true },
        );
        const of = (uri: string) => partition.find(1, uri) as Destination;
        const apply = (uri: string, signal: Pick<StateSignal, 'kind' | 'to' | 'mark'>) =>
          engine.states.apply({ destination: of(uri), origin: 'probe', reason: 'test', ...signal });
        const context = engine.context();
        const select = () => {
          const target = { setId: 1, algorithm: ROUND_ROBIN, flags: 0, maxResults: Number.POSITIVE_INFINITY };
          return context.selectOne(partition, target, request())?.row.uri;
        };
        return { engine, partition, rules: partition.flavour, of, apply, select };
      };

      test('a partition has the flavour that its options name', () => assert.equal(setUp().rules.name, flavour));

      test('chooses every active destination by round robin, and none that is inactive', () => {
        const { apply, select } = setUp();
        const chosen = (count: number) => [...new Set(Array.from({ length: count }, select))].sort();
        assert.deepEqual(chosen(9), URIS);
        apply(URIS[1] as string, { kind: 'set', to: 'inactive' });
        assert.deepEqual(chosen(9), [URIS[0], URIS[2]]);
      });

      test('chooses nothing, and says why, where no destination is active or the set does not exist', () => {
        const { apply, partition, rules, select } = setUp();
        for (const uri of URIS) apply(uri, { kind: 'set', to: 'inactive' });
        assert.equal(select(), undefined);
        for (const setId of [1, 7]) {
          const target = { setId, algorithm: ROUND_ROBIN, flags: 0, maxResults: 1 };
          assert.equal(typeof rules.choose(partition.snapshot, target, request()), 'string');
        }
      });

      test('a mark makes a destination unusable, another makes it usable; each is one change of usability', () => {
        const { engine, rules, of } = setUp();
        const edges: (string | undefined)[] = [];
        engine.states.onChange(({ edge }) => edges.push(edge));
        const destination = of(URIS[0] as string);
        for (const letter of ['i', 'a']) {
          const wanted = rules.markOf(letter);
          assert.ok(wanted !== undefined);
          engine.states.apply({ destination, kind: 'set', origin: 'script', reason: 'mark', ...wanted });
        }
        assert.deepEqual(edges, ['inactive', 'active']);
      });

      test('failures up to the threshold switch a destination off; good answers bring it back', () => {
        const { rules, of, apply } = setUp();
        const uri = URIS[0] as string;
        const destination = of(uri);
        const before = rules.failuresLeft(destination);
        assert.ok(before >= 1);
        for (let n = 0; n < before; n++) {
          assert.equal(destination.health.state, 'active', `after ${n} failures`);
          apply(uri, { kind: 'failure' });
        }
        assert.notEqual(destination.health.state, 'active');
        for (let n = 0; n < 10 && destination.health.state !== 'active'; n++) apply(uri, { kind: 'success' });
        assert.equal(destination.health.state, 'active');
      });

      test('a count of failures that another node has is taken over when it is higher', () => {
        const { rules, of, apply } = setUp();
        const destination = of(URIS[0] as string);
        rules.carryFailures(destination, 0);
        assert.equal(rules.failuresOf(destination), 0);
        if (rules.failuresLeft(destination) === 1) return;
        apply(URIS[0] as string, { kind: 'failure' });
        const counted = rules.failuresOf(destination);
        rules.carryFailures(destination, 0);
        assert.equal(rules.failuresOf(destination), counted);
      });

      test('a rewritten request-URI keeps the user and leads to the destination', () => {
        const { rules, of } = setUp();
        const uri = parseUri(rules.requestUris().rewrite('sip:bob@example.com', of(URIS[0] as string)) ?? '');
        assert.deepEqual([uri?.user, uri?.host, uri?.port], ['bob', '10.0.0.1', 5060]);
      });

      test('200 is a good answer to a probe; the end of an unknown call has no effect', () => {
        const { rules, of } = setUp();
        assert.equal(rules.acceptsReply(200, new Set()), true);
        rules.endCall('unknown@example.com');
        rules.expireCalls();
        assert.match(rules.view(of(URIS[0] as string)).letters, /^A[PX]$/);
      });
    });
  }
}
