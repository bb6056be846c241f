import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import {
  answerTo,
  INVITE,
  linesOf,
  type ScriptRunner,
  type ScriptRunOptions,
  startScript,
} from '../../support/script-run.js';
import { until } from '../../support/until.js';

type Values = Readonly<Record<string, unknown>>;

/** An OpenSIPS script with its management commands. */
function served(
  options: Omit<ScriptRunOptions, 'dialect'>,
): ScriptRunner & { mi(name: string, params?: Values | readonly unknown[]): Promise<unknown> } {
  const runner = startScript({ dialect: 'opensips', ...options });
  return { ...runner, mi: (name, params = {}) => runner.daemon.mi.execute(name, params) };
}

const call = (n: number): string =>
  INVITE.replace('z9hG4bK1', `z9hG4bK${n}`).replace('a@a.example\r\nCSeq', `call${n}\r\nCSeq`);

describe('dialogs over MI', () => {
  const script = `route { if (has_totag()) { t_relay(); exit; } create_dialog(); $dlg_val(who) = $fU; set_dlg_profile("peer", "a");
    $du = "sip:127.0.0.1:5080"; t_relay(); }`;
  const options = { modules: 'dialog', head: 'modparam("dialog", "profiles_with_value", "peer")', script };

  test('dlg_list shows all dialogs, those from an offset on, or one; dlg_list_ctx also values and profiles', async () => {
    const { mi, receive, stop } = served(options);
    try {
      for (const n of [1, 2, 3]) receive(call(n));
      const ids = (answer: unknown): string[] =>
        (answer as { Dialogs: { callid: string }[] }).Dialogs.map(({ callid }) => callid);
      assert.deepEqual(ids(await mi('dlg_list')), ['call1', 'call2', 'call3']);
      assert.deepEqual(ids(await mi('dlg_list', { index: 1, counter: 1 })), ['call2']);
      assert.deepEqual(ids(await mi('dialog:dlg_list', { index: 2, counter: 5 })), ['call3']);
      const one = (await mi('dlg_list', { callid: 'call2', from_tag: 'ft' })) as { Dialog: Values };
      assert.equal(one.Dialog['callid'], 'call2');
      assert.equal('context' in one.Dialog, false);
      const { Dialog } = (await mi('dlg_list_ctx', { callid: 'call2' })) as { Dialog: Values };
      assert.deepEqual(Dialog['context'], { values: { who: 'alice' }, profiles: [{ peer: 'a' }] });
      await assert.rejects(() => mi('dlg_list', { callid: 'none' }), /No such dialog/);
    } finally {
      await stop();
    }
  });

  test('dlg_push_var sets a value of the named dialogs', async () => {
    const { mi, receive, stop } = served(options);
    try {
      for (const n of [1, 2]) receive(call(n));
      assert.equal(await mi('dlg_push_var', { dlg_val_name: 'x', dlg_val_value: '1', DID: ['call1', 'call2'] }), 'OK');
      await assert.rejects(
        () => mi('dlg_push_var', { dlg_val_name: 'x', dlg_val_value: '2', DID: ['call1', 'no'] }),
        /not found/,
      );
      for (const callid of ['call1', 'call2']) {
        const { Dialog } = (await mi('dlg_list_ctx', { callid })) as { Dialog: { context: { values: Values } } };
        assert.equal(Dialog.context.values['x'], '1');
      }
      for (const each of ['dlg_db_sync', 'dlg_restore_db', 'dlg_cluster_sync'])
        await assert.rejects(() => mi(each), /in the memory of this process/);
    } finally {
      await stop();
    }
  });
});

