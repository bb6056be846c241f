import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTables } from '../../conformance/runner/tables.js';
import { INVITE, startScript } from '../../support/script-run.js';

test('entries of hash tables are read, set, listed and deleted by RPC', async () => {
  const { daemon, lines, receive, stop } = startScript({
    dialect: 'kamailio',
    modules: 'htable',
    head: 'modparam("htable", "htable", "a=>size=4;autoexpire=60;initval=0;")',
    script: '$sht(a=>x) = $sht(a=>x) + 1; $sht(a=>s) = "text"; xlog("$sht(a=>x) $sht(a=>new)\\n");',
  });
  try {
    receive(INVITE);
    const got = JSON.stringify(await daemon.callRpc('htable.get', ['a', 'x']));
    assert.match(
      got,
      /^{"result":{"item":{"name":"x","value":1,"flags":0,"expire":"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"}}}$/,
    );
    await daemon.callRpc('htable.seti', ['a', 'x', 41]);
    await daemon.callRpc('htable.sets', ['a', 'new', 'given']);
    receive(INVITE.replace('z9hG4bK1', 'z9hG4bK2').replace('a@a.example', 'b@a.example'));
    assert.equal(lines.at(-1), '42 given');
    const dump = JSON.stringify(await daemon.callRpc('htable.dump', ['a']));
    for (const each of ['"x"', '"s"', '"new"', '42']) assert.ok(dump.includes(each), dump);
    await daemon.callRpc('htable.delete', ['a', 'x']);
    assert.ok('error' in (await daemon.callRpc('htable.get', ['a', 'x'])));
    assert.ok('error' in (await daemon.callRpc('htable.get', ['nix', 'x'])));
    await daemon.callRpc('htable.flush', ['a']);
    assert.equal(JSON.stringify(await daemon.callRpc('htable.dump', ['a'])).includes('given'), false);
  } finally {
    await stop();
  }
});

