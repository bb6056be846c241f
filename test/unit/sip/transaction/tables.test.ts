import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClientFailure, ClientTransaction, InviteClient } from '../../../../src/sip/transaction/client.js';
import type { ServerTransaction } from '../../../../src/sip/transaction/server.js';
import { layerFixture, parsed, replyTo, requestText, sourceOf } from '../../../support/sip-recorder.js';

/**
 * The state machines of RFC 3261 section 17 over UDP, with the accepted states of RFC 6026, as tables: in a state,
 * which `before` reaches, an input leads to sent messages, a report and the next state. "-" is none. 64*T1 is 32 s.
 */
type Row = readonly [state: string, before: string, input: string, sends: string, reports: string, next: string];

/**
 * Inputs: a status code is a received reply (client) or one sent by the application (server); a number is elapsed
 * seconds.
 */
const INVITE_CLIENT: readonly Row[] = [
  ['calling', '', '0.6s', 'INVITE', '-', 'calling'], // Timer A, 17.1.1.2
  ['calling', '', '5s', 'INVITE INVITE INVITE', 'timeout', 'calling'], // Timer B; stays for a late 2xx
  ['calling', '', 'cancel', '-', '-', 'calling'], // 9.1: not before a provisional reply
  ['calling', '', '180', '-', '180', 'proceeding'],
  ['calling', 'cancel', '180', 'CANCEL', '180', 'proceeding'],
  ['calling', '', '200', '-', '200', 'accepted'], // RFC 6026 7.2
  ['calling', '', '486', 'ACK', '486', 'completed'],
  ['calling', '', 'unreachable', '-', 'transport', 'terminated'],
  ['calling', '5s', '200', '-', '200', 'accepted'],
  ['calling', '5s', '180', 'CANCEL', '-', 'proceeding'],
  ['calling', '5s', '486', 'ACK', '-', 'completed'],
  ['proceeding', '180', '183', '-', '183', 'proceeding'],
  ['proceeding', '180', '120.1s', 'CANCEL', 'timeout', 'proceeding'], // Timer C, 16.8
  ['proceeding', '180', 'cancel', 'CANCEL', '-', 'proceeding'], // 9.1
  ['proceeding', '180 cancel', '33s', 'CANCEL CANCEL CANCEL', 'timeout', 'terminated'], // 9.1: no 487 within 64*T1; copies of the CANCEL
  ['proceeding', '180 cancel', '200', '-', '200', 'accepted'],
  ['proceeding', '180', '200', '-', '200', 'accepted'],
  ['proceeding', '180', '603', 'ACK', '603', 'completed'],
  ['completed', '486', '486', 'ACK', '-', 'completed'],
  ['completed', '486', '180', '-', '-', 'completed'],
  ['completed', '486', '33s', '-', '-', 'terminated'], // Timer D
  ['accepted', '200', '200', '-', '200', 'accepted'],
  ['accepted', '200', '486', '-', '-', 'accepted'],
  ['accepted', '200', '33s', '-', '-', 'terminated'], // Timer M
];

const NON_INVITE_CLIENT: readonly Row[] = [
  ['trying', '', '0.6s', 'OPTIONS', '-', 'trying'], // Timer E, 17.1.2.2
  ['trying', '', '5.1s', 'OPTIONS OPTIONS OPTIONS', 'timeout', 'terminated'], // Timer F
  ['trying', '', '100', '-', '100', 'proceeding'],
  ['trying', '', '200', '-', '200', 'completed'],
  ['trying', '', 'unreachable', '-', 'transport', 'terminated'],
  ['proceeding', '100', '183', '-', '183', 'proceeding'],
  ['proceeding', '100', '404', '-', '404', 'completed'],
  ['proceeding', '100', '5.1s', 'OPTIONS OPTIONS', 'timeout', 'terminated'], // Timer E is T2 by then
  ['completed', '200', '200', '-', '-', 'completed'], // Timer K absorbs copies
];

const INVITE_SERVER: readonly Row[] = [
  ['trying', '', 'copy', '-', '-', 'trying'], // 17.2.1
  ['trying', '', '100', '100', '-', 'proceeding'],
  ['trying', '', '200', '200', '-', 'accepted'], // RFC 6026 7.1
  ['trying', '', '486', '486', '-', 'completed'],
  ['proceeding', '180', 'copy', '180', '-', 'proceeding'],
  ['proceeding', '180', '183', '183', '-', 'proceeding'],
  ['proceeding', '180', '200', '200', '-', 'accepted'],
  ['proceeding', '180', '503', '503', '-', 'completed'],
  ['accepted', '200', 'copy', '-', '-', 'accepted'],
  ['accepted', '200', '200', '200', '-', 'accepted'], // a further 2xx of the callee
  ['accepted', '200', '486', '-', '-', 'accepted'],
  ['accepted', '200', 'ack', '-', 'ack', 'accepted'], // the ACK for a 2xx goes up
  ['completed', '486', '0.6s', '486', '-', 'completed'], // Timer G
  ['completed', '486', 'copy', '486', '-', 'completed'],
  ['completed', '486', '200', '-', '-', 'completed'],
  ['completed', '486', 'ack', '-', '-', 'confirmed'],
  ['completed', '486', '33s', 'many', '-', 'terminated'], // Timer H
  ['confirmed', '486 ack', 'ack', '-', '-', 'confirmed'], // Timer I absorbs copies
  ['confirmed', '486 ack', 'copy', '-', '-', 'confirmed'],
];