describe('tm over MI', () => {
  test('t_uac_dlg sends a request and answers with its final reply', async () => {
    const { mi, receive, sent, stop } = served({ script: 'exit;' });
    try {
      const answer = mi('t_uac_dlg', {
        method: 'OPTIONS',
        ruri: 'sip:x@127.0.0.1:5080',
        headers: 'From: <sip:me@a.example>;tag=mine\r\nTo: <sip:x@b.example>\r\nX-Note: yes\r\n',
      });
      await until('the request leaves', () => sent.length > 0);
      const text = sent[0]?.text ?? '';
      assert.match(text, /^OPTIONS sip:x@127\.0\.0\.1:5080 SIP\/2\.0\r\n/);
      assert.match(text, /^From: <sip:me@a\.example>;tag=mine\r$/m);
      assert.match(text, /^X-Note: yes\r$/m);
      receive(answerTo(text, '200 Fine', { tag: 't' }), 5080);
      const { Status, Message } = (await answer) as { Status: string; Message: string };
      assert.equal(Status, '200 Fine');
      assert.match(Message, /^SIP\/2\.0 200 Fine\r\n/);
    } finally {
      await stop();
    }
  });

  test('t_uac_dlg sends to a host name, and answers with 478 if it does not resolve', async () => {
    const { mi, sent, stop } = served({ script: 'exit;' });
    const headers = 'From: <sip:a@b>\r\nTo: <sip:c@d>\r\n';
    try {
      void mi('t_uac_dlg', { method: 'OPTIONS', ruri: 'sip:x@localhost:5080', headers });
      await until('the request leaves', () => sent.length > 0);
      assert.equal(sent[0]?.address, '127.0.0.1');
      const ruri = 'sip:x@no-such-name.invalid:5080';
      assert.deepEqual(await mi('t_uac_dlg', { method: 'OPTIONS', ruri, headers }), {
        Status: '478 Unresolvable destination',
      });
    } finally {
      await stop();
    }
  });

  test('t_uac_dlg refuses what it cannot send', async () => {
    const { mi, stop } = served({ script: 'exit;' });
    const headers = 'From: <sip:a@b>\r\nTo: <sip:c@d>\r\n';
    try {
      for (const [params, message] of [
        [{ method: 'INVITE', ruri: 'sip:x@127.0.0.1', headers }, /not sent by a command/],
        [{ method: 'OPTIONS', ruri: 'nix', headers }, /Invalid RURI/],
        [{ method: 'OPTIONS', ruri: 'sip:x@127.0.0.1', headers: 'From: <sip:a@b>' }, /no To/],
        [{ method: 'OPTIONS', ruri: 'sip:x@127.0.0.1', headers: 'garbage' }, /Invalid headers/],
        [{ method: 'OPTIONS', ruri: 'sip:x@127.0.0.1', headers, socket: 'udp:10.9.9.9:1' }, /socket not found/],
      ] as const)
        await assert.rejects(() => mi('t_uac_dlg', params), message);
    } finally {
      await stop();
    }
  });

  test('t_uac_cancel cancels an INVITE by Call-ID and CSeq, t_reply answers by $T_id, t_hash counts', async () => {
    const { mi, receive, sent, lines, stop } = served({
      script: `route { if (is_method("CANCEL")) { t_relay(); exit; } if ($rU == "wait") { t_newtran(); xlog("$T_id\\n"); exit; }
        $du = "sip:127.0.0.1:5080"; t_relay(); }`,
    });
    try {
      receive(call(1));
      receive(
        answerTo(sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '', '180 Ringing', { tag: 'x' }),
        5080,
      );
      await assert.rejects(() => mi('t_uac_cancel', { callid: 'call1', cseq: '7' }), /No such transaction/);
      assert.equal(await mi('t_uac_cancel', { callid: 'call1', cseq: '1' }), 'OK');
      assert.equal(sent.filter(({ text }) => text.startsWith('CANCEL')).length, 1);
      receive(call(2).replace('sip:bob@', 'sip:wait@'));
      const { Entries } = (await mi('t_hash')) as { Entries: { UAS: number }[] };
      assert.equal(Entries[0]?.UAS, 2);
      const params = { code: 486, reason: 'Busy Here', trans_id: lines[0], to_tag: 'x', new_headers: 'X-Why: mi' };
      assert.equal(await mi('t_reply', params), 'OK');
      const reply = sent.find(({ text }) => text.startsWith('SIP/2.0 486'))?.text ?? '';
      assert.match(reply, /^X-Why: mi\r$/m);
      assert.match(reply, /^Call-ID: call2\r$/m);
      await assert.rejects(() => mi('t_reply', params), /No such transaction|final reply/);
    } finally {
      await stop();
    }
  });
});

