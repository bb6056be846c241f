import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unbounded } from '../../../../../src/access/caller.js';
import { calendarTime } from '../../../../../src/management/mi/commands/core.js';
import type { MiDependencies } from '../../../../../src/management/mi/dependencies.js';
import { type MiFixture, makeMiFixture } from '../../../../support/mi-fixture.js';

const json = (fixture: MiFixture, method: string, params?: unknown) =>
  fixture.handler.handle(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }), unbounded('datagram'));

describe('which and help', () => {
  test('list every command in both spellings', async () => {
    const { handler } = makeMiFixture();
    const which = (await handler.execute('which')) as string[];
    assert.equal(which.length, handler.commands().length);
    for (const name of which) {
      assert.match(name, /^[a-z_]+:[a-z_]+$/);
      assert.deepEqual(await handler.execute('which', [name]), [name]);
    }
    const plain = ((await handler.handle(':which:\n', unbounded('datagram'))) ?? '').split('\n').slice(1, -1);
    for (const name of plain) assert.ok(handler.find(name), name);
    for (const name of ['ds_list', 'ds_reload', 'ds_set_state', 'get_statistics', 'list_blacklists', 'sr_get_status']) {
      assert.ok(plain.includes(name), name);
    }
  });

  test('help has the description of a command', async () => {
    const fixture = makeMiFixture();
    assert.deepEqual(await fixture.handler.execute('help', ['uptime']), {
      Help: 'prints the start time of the server',
      'Exported by': 'core',
    });
    assert.deepEqual(await fixture.handler.execute('help'), {
      Help: "help mi_cmd - returns information about 'mi_cmd'",
    });
    await assert.rejects(fixture.handler.execute('help', ['nosuch']), { code: 404, message: 'unknown MI command' });
  });
});

test('times are written as ctime(3) does', () => {
  assert.equal(calendarTime(new Date(2026, 10, 7, 7, 5, 9).getTime()), 'Sat Nov  7 07:05:09 2026');
});

describe('statistics', () => {
  function counted(): MiFixture {
    const fixture = makeMiFixture();
    let value = 7;
    const reset = (): void => {
      value = 0;
    };
    fixture.statistics.push(
      { group: 'core', name: 'rcv_requests', value: () => value, reset },
      { group: 'tm', name: 'inuse_transactions', value: () => 3 },
    );
    return fixture;
  }

  test('are asked for by name, by group, or all', async () => {
    const fixture = counted();
    assert.match(
      (await json(fixture, 'get_statistics', [['all']])) ?? '',
      /"core:rcv_requests":7,"tm:inuse_transactions":3/,
    );
    assert.match(
      (await json(fixture, 'get_statistics', [['tm:', 'core:rcv_requests']])) ?? '',
      /"tm:inuse_transactions":3,"core:/,
    );
    assert.match((await json(fixture, 'get_statistics', [[5]])) ?? '', /Bad type for parameter 'statistics'/);
    assert.match((await json(fixture, 'get_statistics', [new Array(65).fill('all')])) ?? '', /"code":400/);
    assert.deepEqual(await fixture.handler.execute('list_statistics'), {
      'core:rcv_requests': 'incremental',
      'tm:inuse_transactions': 'non-incremental',
    });
  });

  test('statistics that can be reset are reset', async () => {
    const fixture = counted();
    assert.equal(await fixture.handler.execute('reset_statistics', [['rcv_requests']]), 'OK');
    assert.deepEqual(await fixture.handler.execute('get_statistics', [['rcv_requests']]), { 'core:rcv_requests': 0 });
    assert.equal(await fixture.handler.execute('reset_all_statistics'), 'OK');
    await assert.rejects(fixture.handler.execute('reset_statistics', [['nosuch']]), { code: 404 });
  });

  test('a group without statistics, and no name at all, give an empty object', async () => {
    const fixture = counted();
    for (const names of [['nosuch:'], []]) {
      assert.equal(await json(fixture, 'get_statistics', [names]), '{"jsonrpc":"2.0","result":{},"id":1}');
    }
    assert.match((await json(fixture, 'get_statistics', [['nosuch:', 'nosuch']])) ?? '', /Statistics Not Found/);
  });
});