const NON_INVITE_SERVER: readonly Row[] = [
  ['trying', '', 'copy', '-', '-', 'trying'], // 17.2.2
  ['trying', '', '3.6s', '100', '-', 'proceeding'], // RFC 4320 4.1
  ['trying', '', '200', '200', '-', 'completed'],
  ['proceeding', '100', 'copy', '100', '-', 'proceeding'],
  ['proceeding', '100', '404', '404', '-', 'completed'],
  ['completed', '200', 'copy', '200', '-', 'completed'], // until Timer J
  ['completed', '200', '404', '-', '-', 'completed'],
];

/** One transaction under test. */
interface Machine {
  readonly state: string;
  readonly sent: () => readonly string[];
  readonly reported: readonly string[];
  input(word: string): void;
}

function client(method: 'INVITE' | 'OPTIONS'): Machine {
  const { layer, udp, clock } = layerFixture();
  const reported: string[] = [];
  const branch = layer.branches.make('x', 'call-1@example.org');
  const text = requestText({ method, via: `SIP/2.0/UDP 127.0.0.1:5060;branch=${branch.text}` });
  const target = { socket: udp, address: '192.0.2.7', port: 5060, serverName: undefined };
  const user = {
    onReply: (_: ClientTransaction, { status }: { status: number }) => void reported.push(String(status)),
    onFailure: (_: ClientTransaction, { kind }: ClientFailure) => void reported.push(kind),
  };
  const transaction = layer.request(text, method === 'INVITE', branch, target, user);
  return {
    get state() {
      return transaction.state;
    },
    sent: () => udp.sent.map((each) => each.text.split(' ')[0] as string),
    reported,
    input(word) {
      if (word === 'cancel') (transaction as InviteClient).cancel();
      else if (word === 'unreachable') udp.sent[0]?.fail({ cause: 'refused', message: 'refused' });
      else if (word.endsWith('s')) clock.advance(Number.parseFloat(word) * 1000);
      else layer.receive(replyTo(text, Number(word), 'callee'), sourceOf(udp, '192.0.2.7'));
    },
  };
}

function server(method: 'INVITE' | 'OPTIONS'): Machine {
  const { layer, udp, clock, recorded } = layerFixture();
  const source = sourceOf(udp, '192.0.2.1', 5060);
  const text = requestText({ method });
  layer.receive(text, source);
  const before = recorded.length;
  const transaction: ServerTransaction = layer.serve(parsed(text), source);
  return {
    get state() {
      return transaction.state;
    },
    sent: () => udp.lines,
    get reported() {
      return recorded.slice(before).map(({ kind }) => kind);
    },
    input(word) {
      if (word === 'copy') layer.receive(text, source);
      else if (word === 'ack')
        layer.receive(requestText({ method: 'ACK', toTag: layer.localTag(parsed(text)) }), source);
      else if (word.endsWith('s')) clock.advance(Number.parseFloat(word) * 1000);
      else transaction.reply(replyTo(text, Number(word), 'callee'), Number(word));
    },
  };
}

function walk(name: string, rows: readonly Row[], create: () => Machine): void {
  describe(name, () => {
    for (const [state, before, input, sends, reports, next] of rows) {
      test(`${state}${before === '' ? '' : ` (${before})`}: ${input} -> ${sends} | ${reports} | ${next}`, () => {
        const machine = create();
        for (const each of before.split(' ').filter((word) => word !== '')) machine.input(each);
        assert.equal(machine.state, state);
        const [sent, reported] = [machine.sent().length, machine.reported.length];
        machine.input(input);
        const out = machine.sent().slice(sent);
        if (sends === 'many') assert.ok(out.length > 5);
        else assert.equal(out.join(' ') || '-', sends);
        assert.equal(machine.reported.slice(reported).join(' ') || '-', reports);
        assert.equal(machine.state, next);
      });
    }
  });
}

walk('INVITE client transaction (17.1.1)', INVITE_CLIENT, () => client('INVITE'));
walk('non-INVITE client transaction (17.1.2)', NON_INVITE_CLIENT, () => client('OPTIONS'));
walk('INVITE server transaction (17.2.1)', INVITE_SERVER, () => server('INVITE'));
walk('non-INVITE server transaction (17.2.2)', NON_INVITE_SERVER, () => server('OPTIONS'));
