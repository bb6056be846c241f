import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { INVITE, linesOf, startScript } from '../../support/script-run.js';

const again = (n: number): string =>
  INVITE.replace('z9hG4bK1', `z9hG4bK${n}`).replace('a@a.example', `call${n}@a.example`);

test('regex.reload reads the groups again, and keeps the earlier ones if the file cannot be used', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sw-regex-'));
  const file = join(folder, 'groups');
  writeFileSync(file, '[0]\n^al\n');
  const { daemon, lines, receive, stop } = startScript({
    dialect: 'kamailio',
    modules: 'regex',
    head: `modparam("regex", "file", "${file}")`,
    script: 'pcre_match_group("alice"); $var(a) = $rc; pcre_match_group("bob"); xlog("$var(a) $rc\\n");',
  });
  try {
    receive(INVITE);
    writeFileSync(file, '[0]\n^b\n');
    receive(again(2));
    assert.ok('result' in (await daemon.callRpc('regex.reload', [])));
    receive(again(3));
    writeFileSync(file, '^no group\n');
    assert.deepEqual(await daemon.callRpc('regex.reload', []), { error: { code: 500, message: 'Failed to reload' } });
    receive(again(4));
    assert.deepEqual(lines, ['1 -1', '1 -1', '-1 1', '-1 1']);
  } finally {
    await stop();
    rmSync(folder, { recursive: true });
  }
});

test('groups are bounded in number and size, and a file that cannot be used is read once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sw-regex-'));
  const file = join(folder, 'groups');
  try {
    for (const [text, parameter] of [
      ['[0]\na\n[1]\nb\n', 'modparam("regex", "max_groups", 1)'],
      [`[0]\n${'a'.repeat(100)}\n`, 'modparam("regex", "group_max_size", 50)'],
      ['[0]\n(a\n', ''],
    ] as const) {
      writeFileSync(file, text);
      const lines = await linesOf({
        dialect: 'kamailio',
        modules: 'regex',
        head: `modparam("regex", "file", "${file}")\n${parameter}`,
        script: 'pcre_match_group("a"); xlog("$rc\\n"); pcre_match_group("a"); xlog("$rc\\n"); xlog("end\\n");',
      });
      assert.deepEqual(lines, ['-2', '-2'], text);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// The answers of kamcmd with Kamailio 5.6.3.
test('items of memory queues are listed and fetched by RPC', async () => {
  const { daemon, receive, stop } = startScript({
    dialect: 'kamailio',
    modules: 'mqueue',
    head: 'modparam("mqueue", "mqueue", "name=xyz")\nmodparam("mqueue", "mqueue", "name=other;size=3")',
    script: 'mq_add("xyz", "k1", "v1"); mq_add("xyz", "k2", "v 2");',
  });
  const ask = (...[name, ...params]: [string, ...string[]]) => daemon.callRpc(`mqueue.${name}`, params);
  try {
    receive(INVITE);
    assert.deepEqual(await ask('get_size', 'xyz'), { result: { name: 'xyz', size: 2 } });
    assert.deepEqual(await ask('get_size', 'nosuch'), { error: { code: 404, message: 'No such queue' } });
    assert.deepEqual(await ask('get_size'), { error: { code: 400, message: 'No queue name' } });
    assert.deepEqual(await ask('get_sizes'), {
      result: [
        { name: 'other', size: 0 },
        { name: 'xyz', size: 2 },
      ],
    });
    assert.deepEqual(await ask('fetch', 'xyz'), { result: { key: 'k1', val: 'v1' } });
    assert.deepEqual(await ask('fetch', 'xyz'), { result: { key: 'k2', val: 'v 2' } });
    assert.deepEqual(await ask('fetch', 'xyz'), { error: { code: 404, message: 'Empty queue' } });
    assert.deepEqual(await ask('fetch', 'nosuch'), { error: { code: 500, message: 'No such queue' } });
  } finally {
    await stop();
  }
});

test('pcre_match_group and regex_reload of OpenSIPS, with the flags of the parameters', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sw-regex-'));
  const file = join(folder, 'groups');
  writeFileSync(file, '[0]\n^AL\n[1]\n^x\n^bob$\n');
  const { daemon, lines, receive, stop } = startScript({
    dialect: 'opensips',
    modules: 'regex',
    head: `modparam("regex", "file", "${file}")\nmodparam("regex", "pcre_caseless", 1)\nmodparam("regex", "pcre_dotall", 1)`,
    script: `pcre_match_group("alice"); $var(a) = $rc; pcre_match_group("bob", 1); $var(b) = $rc; pcre_match_group("bob", 2); $var(c) = $rc;
      $var(t) = "a\\nB"; pcre_match($var(t), "^a.b$$"); xlog("$var(a) $var(b) $var(c) $rc\\n");`,
  });
  try {
    receive(INVITE);
    writeFileSync(file, '[0]\n^c\n');
    assert.equal(await daemon.mi.execute('regex_reload', {}), 'OK');
    receive(again(2));
    assert.deepEqual(lines, ['1 1 -1 1', '-1 -1 -1 1']);
  } finally {
    await stop();
    rmSync(folder, { recursive: true });
  }
});
