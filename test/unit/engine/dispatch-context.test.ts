import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DispatchContext } from '../../../src/engine/dispatch-context.js';
import { requestUriTarget, rewriteRequestUriDomain } from '../../../src/engine/opensips/request-uri.js';
import type { Compat } from '../../../src/engine/options.js';
import type { Partition } from '../../../src/engine/partition.js';
import { parseSelectArguments } from '../../../src/engine/select-arguments.js';
import type { ListAvp } from '../../../src/engine/target-lists.js';
import { engineWith, partitionOptions, request, row } from '../../support/partitions.js';

function world(compat: Compat = 'default') {
  const engine = engineWith([partitionOptions({ compat }), partitionOptions({ name: 'p2', compat, dstAvp: 'other' })]);
  const set = (setId: number, names: string) =>
    [...names].map((name) =>
      row(`sip:${name}${setId}`, { setId, attrs: `${name}${setId}`, socket: `udp:10.0.0.${setId}:5060` }),
    );
  const partition = engine.partition('') as Partition;
  partition.load([...set(1, 'abc'), ...set(2, 'xy'), row('sip:z', { setId: 3, state: 'inactive' })], {
    inheritState: true,
  });
  const p2 = engine.partition('p2') as Partition;
  p2.load(set(7, 'pq'), { inheritState: true });
  return { engine, partition, p2, context: engine.context() };
}

function select(context: DispatchContext, partition: Partition, set: string | number, flags = '', isSet = false) {
  const args = parseSelectArguments({ set, alg: 8, flags });
  assert.ok(typeof args !== 'string', String(args));
  return context.select(partition, args.targets, request(), isSet);
}

function rest(context: DispatchContext, partition: Partition): string[] {
  const names: string[] = [];
  for (let each = context.current(partition); each !== undefined; each = context.next(partition)) {
    names.push(each.row.uri.slice(4));
  }
  return names;
}

function avp(context: DispatchContext, partition: Partition, name: string): ListAvp {
  const found = context
    .open(partition)
    .avps()
    .find((each) => each.name === name);
  assert.ok(found !== undefined);
  return found;
}