describe('modules over MI', () => {
  test('check_config_hash shows whether the file of hash_file has changed since it was read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'switchyard-hash-'));
    const file = join(folder, 'routes.cfg');
    writeFileSync(file, 'abc');
    const { mi, stop } = served({
      modules: 'cfgutils',
      head: `modparam("cfgutils", "hash_file", "${file}")`,
      script: 'exit;',
    });
    try {
      assert.equal(await mi('get_config_hash'), '900150983cd24fb0d6963f7d28e17f72');
      assert.match(String(await mi('check_config_hash')), /is identical/);
      writeFileSync(file, 'abd');
      await assert.rejects(() => mi('check_config_hash'), /not identical/);
      rmSync(file);
      await assert.rejects(() => mi('check_config_hash'), /cannot be read/);
    } finally {
      await stop();
      rmSync(folder, { recursive: true });
    }
    const without = served({ modules: 'cfgutils', script: 'exit;' });
    await assert.rejects(() => without.mi('get_config_hash'), /No file for hashing/);
    await without.stop();
  });

  test('allow_uri reads files of rules by their basename', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'switchyard-allow-'));
    writeFileSync(join(folder, 'reg.deny'), 'ALL : "^sip:.*@evil"\n');
    const { mi, stop } = served({ modules: 'permissions', script: 'exit;' });
    const params = { basename: join(folder, 'reg'), uri: 'sip:a@b.example' };
    try {
      assert.equal(await mi('allow_uri', { ...params, contact: 'sip:a@good' }), 'OK');
      await assert.rejects(() => mi('allow_uri', { ...params, contact: 'sip:a@evil' }), /Forbidden/);
      await assert.rejects(
        () => mi('allow_uri', { ...params, basename: '../x', contact: 'sip:a@b' }),
        /not a basename/,
      );
    } finally {
      await stop();
      rmSync(folder, { recursive: true });
    }
  });

  test('dr_reload_status, dr_enable_probing, nh_enable_ping, cache_remove_chunk', async () => {
    const { mi, stop } = served({
      modules: 'drouting nathelper cachedb_local db_sqlite',
      head: 'modparam("drouting", "db_url", "sqlite://FOLDER/none.db")',
      clock: new FakeClock(),
      script: 'exit;',
    });
    try {
      assert.match(
        JSON.stringify(await mi('dr_reload_status')),
        /^\{"Date":"\w{3} \w{3} \d\d \d{4} \d\d:\d\d:\d\d"\}$/,
      );
      assert.deepEqual(await mi('dr_enable_probing'), { Status: 1 });
      assert.equal(await mi('dr_enable_probing', { status: 0 }), 'OK');
      assert.deepEqual(await mi('dr_enable_probing'), { Status: 0 });
      assert.deepEqual(await mi('nh_enable_ping'), { Status: 0 });
      assert.equal(await mi('nh_enable_ping', { ping_mode: 0 }), 'OK');
      await assert.rejects(() => mi('nh_enable_ping', { ping_mode: 1 }), /no contacts are pinged/);
      for (const attr of ['user:1', 'user:2', 'peer:1']) await mi('cache_store', { system: 'local', attr, value: 'x' });
      assert.equal(await mi('cache_remove_chunk', { glob: 'user:*' }), 'OK');
      await assert.rejects(() => mi('cache_fetch', { system: 'local', attr: 'user:1' }), /not found/);
      assert.deepEqual(await mi('cache_fetch', { system: 'local', attr: 'peer:1' }), { key: 'peer:1', value: 'x' });
    } finally {
      await stop();
    }
  });

  test('tls_list shows the TLS domains of the file', async () => {
    const { mi, stop } = served({
      modules: 'tls_mgm',
      head: `modparam("tls_mgm", "server_domain", "sv")
        modparam("tls_mgm", "certificate", "[sv]/nowhere/cert.pem")
        modparam("tls_mgm", "match_sip_domain", "[sv]a.example, *.b.example")
        modparam("tls_mgm", "client_domain", "cl")
        modparam("tls_mgm", "match_ip_address", "[cl]10.0.0.1:5061")`,
      script: 'exit;',
    });
    try {
      assert.deepEqual(await mi('tls_list'), {
        Domains: [
          {
            name: 'sv',
            type: 'TLS_DOMAIN_SRV',
            'IP match': ['*'],
            'Domain match': ['a.example', '*.b.example'],
            CERT_FILE: '/nowhere/cert.pem',
          },
          { name: 'cl', type: 'TLS_DOMAIN_CLI', 'IP match': ['10.0.0.1:5061'], 'Domain match': ['*'] },
        ],
      });
      assert.equal(await mi('tls_reload'), 'OK');
    } finally {
      await stop();
    }
  });
});

