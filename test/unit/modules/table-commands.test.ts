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
    assert.deepEqual(await daemon.callRpc('htable.get', ['a', 'x']), { result: { item: { name: 'x', value: 1 } } });
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
