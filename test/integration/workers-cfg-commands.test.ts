import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { headersOf, RawAgent, routeLines } from '../support/raw-agent.js';
import { until } from '../support/until.js';
import { workerPids } from '../support/workers.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

const OPENSIPS = (gateway: string) => `
socket=LISTEN
loadmodule "proto_udp.so"
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
route {
  if (is_method("CANCEL")) { t_relay(); exit; }
  if (has_totag()) { loose_route(); t_relay(); exit; }
  if (is_method("OPTIONS")) { append_to_reply("X-Process: $pp\\r\\n"); send_reply(200, "OK"); exit; }
  append_hf("X-Process: $pp\\r\\n");
  if ($rU == "wait") { t_newtran(); xlog("$T_id $ci $pp\\n"); exit; }
  record_route();
  if ($rU == "bob") create_dialog();
  $du = "${gateway}";
  t_relay();
}
`;

describe('commands about calls of two workers', { skip }, () => {
  let caller: RawAgent;
  let gateway: RawAgent;
  let daemon: CfgDaemon;

  before(async () => {
    [caller, gateway] = [await RawAgent.open('127.0.0.1'), await RawAgent.open('127.0.0.1')];
    daemon = await startCfgDaemon({ text: OPENSIPS(gateway.uri), json: { workers: 2, worker_spread: 'even' } });
    await until('both workers run it, and nobody else', async () => {
      const seen = new Set<string | undefined>();
      for (let i = 0; i < 16; i++) {
        caller.send(caller.request('OPTIONS', 'sip:x@example.com', { callId: `${Math.random()}` }), daemon.port);
        seen.add(headersOf((await caller.next('200')).text, 'x-process')[0]);
      }
      return seen.size === 2 && !seen.has(String(process.pid));
    });
  });

  after(async () => {
    caller?.close();
    gateway?.close();
    await daemon?.stop();
  });

  const mi = (name: string, params: Record<string, unknown> = {}): Promise<unknown> =>
    daemon.daemon.mi.execute(name, params);

  /** Starts calls until each worker has two of them; returns their Call-IDs by process. */
  const begin = async (user: string, begun: (callId: string) => Promise<string>): Promise<readonly string[]> => {
    const calls = new Map<string, string[]>();
    for (let i = 0; i < 60; i++) {
      const callId = `${user}${i}`;
      caller.send(caller.request('INVITE', `sip:${user}@example.com`, { callId }), daemon.port);
      const process = await begun(callId);
      calls.set(process, [...(calls.get(process) ?? []), callId]);
      if (calls.size === 2 && [...calls.values()].every(({ length }) => length >= 2)) break;
    }
    assert.equal(calls.size, 2, 'both workers have calls');
    return [...calls.values()].flat();
  };

  test('dlg_list shows each dialog once, whatever offsets and numbers the requests have', async () => {
    const calls = await begin('bob', async (callId) => {
      const invite = await gateway.next('INVITE');
      gateway.answer(invite, 200, 'OK');
      const more = routeLines((await caller.next('200')).text);
      caller.send(caller.request('ACK', gateway.uri, { callId, to: '<sip:b@b>;tag=tt', more }), daemon.port);
      await gateway.next('ACK');
      return headersOf(invite.text, 'x-process')[0] ?? '';
    });
    const seen: string[] = [];
    for (let index = 0; index <= calls.length; index += 3) {
      const part = (await mi('dlg_list', { index, counter: 3 })) as { count: number; Dialogs: { callid: string }[] };
      assert.equal(part.count, calls.length);
      assert.equal(part.Dialogs.length, Math.max(0, Math.min(3, calls.length - index)), `from ${index}`);
      seen.push(...part.Dialogs.map(({ callid }) => callid));
    }
    assert.deepEqual(seen.sort(), [...calls].sort());
    for (const callid of calls) {
      const { Dialog } = (await mi('dlg_list', { callid })) as { Dialog: { callid: string } };
      assert.equal(Dialog.callid, callid);
    }
  });

  test('t_uac_cancel cancels a call of any process, and t_hash counts the calls of all', async () => {
    const calls = await begin('ring', async () => {
      const invite = await gateway.next('INVITE');
      gateway.answer(invite, 180, 'Ringing');
      await caller.next('180');
      return headersOf(invite.text, 'x-process')[0] ?? '';
    });
    await until('t_hash counts them', async () => {
      const { Entries } = (await mi('t_hash')) as { Entries: { UAS: number; UAC: number }[] };
      const [{ UAS = 0, UAC = 0 } = {}] = Entries;
      return UAS >= calls.length && UAC >= calls.length;
    });
    for (const callid of calls) {
      assert.equal(await mi('t_uac_cancel', { callid, cseq: '1' }), 'OK');
      const { text } = await gateway.next('CANCEL');
      assert.deepEqual(headersOf(text, 'call-id'), [callid]);
    }
    await assert.rejects(mi('t_uac_cancel', { callid: 'nobody', cseq: '1' }), /No such transaction/);
  });

  test('t_reply answers the request with the given id, whichever process has it', async () => {
    const lines = new Map<string, string>();
    const calls = await begin('wait', async (callId) => {
      await until('its line', () => daemon.script.some((line) => line.includes(` ${callId} `)));
      const [id = '', , process = ''] = (daemon.script.find((line) => line.includes(` ${callId} `)) ?? '').split(' ');
      lines.set(callId, id);
      return process;
    });
    assert.equal(new Set(lines.values()).size, calls.length, 'no two have the same id');
    for (const callId of calls) {
      const params = { code: 486, reason: 'Busy Here', trans_id: lines.get(callId), to_tag: 'x', new_headers: '.' };
      assert.equal(await mi('t_reply', params), 'OK');
      assert.deepEqual(headersOf((await caller.next('486')).text, 'call-id'), [callId]);
    }
  });

  test('a listing does not wait for a worker that is stopped', async (t) => {
    type Listing = { readonly count: number; readonly Dialogs: readonly { readonly callid: string }[] };
    const range = { index: 0, counter: 1000 };
    const pids = () => workerPids(mi);
    const all = (await mi('dlg_list', range)) as Listing;
    const [standing = 0] = await pids();
    process.kill(standing, 'SIGSTOP');
    t.after(() => {
      try {
        process.kill(standing, 'SIGCONT');
      } catch {
        // It was killed in the end.
      }
    });
    const living = (await mi('dlg_list', range)) as Listing;
    assert.ok((await pids()).includes(standing), 'the answer came before the worker was killed');
    assert.equal(living.Dialogs.length, living.count);
    assert.ok(living.count > 0 && living.count < all.count, `${living.count} of ${all.count}`);
    assert.ok(daemon.log.some((line) => line.includes('a worker did not answer a command')));
  });
});
