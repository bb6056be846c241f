import type { MessageRun } from '../script/call.js';
import { PerCall } from '../script/per-call.js';
import { sendRaw } from './core.js';
import { code, type FunctionSpec, intOf, moduleFunctions, type ScriptFunction, textOf } from './define.js';
import { hostPort } from './host-port.js';
import { accepted, kamailioFunction } from './kamailio-function.js';

/** Marks of a message that functions set by name or number. */
const marks = new PerCall(() => new Set<string>());

/** Maximum number of marks of one message. */
const MAX_MARKS = 256;

/** Extended flags, by number. As recorded there are 64 of them. */
const extended = new PerCall(() => new Set<number>());

function extendedFlag(name: string, summary: string, go: (flags: Set<number>, flag: number) => boolean): FunctionSpec {
  return kamailioFunction(name, 'flag', summary, (run, [flag]) => {
    const number = intOf(flag, run, -1);
    return code(number >= 0 && number < 64 && go(extended.of(run.call), number));
  });
}

function marking(set: string, reset: string, test: string, kind: string, missing: number): FunctionSpec[] {
  return [
    kamailioFunction(set, 'flag', `sets ${kind}`, (run, [flag]) => {
      const all = marks.of(run.call);
      if (all.size < MAX_MARKS) all.add(`${kind} ${textOf(flag, run)}`);
      return 1;
    }),
    kamailioFunction(reset, 'flag', `resets ${kind}`, (run, [flag]) => {
      marks.of(run.call).delete(`${kind} ${textOf(flag, run)}`);
      return 1;
    }),
    kamailioFunction(test, 'flag', `whether ${kind} is set`, (run, [flag]) =>
      marks.of(run.call).has(`${kind} ${textOf(flag, run)}`) ? 1 : missing,
    ),
  ];
}

function recvSocket(run: MessageRun, text: string): number {
  const socket = run.env.socket(text);
  if (socket !== undefined) {
    run.pvars.receivedAddress = socket.address;
    run.pvars.receivedPort = socket.port;
  }
  return 1;
}

function sourceAddress(run: MessageRun, text: string): number {
  const found = hostPort(text);
  if (found === undefined) return -1;
  run.pvars.sourceAddress = found.host;
  // As recorded, 0 where the text has no port.
  run.pvars.sourcePort = found.port ?? 0;
  return 1;
}

const corex: FunctionSpec[] = [
  extendedFlag('setxflag', 'sets an extended flag', (flags, flag) => flags.add(flag).has(flag)),
  extendedFlag('resetxflag', 'resets an extended flag', (flags, flag) => !flags.delete(flag) || true),
  extendedFlag('isxflagset', 'whether an extended flag is set', (flags, flag) => flags.has(flag)),
  ...marking('msg_iflag_set', 'msg_iflag_reset', 'msg_iflag_is_set', 'an internal flag', -2),
  ...accepted('is_faked_msg is_incoming', '', -1, 'false: requests come from the network'),
  ...accepted('via_add_srvid via_add_xavp_params via_use_xavp_fields', 'mode', 1, 'accepted; our Via is not changed'),
  ...accepted('file_read file_write', 'file value', -1, 'false: a script reads and writes no files here'),
  ...accepted('forward_reply', '', 1, 'accepted: replies are forwarded'),
  ...accepted('sendx', 'uri socket text', -1, 'false: not done here'),
  ...accepted('send_data', 'uri text', -1, 'false: a script sends no text of its own'),
  kamailioFunction('is_socket_name', 'name', 'whether a socket has that name', (run, [name]) =>
    code(run.env.sockets.called(textOf(name, run)) !== undefined),
  ),
  kamailioFunction('set_recv_socket', 'socket', 'sets the receiving socket of the message', (run, [socket]) =>
    recvSocket(run, textOf(socket, run)),
  ),
  kamailioFunction(
    'set_recv_socket_name',
    'name',
    'sets the receiving socket of the message by its name',
    (run, [name]) => recvSocket(run, textOf(name, run)),
  ),
  kamailioFunction('set_source_address', 'address', 'sets the source address of the message', (run, [address]) =>
    sourceAddress(run, textOf(address, run)),
  ),
  ...(['udp', 'tcp'] as const).map((transport) =>
    kamailioFunction(`send_${transport}`, 'target?', 'sends the received request without our Via', (run, [target]) =>
      sendRaw(
        run,
        target === undefined
          ? (run.pvars.destinationUri ?? run.call.requestUri)
          : `${transport}:${textOf(target, run)}`,
      ),
    ),
  ),
];

const kex: FunctionSpec[] = [
  ...accepted('setdebug', 'level', 1, 'accepted; the log level is not changed'),
  ...accepted('resetdebug', '', 1, 'accepted'),
];

/** Functions of Kamailio's corex and kex. */
export const corexFunctions: ScriptFunction[] = [...moduleFunctions('corex', corex), ...moduleFunctions('kex', kex)];