test('mi() runs a management command: parameters after its name, in order, or by name', async () => {
  const script = `
    mi("cache_store local key value"); xlog("$rc\\n"); mi("cache_fetch local key", $var(r)); xlog("$rc $var(r)\\n");
    $avp(v) = "local"; $avp(v) = "key"; mi("cache_fetch", $var(r), $avp(v)); xlog("$rc $var(r)\\n");
    $avp(n) = "system"; $avp(n) = "attr"; mi("cache_fetch", $json(r), $avp(n), $avp(v)); xlog("$rc $json(r)\\n");
    mi("no_such_command", $var(r)); xlog("$rc $var(r)\\n"); $avp(n) = "more"; mi("cache_fetch", $var(r), $avp(n), $avp(v)); xlog("$rc\\n");
    async(mi("cache_fetch local other", $var(r)), done); }
    route[done] { xlog("$rc $var(r)\\n"); xlog("end\\n"); exit;`;
  assert.deepEqual(await linesOf({ dialect: 'opensips', modules: 'mi_script cachedb_local json', script }), [
    '1',
    '1 {"key":"key","value":"value"}',
    '1 {"key":"key","value":"value"}',
    '1 {"key":"key","value":"value"}',
    '-1 {"code":-32601,"message":"Method not found"}',
    '-1',
    '-1 {"code":400,"message":"Value not found"}',
  ]);
});

test('mi() gives a command that takes a list the rest of the parameters, or the one with its name', async () => {
  const script = `
    mi("get_statistics core:rcv_requests core:drop_requests", $json(r)); xlog("$rc $json(r)\\n");
    mi("get_statistics nosuch", $var(r)); xlog("$rc\\n");
    $avp(n) = "statistics"; $avp(v) = "core:drop_requests"; mi("statistics:get", $json(r), $avp(n), $avp(v)); xlog("$rc $json(r)\\n");
    xlog("end\\n");`;
  const lines = await linesOf({ dialect: 'opensips', modules: 'mi_script json', script });
  assert.deepEqual(lines, ['1 {"core:rcv_requests":1,"core:drop_requests":0}', '-1', '1 {"core:drop_requests":0}']);
});

test('commands of modules have the names of OpenSIPS 4 too', async () => {
  const modules =
    'dialog drouting load_balancer pike ratelimit domain tls_mgm regex nathelper dialplan cachedb_local userblacklist';
  const { daemon, stop } = startScript({ dialect: 'opensips', modules, script: 'exit;' });
  try {
    for (const [name, old] of [
      ['dialog:list', 'dlg_list'],
      ['dialog:end_dlg', 'dlg_end_dlg'],
      ['dialog:profile_get_size', 'profile_get_size'],
      ['dialog:list_all_profiles', 'list_all_profiles'],
      ['drouting:gw_status', 'dr_gw_status'],
      ['load_balancer:list', 'lb_list'],
      ['pike:list', 'pike_list'],
      ['ratelimit:reset_pipe', 'rl_reset_pipe'],
      ['domain:reload', 'domain_reload'],
      ['tls_mgm:list', 'tls_list'],
      ['regex:reload', 'regex_reload'],
      ['nathelper:enable_ping', 'nh_enable_ping'],
      ['dialplan:reload', 'dp_reload'],
      ['cache:fetch', 'cache_fetch'],
      ['cachedb_local:remove_chunk', 'cache_remove_chunk'],
      ['userblacklist:reload', 'reload_blacklist'],
      ['tm:uac_dlg', 't_uac_dlg'],
      ['tm:hash', 't_hash'],
    ] as const)
      assert.equal(daemon.mi.find(name)?.name, old, name);
    assert.equal(await daemon.mi.execute('userblacklist:reload'), 'OK');
    const which = (await daemon.mi.execute('which')) as string[];
    assert.ok(which.includes('dialog:list') && which.includes('tm:uac_dlg'));
  } finally {
    await stop();
  }
});
