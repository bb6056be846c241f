import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { partitionOptions, row } from '../../support/partitions.js';
import { INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';

const SCRIPT = `
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) exit;
    xlog("refused\\n"); exit;
  }
  record_route();
  $du = "sip:192.0.2.7";
  t_relay();`;

const stops: (() => Promise<void>)[] = [];
after(() => Promise.all(stops.map((stop) => stop())));

function start(dialect: 'opensips' | 'kamailio', settings: Readonly<Record<string, unknown>>): ScriptRunner {
  const runner = startScript({ dialect, settings, script: SCRIPT });
  stops.push(() => runner.stop());
  return runner;
}

let serial = 0;

/** A BYE with a To tag and a Route, of the call with that Call-ID. */
function bye(route: string, callId: string): string {
  return INVITE.replaceAll('INVITE', 'BYE')
    .replace('z9hG4bK1', `z9hG4bKbye${serial++}`)
    .replace('a@a.example\r\n', `${callId}\r\n`)
    .replace('<sip:bob@b.example>', '<sip:bob@b.example>;tag=invented')
    .replace('Content-Length', `Route: ${route}\r\nContent-Length`)
    .replace('sip:bob@sw.example', 'sip:bob@198.51.100.9');
}

/** The target of a request, or the script's output. */
async function outcome(runner: ScriptRunner, text: string, source = '127.0.0.1'): Promise<string> {
  runner.lines.length = 0;
  runner.sent.length = 0;
  const [socket] = runner.daemon.sockets.all;
  assert.ok(socket);
  runner.daemon.layer.receive(text, { socket, address: source, port: 5070, flow: undefined });
  for (let i = 0; i < 200; i++) {
    const found = runner.lines[0] ?? runner.sent[0]?.address;
    if (found !== undefined) return found;
    await new Promise((done) => setTimeout(done, 5));
  }
  return 'nothing';
}

const PLAIN = '<sip:127.0.0.1;lr>';

for (const dialect of ['opensips', 'kamailio'] as const) {
  describe(`requests with a To tag under a file of ${dialect}`, () => {
    test('without foreign_dialogs any Route that names us is followed, as in the originals', async () => {
      const runner = start(dialect, {});
      assert.equal(await outcome(runner, bye(PLAIN, 'x@y')), '198.51.100.9');
      await outcome(runner, INVITE);
      const invite = runner.sent.find(({ address }) => address === '192.0.2.7')?.text ?? '';
      assert.doesNotMatch(invite, /;dt=/);
    });

    for (const foreign of ['known', 'refuse'] as const) {
      test(`foreign_dialogs "${foreign}": loose_route() follows only what record_route() wrote for that call`, async () => {
        const runner = start(dialect, { foreign_dialogs: foreign });
        assert.equal(await outcome(runner, bye(PLAIN, 'x@y')), 'refused');
        assert.equal(await outcome(runner, bye('<sip:192.0.2.200;lr>', 'x@y')), 'refused');
        assert.equal(await outcome(runner, bye('<sip:127.0.0.1;lr>,<sip:192.0.2.200;lr>', 'x@y')), 'refused');
        assert.equal(await outcome(runner, bye('<sip:127.0.0.1;lr;dt=AAAAAAAAAAAAAAAA>', 'x@y')), 'refused');
        await outcome(runner, INVITE);
        const invite = runner.sent.find(({ address }) => address === '192.0.2.7')?.text ?? '';
        const route = /^Record-Route: (<[^>]*>)/m.exec(invite)?.[1] ?? '';
        assert.match(route, /;dt=[\w-]{16}/);
        assert.equal(await outcome(runner, bye(route, 'a@a.example')), '198.51.100.9');
        assert.equal(await outcome(runner, bye(route, 'another@a.example')), 'refused');
      });
    }

    test('foreign_dialogs "refuse": the token of a call leads to no port of this machine from outside', async () => {
      const runner = start(dialect, { foreign_dialogs: 'refuse' });
      await outcome(runner, INVITE, '192.0.2.50');
      const invite = runner.sent.find(({ address }) => address === '192.0.2.7')?.text ?? '';
      const route = /^Record-Route: (<[^>]*>)/m.exec(invite)?.[1] ?? '';
      const from = async (source: string, text: string): Promise<string> => {
        runner.lines.length = 0;
        runner.sent.length = 0;
        const [socket] = runner.daemon.sockets.all;
        assert.ok(socket);
        runner.daemon.layer.receive(text, { socket, address: source, port: 5070, flow: undefined });
        await new Promise((done) => setTimeout(done, 20));
        return runner.lines[0] ?? runner.sent[0]?.address ?? 'nothing';
      };
      const inside = (text: string) => text.replace('sip:bob@198.51.100.9', 'sip:bob@127.0.0.1:9000');
      assert.equal(await from('192.0.2.50', bye(route, 'a@a.example')), '198.51.100.9');
      assert.equal(await from('192.0.2.50', inside(bye(route, 'a@a.example'))), 'refused');
      assert.equal(await from('192.0.2.50', bye(`${route},<sip:127.0.0.2:9000;lr>`, 'a@a.example')), 'refused');
      assert.equal(await from('127.0.0.3', inside(bye(route, 'a@a.example'))), '127.0.0.1');
    });

    test('foreign_dialogs "refuse": the token of a call leads to no gateway of a partition it has nothing to do with, nor by a name', async () => {
      const runner = start(dialect, { foreign_dialogs: 'refuse' });
      const other = runner.daemon.engine.addPartition(partitionOptions({ name: 'globex' }));
      other.load([row('sip:192.0.2.33:5080')], { inheritState: true });
      await outcome(runner, INVITE, '192.0.2.50');
      const invite = runner.sent.find(({ address }) => address === '192.0.2.7')?.text ?? '';
      const route = /^Record-Route: (<[^>]*>)/m.exec(invite)?.[1] ?? '';
      const [socket] = runner.daemon.sockets.all;
      assert.ok(socket);
      /** The target of a request from outside by its request-URI; "nothing" when it is rejected. */
      const sentFor = async (uri: string, more = ''): Promise<string> => {
        runner.lines.length = 0;
        runner.sent.length = 0;
        const text = bye(route + more, 'a@a.example').replace('sip:bob@198.51.100.9', uri);
        runner.daemon.layer.receive(text, { socket, address: '192.0.2.50', port: 5070, flow: undefined });
        const deadline = Date.now() + 10_000;
        const answered = () => runner.lines[0] ?? runner.sent[0]?.text.split('\r\n')[0];
        while (answered() === undefined && Date.now() < deadline) await new Promise((done) => setTimeout(done, 5));
        return answered() ?? 'nothing';
      };
      assert.match(await sentFor('sip:bob@198.51.100.9'), /^BYE sip:bob@198/);
      assert.equal(await sentFor('sip:bob@192.0.2.33:5080'), 'refused');
      assert.equal(await sentFor('sip:bob@192.0.2.33:5061'), 'refused');
      assert.equal(await sentFor('sip:bob@198.51.100.9', ',<sip:192.0.2.33;lr>'), 'refused');
      const status = dialect === 'opensips' ? 473 : 478;
      assert.match(await sentFor('sip:bob@localhost:9000'), new RegExp(`^SIP/2.0 ${status} `));
      assert.match(
        await sentFor('sip:bob@198.51.100.9', ',<sip:localhost:9000;lr>'),
        new RegExp(`^SIP/2.0 ${status} `),
      );
      assert.match(await sentFor('sip:bob@192.0.2.7'), /^BYE sip:bob@192.0.2.7 /);
    });

    test('foreign_dialogs "known" relays requests from a trusted source', async () => {
      const runner = start(dialect, { foreign_dialogs: 'known', limits: { trusted_sources: ['127.0.0.1'] } });
      assert.equal(await outcome(runner, bye(PLAIN, 'x@y')), '198.51.100.9');
    });
  });
}

test('kamailio: parameters that a script and dialog add to a preset Record-Route stand before "lr"', async () => {
  const script = `request_route {
  record_route_preset("proxy.example:5060;room=red");
  add_rr_param(";p=1");
  $du = "sip:127.0.0.1:6000";
  t_relay();
}`;
  const runner = startScript({ dialect: 'kamailio', head: 'modparam("rr", "append_fromtag", 1)', script });
  try {
    runner.receive(INVITE);
    const invite = () => runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text;
    for (let i = 0; i < 600 && invite() === undefined; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.match(
      invite() ?? '',
      /^Record-Route: <sip:proxy\.example:5060;room=red;ftag=ft;p=1(?:;dt=[\w-]+)?;lr(?:=on)?>\r$/m,
    );
  } finally {
    await runner.stop();
  }
});

test('kamailio: before loose_route() ftag has the From tag of the request, afterwards the tag of the caller', async () => {
  const relayed = async (script: string) => {
    const runner = startScript({ dialect: 'kamailio', script });
    stops.push(() => runner.stop());
    await outcome(runner, bye('<sip:127.0.0.1;lr;ftag=invented>', `ftag${serial}@x`));
    return /^Record-Route: .*;ftag=(\w+)/m.exec(runner.sent[0]?.text ?? '')?.[1];
  };
  assert.equal(await relayed('request_route { record_route(); loose_route(); t_relay(); }'), 'ft');
  assert.equal(await relayed('request_route { loose_route(); record_route(); t_relay(); }'), 'invented');
});