describe('what a transaction remembers', () => {
  test('remembers nothing before a selection succeeded', () => {
    const { context, partition } = world();
    assert.equal(context.current(partition), undefined);
    assert.equal(context.next(partition), undefined);
    assert.equal(select(context, partition, 3), 'failed');
    assert.equal(context.failure, 'no active destination');
    assert.equal(context.of(partition), undefined);
  });

  test('in a list of sets flag f without "M n" keeps whole sets, one destination of each in a strict partition', () => {
    for (const [compat, flags, expected] of [
      ['default', 'f', ['a1', 'b1', 'c1', 'x2', 'y2']],
      ['strict', 'f', ['a1', 'x2']],
      ['strict', 'fM2,f', ['a1', 'b1', 'x2']],
      ['strict', 'fdM9,fd', ['a1', 'b1', 'c1', 'x2', 'y2']],
    ] as const) {
      const { context, partition } = world(compat);
      select(context, partition, '1,2', flags);
      assert.deepEqual(rest(context, partition), expected, `${compat} ${flags}`);
    }
    const { context, partition } = world('strict');
    select(context, partition, 1, 'f');
    assert.deepEqual(rest(context, partition), ['a1', 'b1', 'c1']);
  });

  test('a transaction keeps a list of targets for each partition', () => {
    const { context, partition, p2 } = world();
    select(context, partition, 1, 'f');
    select(context, p2, 7, 'f');
    assert.equal(context.next(partition)?.row.uri, 'sip:b1');
    assert.equal(context.next(p2)?.row.uri, 'sip:q7');
    assert.equal(context.current(partition)?.row.uri, 'sip:b1');
    assert.equal(context.next(p2), undefined);
    assert.equal(context.current(p2)?.row.uri, 'sip:q7');
  });

  test('a second selection replaces the first, a failed one leaves it', () => {
    const { context, partition } = world();
    select(context, partition, 1, 'f');
    select(context, partition, 3, 'f');
    assert.equal(context.of(partition)?.group, 1);
    select(context, partition, 2, 'f');
    assert.deepEqual(rest(context, partition), ['x2', 'y2']);
  });

  test('a second selection without f leaves the list of the first, as recorded', () => {
    for (const compat of ['default', 'strict'] as const) {
      const { context, partition } = world(compat);
      select(context, partition, 1, 'f');
      select(context, partition, 2, '');
      assert.deepEqual(rest(context, partition), ['x2', 'b1', 'c1']);
    }
  });

  test('flag s keeps a destination that is already set', () => {
    const { context, partition } = world();
    assert.equal(select(context, partition, 1, 's', true), 'kept');
    assert.equal(context.of(partition), undefined);
    assert.equal(select(context, partition, 1, 's', false), 'selected');
    assert.equal(select(context, partition, 2, '', true), 'selected');
  });

  test('flag a puts a list before the existing one', () => {
    const { context, partition } = world();
    select(context, partition, 1, 'f');
    select(context, partition, 2, 'fa');
    assert.equal(context.of(partition)?.count, 2);
    assert.deepEqual(rest(context, partition), ['x2', 'y2', 'a1', 'b1', 'c1']);
  });

  test('flag a without f changes only the destination; attributes change with it, except in a strict partition', () => {
    for (const [compat, expected] of [
      ['default', ['x2', 'b1', 'c1']],
      ['strict', ['x2', 'a1', 'b1']],
    ] as const) {
      const { context, partition } = world(compat);
      select(context, partition, 1, 'f');
      select(context, partition, 2, 'a');
      const lists = context.of(partition);
      const attrs: (string | undefined)[] = [];
      const names: string[] = [];
      for (let each = lists?.current; each !== undefined; each = lists?.next()) {
        names.push(each.row.uri.slice(4));
        attrs.push(lists?.attrs);
      }
      assert.deepEqual(names, ['x2', 'b1', 'c1']);
      assert.deepEqual(attrs, expected);
    }
  });

  test('a list of sets is tried in order and joined; the group is that of the current destination, in a strict partition the first', () => {
    for (const compat of ['default', 'strict'] as const) {
      const { context, partition } = world(compat);
      assert.equal(select(context, partition, '3,2,1', 'f,f M 1,f M 2'), 'selected');
      const lists = context.of(partition);
      assert.deepEqual([lists?.group, lists?.count, lists?.current?.row.uri], [2, 1, 'sip:x2']);
      assert.equal(context.next(partition)?.row.uri, 'sip:a1');
      assert.equal(lists?.group, compat === 'strict' ? 2 : 1);
      assert.deepEqual(rest(context, partition), ['a1', 'b1']);
    }
  });

  test('without flag f the search ends at the first set with a destination; a later set with the flag adds its list', () => {
    const { context, partition } = world();
    select(context, partition, '3,1,2');
    assert.deepEqual([context.of(partition)?.count, ...rest(context, partition)], [0, 'a1']);
    select(context, partition, '1,2', ',f');
    assert.deepEqual(rest(context, partition), ['a1', 'x2', 'y2']);
  });

  test('a destination that became inactive after the selection is skipped', () => {
    const { engine, context, partition } = world();
    select(context, partition, 1, 'f');
    const destination = partition.find(1, 'sip:b1');
    assert.ok(destination !== undefined);
    engine.states.apply({ destination, kind: 'set', to: 'inactive', origin: 'mi', reason: 'x' });
    assert.deepEqual(rest(context, partition), ['a1', 'c1']);
  });

  test('a transaction keeps the data it began with when the partition is loaded again', () => {
    const { context, partition } = world();
    select(context, partition, 1, 'f');
    partition.load([row('sip:new')], { inheritState: true });
    assert.deepEqual(rest(context, partition), ['a1', 'b1', 'c1']);
  });
});