test('log_level accepts numbers and names', async () => {
  const fixture = makeMiFixture();
  assert.deepEqual(await fixture.handler.execute('log_level'), {
    Processes: [{ PID: 4711, 'Log level': 3, Type: 'attendant' }],
  });
  assert.deepEqual(await fixture.handler.execute('log_level', [4]), { 'New global log level': 4 });
  assert.equal(fixture.level, 'debug');
  assert.deepEqual(await fixture.handler.execute('log_level', ['warn', 4711]), { 'Log level': 1 });
  assert.equal(fixture.level, 'warn');
  assert.deepEqual(await fixture.handler.execute('log_level', [9]), { 'New global log level': 4 });
  assert.deepEqual(await fixture.handler.execute('log_level', ['-9']), { 'New global log level': -3 });
  await assert.rejects(fixture.handler.execute('log_level', ['loud']), { code: -32602 });
  await assert.rejects(fixture.handler.execute('log_level', [4, 1]), { code: 404 });
});

describe('events', () => {
  test('a subscriber that used the line text form gets events in it; unknown events and subscribers are refused', async () => {
    const forms: (string | undefined)[] = [];
    const plain = makeMiFixture();
    const events: MiDependencies['events'] = {
      events: () => plain.publisher.events(),
      subscribers: () => undefined,
      subscribe: (_event, _socket, _expire, form) => void forms.push(form),
    };
    const { handler } = makeMiFixture({ deps: { events } });
    await handler.execute('event_subscribe', ['E_DISPATCHER_STATUS', 'udp:127.0.0.1:9']);
    await handler.handle(':event_subscribe:\nE_DISPATCHER_STATUS\nudp:127.0.0.1:9\n', unbounded('datagram'));
    assert.deepEqual(forms, ['json', 'text']);
    await assert.rejects(handler.execute('subscribers_list', ['E_NOPE']), {
      code: 404,
      message: 'Event not published',
    });
    await assert.rejects(handler.execute('subscribers_list', ['E_DISPATCHER_STATUS', 'udp:127.0.0.1:1']), {
      code: 404,
      message: 'Subscriber does not exist',
    });
  });

  test('are raised by hand with an array or an object in a string', async () => {
    const fixture = makeMiFixture();
    await fixture.handler.execute('raise_event', ['E_DISPATCHER_STATUS', ['acme', 1]]);
    await fixture.handler.execute('raise_event', { event: 'E_DISPATCHER_STATUS', params: '{"group":2}' });
    await fixture.handler.execute('raise_event', ['E_DISPATCHER_STATUS']);
    assert.deepEqual(
      fixture.raised.map((each) => each.params),
      [{ partition: 'acme', group: 1 }, { group: 2 }, {}],
    );
    await assert.rejects(fixture.handler.execute('raise_event', ['E_NOPE']), {
      code: 404,
      message: 'Event not registered',
    });
    await assert.rejects(fixture.handler.execute('raise_event', ['E_DISPATCHER_STATUS', [{}]]), { code: 400 });
    await assert.rejects(fixture.handler.execute('raise_event', ['E_DISPATCHER_STATUS', '[1]']), {
      message: 'No Params',
    });
  });
});

