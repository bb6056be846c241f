import type { MessageRun } from '../../script/call.js';
import {
  type FunctionSpec,
  intOf,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { rtpengineControl } from '../rtpengine/functions.js';
import { rtpproxyControl } from '../rtpproxy/functions.js';
import { type MediaControl, relayOf } from './relay.js';
import { engage } from './step.js';

const CONTROLS: ReadonlyMap<string, MediaControl> = new Map([
  ['rtpproxy', rtpproxyControl],
  ['rtpengine', rtpengineControl],
]);

/** rtpproxy_engage(): the flags and the address apply to both sides. */
function engageRtpproxy(run: MessageRun, flags: string, address: string, set: number): number {
  const relay = relayOf(run);
  for (const side of ['caller', 'callee'] as const) {
    relay?.assign(side, 'flags', flags, undefined);
    relay?.assign(side, 'ip', address, undefined);
  }
  return engage(run, rtpproxyControl, set);
}

const ofRtpproxy = ['rtpproxy_engage', 'engage_rtp_proxy'].map(
  (name): FunctionSpec => ({
    name,
    dialects: OPENSIPS,
    parameters: [
      optional('flags', 'string'),
      optional('address', 'string'),
      optional('set', 'string'),
      optional('socket', 'variable'),
      optional('result', 'variable'),
    ],
    routes: ['request', 'failure', 'branch'],
    summary:
      'relays the media of the call by rtpproxy until its dialog ends: all SDP of INVITE, ACK, UPDATE and their replies',
    compile:
      ([flags, address, set]) =>
      (run) =>
        engageRtpproxy(run, textOf(flags, run), textOf(address, run), Number(textOf(set, run)) || 0),
  }),
);

/** Functions that relay the media of a whole call. */
export const mediaRelayFunctions: ScriptFunction[] = [
  ...moduleFunctions('rtpproxy', ofRtpproxy),
  ...moduleFunctions('rtp_relay', [
    {
      name: 'rtp_relay_engage',
      dialects: OPENSIPS,
      parameters: [param('engine', 'string', { values: [...CONTROLS.keys()] }), optional('set', 'int')],
      routes: ['request', 'failure', 'branch'],
      summary:
        'relays the media of the call by rtpproxy or rtpengine until its dialog ends, with the settings of $rtp_relay',
      compile:
        ([engine, set]) =>
        (run) => {
          const name = textOf(engine, run);
          const control = CONTROLS.get(name);
          if (control === undefined || !run.env.modules.loaded.has(name))
            return run.refused('rtp_relay_engage', `module ${name.slice(0, 32)} is not loaded`);
          return engage(run, control, intOf(set, run, 0));
        },
    },
  ]),
];