test('htable.stats counts a large table in many event loop iterations', async () => {
  const { daemon, receive, stop } = startScript({
    dialect: 'kamailio',
    modules: 'htable',
    head: 'modparam("htable", "htable", "t=>size=4;")\nmax_while_loops=10001',
    script: '$var(i) = 0; while ($var(i) < 10000) { $sht(t=>k$var(i)) = 1; $var(i) = $var(i) + 1; }',
  });
  try {
    receive(INVITE);
    let iterations = 0;
    const count = (): void => {
      iterations++;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const [stats] = ((await daemon.callRpc('htable.stats', [])) as { result: { all: number; max: number }[] }).result;
    clearImmediate(timer);
    assert.equal(stats?.all, 10_000);
    assert.ok(iterations >= 5, `${iterations} iterations`);
  } finally {
    await stop();
  }
});

test('commands of hash tables answer as recorded of 5.6.3', async () => {
  const { daemon, stop } = startScript({
    dialect: 'kamailio',
    modules: 'htable',
    head: `modparam("htable", "htable", "t=>size=4;autoexpire=100;")
      modparam("htable", "htable", "u=>size=4;initval=5;")`,
    script: 'exit;',
  });
  const rpc = (name: string, ...params: readonly (string | number)[]) => daemon.callRpc(name, params);
  const result = (value: unknown) => ({ result: value });
  const fault = (code: number, message: string) => ({ error: { code, message } });
  const stats = (name: string, all: number, min: number, max: number) => ({ name, slots: 16, all, min, max });
  try {
    const known = { name: 'z', value: 'v', flags: 2, expire: 'NEVER' };
    assert.deepEqual(await rpc('htable.setxs', 'u', 'z', 'v', 0), result('Ok. Key set to new value.'));
    assert.deepEqual(await rpc('htable.get', 'u', 'z'), result({ item: known }));
    assert.deepEqual(await rpc('htable.setex', 'u', 'z', 50), result('Ok'));
    assert.deepEqual(await rpc('htable.get', 'u', 'z'), result({ item: known }));
    await rpc('htable.sets', 'u', 'k1', 'v');
    for (let i = 0; i < 24; i++) await rpc('htable.sets', 'u', `key${i}`, String(i));
    const dump = (await rpc('htable.dump', 'u')) as { result: readonly { slot: readonly { name: string }[] }[] };
    assert.deepEqual(
      dump.result.map(({ slot }) => slot.map(({ name }) => name).join(' ')),
      'key13;key10;key9 key11;key8;key6;z key7;k1 key4;key5;key2;key3 key19;key0 key18;key1 key16;key17 key22;key14 key23;key15 key20;key12 key21'.split(
        ';',
      ),
    );
    assert.deepEqual(dump.result[0], { entry: 0, size: 1, slot: [{ name: 'key13', value: '13', type: 'str' }] });
    await rpc('htable.setxi', 't', 'k7', 5, 50);
    assert.deepEqual(
      await rpc('htable.dump', 't'),
      result([{ entry: 0, size: 1, slot: [{ name: 'k7', value: 5, type: 'int' }] }]),
    );
    assert.deepEqual(await rpc('htable.stats'), result([stats('u', 26, 1, 2), stats('t', 1, 0, 1)]));
    assert.deepEqual(await rpc('htable.setex', 't', 'none', 2), result('Ok'));
    await rpc('htable.setex', 't', 'k7', 0);
    assert.deepEqual(
      await rpc('htable.get', 't', 'k7'),
      result({ item: { name: 'k7', value: 5, flags: 0, expire: 'NEVER' } }),
    );
    assert.deepEqual(await rpc('htable.delete', 't', 'none'), fault(404, 'Key not found in htable.'));
    assert.deepEqual(await rpc('htable.delete', 'nope', 'none'), fault(500, 'No such htable'));
    assert.deepEqual(await rpc('htable.get', 't', 'none'), fault(500, "Key name doesn't exist in htable."));
    assert.deepEqual(await rpc('htable.get', 't'), fault(500, 'Not enough parameters (htable name and key name)'));
    assert.deepEqual(
      await rpc('htable.setxs', 'u', 'z'),
      fault(500, 'Not enough parameters (htable name, key name, value and expire)'),
    );
    assert.deepEqual(await rpc('htable.dump'), fault(500, 'No htable name given'));
    assert.deepEqual(await rpc('htable.store', 'nope'), fault(500, 'No htable db_url'));
  } finally {
    await stop();
  }
});

test('caches, flags of the process, blocked sources and pipes are seen and changed by MI', async () => {
  const { daemon, lines, receive, stop } = startScript({
    dialect: 'opensips',
    modules: 'cachedb_local gflags ratelimit pike',
    head: 'modparam("pike", "reqs_density_per_unit", 1)',
    script: `cache_fetch("local", "k", $var(v)); set_gflag(2); rl_check("p", 5); pike_check_req();
      xlog("$var(v)\\n"); exit;`,
  });
  const mi = (name: string, params: Record<string, string> = {}): Promise<unknown> => daemon.mi.execute(name, params);
  try {
    assert.equal(await mi('cache_store', { system: 'local', attr: 'k', value: 'kept' }), 'OK');
    for (let i = 0; i < 5; i++) receive(INVITE.replace('z9hG4bK1', `z9hG4bKx${i}`));
    assert.equal(lines[0], 'kept');
    assert.deepEqual(await mi('cache_fetch', { system: 'local', attr: 'k' }), { key: 'k', value: 'kept' });
    assert.equal(await mi('cache_remove', { system: 'local', attr: 'k' }), 'OK');
    await assert.rejects(() => mi('cache_fetch', { system: 'local', attr: 'k' }), /Value not found/);
    assert.deepEqual(await mi('get_gflags'), { hex: '0x4', dec: 4 });
    await mi('reset_gflag', { bitmask: '4' });
    assert.equal(await mi('is_gflag', { bitmask: '4' }), 'FALSE');
    assert.deepEqual(await mi('rl_list'), { Pipes: [{ id: 'p', limit: 5, counter: 5 }] });
    assert.equal(JSON.stringify(await mi('pike_list')), '[{"IP":"127.0.0.1","count":1}]');
    assert.equal(await mi('pike_rm', { IP: '127.0.0.1' }), 'OK');
    assert.deepEqual(await mi('pike_list'), []);
  } finally {
    await stop();
  }
});

test('address_reload reads the table again; a table that cannot be read stays as it was', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-address-'));
  const file = join(folder, 'x.db');
  const row = { grp: 1, mask: 32, port: 0, proto: 'any', pattern: null, context_info: null };
  await createTables(file, { dispatcher: [], address: [], domain: [] });
  const { daemon, lines, receive, stop } = startScript({
    dialect: 'opensips',
    modules: 'permissions db_sqlite',
    head: `modparam("permissions", "db_url", "sqlite://${file}")`,
    script: 'check_source_address(1); xlog("$rc\\n"); exit;',
  });
  try {
    await daemon.mi.execute('address_reload');
    receive(INVITE);
    rmSync(file);
    await createTables(file, { dispatcher: [], address: [{ ...row, ip: '127.0.0.1' }], domain: [] });
    assert.equal(await daemon.mi.execute('address_reload'), 'OK');
    receive(INVITE.replace('z9hG4bK1', 'z9hG4bK2'));
    renameSync(file, `${file}.gone`);
    await assert.rejects(() => daemon.mi.execute('address_reload'), /the old ones stay/);
    receive(INVITE.replace('z9hG4bK1', 'z9hG4bK3'));
    assert.deepEqual(lines, ['-1', '1', '1']);
    assert.deepEqual(await daemon.mi.execute('address_dump'), [
      { grp: 1, ip: '127.0.0.1', mask: 32, port: 0, proto: 'any' },
    ]);
  } finally {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('shared variables and the probability of rand_event() are seen and changed by MI', async () => {
  const { daemon, lines, receive, stop } = startScript({
    dialect: 'opensips',
    modules: 'cfgutils',
    head: 'modparam("cfgutils", "initial_probability", 100)',
    script: 'if (rand_event()) xlog("$shv(gw) $shv(closed)\\n"); else xlog("no\\n"); exit;',
  });
  const mi = (name: string, params: Record<string, string> = {}): Promise<unknown> => daemon.mi.execute(name, params);
  try {
    assert.equal(await mi('shv_set', { name: 'gw', type: 'str', value: 'sip:a' }), 'OK');
    receive(INVITE);
    assert.deepEqual(await mi('shv_get', { name: 'gw' }), { name: 'gw', type: 'string', value: 'sip:a' });
    assert.equal(await mi('shv_set', { name: 'closed', type: 'int', value: '7' }), 'OK');
    receive(INVITE.replace('z9hG4bK1', 'z9hG4bK2'));
    for (const value of ['x', '2147483648', '-2147483649', '9999999999'])
      await assert.rejects(() => mi('shv_set', { name: 'closed', type: 'int', value }), /must be a number of 32 bits/);
    await assert.rejects(() => mi('shv_get', { name: 'none' }), /no such shared variable/);
    assert.equal(await mi('rand_set_prob', { prob_proc: '0' }), 'OK');
    assert.equal(await mi('rand_get_prob'), 'The actual probability is 0 percent.');
    receive(INVITE.replace('z9hG4bK1', 'z9hG4bK3'));
    assert.equal(await mi('rand_reset_prob'), 'OK');
    assert.equal(await mi('rand_get_prob'), 'The actual probability is 100 percent.');
    assert.deepEqual(lines, ['sip:a 0', 'sip:a 7', 'no']);
    assert.equal(((await mi('shv_get')) as unknown[]).length, 2);
  } finally {
    await stop();
  }
});