describe('black lists', () => {
  function listed(): MiFixture {
    const fixture = makeMiFixture();
    const rule = (address: string) => ({ address, transport: 'udp', port: 5066 });
    fixture.blacklists.push(
      { name: 'bl1', rules: [rule('127.0.65.1'), rule('127.0.0.1'), rule('127.0.65.2')] },
      { name: 'bl9', rules: [] },
    );
    return fixture;
  }

  test('are listed as recorded from OpenSIPS 4.1-dev and 2.1', async () => {
    const rule = (ip: string) => `{"flags":0,"IP":"${ip}","Mask":"255.255.255.255","Proto":"udp","Port":5066}`;
    assert.equal(
      await json(listed(), 'list_blacklists'),
      '{"jsonrpc":"2.0","result":{"Lists":[{"name":"bl9","owner":"dispatcher","flags":[],"Rules":[]},' +
        `{"name":"bl1","owner":"dispatcher","flags":[],"Rules":[${['127.0.65.1', '127.0.0.1', '127.0.65.2'].map(rule).join(',')}]}]},"id":1}`,
    );
    const text = (await listed().handler.handle(':list_blacklists:\n', unbounded('datagram'))) ?? '';
    assert.ok(
      text.startsWith(
        '200 OK\nList:: bl9 owner=313131 flags=0\nList:: bl1 owner=313131 flags=0\n\tRule::  flags=0\n\t\tIP:: 127.0.65.1\n' +
          '\t\tMask:: 255.255.255.255\n\t\tProto:: 1\n\t\tPort:: 5066\n\tRule::',
      ),
      text,
    );
  });

  test('the rules of one list are shown in an array without a name', async () => {
    const { handler } = listed();
    const rules = (await handler.execute('list_blacklists', ['bl1'])) as { IP: string }[];
    assert.deepEqual(
      rules.map(({ IP }) => IP),
      ['127.0.65.1', '127.0.0.1', '127.0.65.2'],
    );
    assert.deepEqual(await handler.execute('list_blacklists', ['bl9']), []);
    await assert.rejects(handler.execute('list_blacklists', ['nosuch']), { code: 404, message: 'Unknown name' });
  });

  test('blacklists can be checked for an address', async () => {
    const { handler, blacklists } = listed();
    blacklists.push({ name: 'any', rules: [{ address: '127.0.0.1' }] });
    assert.deepEqual(await handler.execute('check_blacklists', ['127.0.0.1']), ['any']);
    assert.deepEqual(await handler.execute('check_blacklists', ['udp', '127.0.0.1', 5066]), ['any', 'bl1']);
    assert.deepEqual(await handler.execute('check_blacklist', ['any', '127.0.0.1']), {
      flags: 0,
      IP: '127.0.0.1',
      Mask: '255.255.255.255',
      Proto: 'any',
      Port: 0,
    });
    await assert.rejects(handler.execute('check_blacklist', ['bl1', '127.0.0.1']), {
      code: 404,
      message: 'Not Matched',
    });
    await assert.rejects(handler.execute('check_blacklist', ['nosuch', '127.0.0.1']), {
      code: 404,
      message: 'Unknown name',
    });
    await assert.rejects(handler.execute('check_blacklists', ['not an address']), { code: 400 });
    await assert.rejects(handler.execute('check_blacklists', ['carrier pigeon', '127.0.0.1']), { code: 400 });
  });
});

test('status reports have the documented shapes', async () => {
  const time = new Date(2026, 10, 21, 7, 7, 51).getTime();
  const reports: MiDependencies['reports'] = {
    groups: () => [
      {
        name: 'dispatcher',
        identifiers: [
          {
            name: 'acme',
            partition: 'acme',
            status: 1,
            details: 'data available',
            reports: [{ time, text: 'loaded' }],
          },
          { name: 'acme;events', partition: 'acme', status: -1, details: undefined, reports: [] },
        ],
      },
      {
        name: 'core',
        identifiers: [{ name: 'main', partition: undefined, status: 1, details: 'running', reports: [] }],
      },
    ],
  };
  const { handler } = makeMiFixture({ deps: { reports } });
  assert.deepEqual(await handler.execute('sr_get_status', ['core']), {
    Readiness: true,
    Status: 1,
    Details: 'running',
  });
  assert.deepEqual(await handler.execute('sr_get_status', ['dispatcher', 'all']), {
    Readiness: false,
    Status: -1,
    Details: 'aggregated',
  });
  assert.deepEqual(await handler.execute('sr_list_identifiers', ['dispatcher']), {
    Group: 'dispatcher',
    Identifiers: ['acme', 'acme;events'],
  });
  assert.equal(((await handler.execute('sr_list_identifiers')) as unknown[]).length, 2);
  const report = { Timestamp: time / 1000, Date: 'Sat Nov 21 07:07:51 2026', Log: 'loaded' };
  assert.deepEqual(await handler.execute('sr_list_reports', ['dispatcher', 'acme']), [report]);
  assert.deepEqual(await handler.execute('sr_list_reports', ['dispatcher']), [
    { Name: 'acme', Reports: [report] },
    { Name: 'acme;events', Reports: [] },
  ]);
  assert.deepEqual(await handler.execute('sr_list_status', ['core']), [
    { Name: 'main', Readiness: true, Status: 1, Details: 'running' },
  ]);
  assert.deepEqual(((await handler.execute('sr_list_status')) as unknown[])[1], {
    Name: 'core',
    Identifiers: [{ Name: 'main', Readiness: true, Status: 1, Details: 'running' }],
  });
  const noGroup = { code: 404, message: 'Group not found' };
  await assert.rejects(handler.execute('sr_get_status', ['nosuch']), noGroup);
  await assert.rejects(handler.execute('sr_list_status', ['nosuch']), noGroup);
  const noIdentity = { code: 404, message: 'Identity not found' };
  await assert.rejects(handler.execute('sr_list_reports', ['core', 'nosuch']), noIdentity);
  await assert.rejects(handler.execute('sr_get_status', ['dispatcher']), noIdentity);
});