describe('the AVPs of a partition', () => {
  test('contain the list, the group, the count, sockets and attributes', () => {
    const { context, partition } = world();
    const values = () =>
      Object.fromEntries(
        context
          .open(partition)
          .avps()
          .map((each) => [each.name, each.get()]),
      );
    assert.deepEqual(values(), {
      ds_dst_failover: [],
      ds_grp_failover: [],
      ds_cnt_failover: [],
      ds_sock_failover: [],
      attrs: [],
    });
    select(context, partition, 1, 'f');
    const once = values();
    assert.deepEqual(once, values(), 'looking takes nothing');
    assert.deepEqual(once, {
      ds_dst_failover: ['sip:a1', 'sip:b1', 'sip:c1'],
      ds_grp_failover: [1],
      ds_cnt_failover: [3],
      ds_sock_failover: ['udp:10.0.0.1:5060', 'udp:10.0.0.1:5060', 'udp:10.0.0.1:5060'],
      attrs: ['a1', 'b1', 'c1'],
    });
    context.next(partition);
    assert.deepEqual(avp(context, partition, 'ds_dst_failover').get(), ['sip:b1', 'sip:c1']);
    assert.deepEqual(avp(context, partition, 'attrs').get(), ['b1', 'c1']);
  });

  test('contain only the group and the attributes without flag f', () => {
    const { context, partition } = world();
    select(context, partition, 1);
    assert.deepEqual(avp(context, partition, 'ds_dst_failover').get(), []);
    assert.deepEqual(avp(context, partition, 'ds_grp_failover').get(), [1]);
    assert.deepEqual(avp(context, partition, 'ds_cnt_failover').get(), [0]);
    assert.deepEqual(avp(context, partition, 'attrs').get(), ['a1']);
  });

  test('may be written: known destinations are recognised, other URIs are dialled as written', () => {
    const { context, partition } = world();
    select(context, partition, 1, 'f');
    avp(context, partition, 'ds_dst_failover').set(['sip:a1', 'sip:c1', 'sip:10.9.9.9:5070', 'nonsense', 'sip:b1']);
    assert.equal(context.next(partition), partition.find(1, 'sip:c1'));
    const foreign = context.next(partition);
    assert.deepEqual([foreign?.dialUri, foreign?.index, foreign?.resolved.length], ['sip:10.9.9.9:5070', -1, 1]);
    assert.equal(context.next(partition), partition.find(1, 'sip:b1'));
    assert.equal(context.next(partition), undefined);
    avp(context, partition, 'attrs').set(['mine']);
    assert.equal(context.of(partition)?.attrs, 'mine');
    avp(context, partition, 'ds_sock_failover').set(['tcp:10.0.0.7:5060']);
    assert.equal(context.of(partition)?.socket, 'tcp:10.0.0.7:5060');
    avp(context, partition, 'ds_grp_failover').set(['5']);
    assert.equal(context.of(partition)?.group, 5);
  });

  test('may be written before a selection', () => {
    const { context, partition } = world();
    avp(context, partition, 'ds_dst_failover').set(['sip:first', 'sip:second']);
    assert.equal(context.next(partition)?.dialUri, 'sip:second');
  });
});

describe('rewriting the request-URI', () => {
  function hops(compat: Compat, ruri: string): string[] {
    const engine = engineWith([partitionOptions({ compat })]);
    const partition = engine.partition('') as Partition;
    partition.load([row('sip:a:5070'), row('sip:u@b;transport=tcp;lr'), row('sips:[::1]')], { inheritState: true });
    const context = engine.context();
    select(context, partition, 1, 'f');
    const uris: string[] = [];
    let current = ruri;
    do {
      current = context.rewriteRequestUri(partition, current) ?? 'none';
      uris.push(current);
    } while (context.next(partition) !== undefined);
    return uris;
  }

  test('keeps no parameter of the previous hop by default', () => {
    assert.deepEqual(hops('default', 'sip:bob:pw@host:5060;transport=udp;x=1?h=v'), [
      'sip:bob:pw@a:5070;transport=udp;x=1?h=v',
      'sip:bob:pw@b;transport=tcp;lr;x=1?h=v',
      'sip:bob:pw@[::1];transport=tls;x=1?h=v',
    ]);
  });

  test('keeps the parameters of previous hops in a strict partition', () => {
    assert.deepEqual(hops('strict', 'sip:host;transport=udp'), [
      'sip:a:5070;transport=udp',
      'sip:b;transport=tcp;lr;transport=udp',
      'sip:[::1];transport=tcp;lr;transport=udp',
    ]);
  });

  test('is not possible without a host', () => {
    assert.deepEqual(hops('default', 'tel:+4930'), ['none', 'none', 'none']);
  });

  test('keeps what a script has changed in the request-URI before', () => {
    const engine = engineWith([partitionOptions()]);
    const partition = engine.partition('') as Partition;
    partition.load([row('sip:a;lr'), row('sip:b')], { inheritState: true });
    const context = engine.context();
    select(context, partition, 1, 'f');
    assert.equal(context.rewriteRequestUri(partition, 'sip:u@h;x=1'), 'sip:u@a;lr;x=1');
    context.next(partition);
    assert.equal(context.rewriteRequestUri(partition, 'sip:other@a;lr;x=1'), 'sip:other@b;x=1');
    assert.equal(context.rewriteRequestUri(partition, 'sip:other@b;y=2'), 'sip:other@b;y=2');
  });

  test('gives the address it leads to, with the port of its transport', () => {
    assert.equal(requestUriTarget('sip:bob@h'), 'h:5060');
    assert.equal(requestUriTarget('sips:bob@h'), 'h:5061');
    assert.equal(requestUriTarget('sip:bob@[::1]:5070'), '[::1]:5070');
    assert.equal(requestUriTarget('sip:h;transport=udp;transport=TLS'), 'h:5061');
    assert.equal(requestUriTarget('nonsense'), '');
  });

  test('the request-URI is rewritten for a selection of a single destination', () => {
    const { partition } = world();
    const destination = partition.find(1, 'sip:a1');
    assert.ok(destination !== undefined);
    assert.equal(rewriteRequestUriDomain('SIP:Bob@h:1', destination, 'default'), 'SIP:Bob@a1');
  });
});
