import { trimmed } from '../core/characters.js';
import { parseUri } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
import type { CapturedMessage } from '../script/services.js';
import { code, moduleFunctions, type ScriptFunction, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';

/** What is traced: the message, its transaction or its dialog. */
export type Mode = 'm' | 't' | 'd';

const settings = {
  module: 'siptrace',
  create: (parameters: ModuleParameters) => ({
    on: parameters.flag('trace_on', false),
    flag: parameters.int('trace_flag', 0),
    /** trace_mode: whether every message is sent to the capture server. */
    all: (parameters.int('trace_mode', 0) & 1) !== 0,
  }),
};

/** Mode that sip_trace_mode() has set for a call. */
const modes = new PerCall((): Mode | undefined => undefined);

/** The mode that a text begins with; undefined for another text. */
export function modeOf(text: string): Mode | undefined {
  const letter = trimmed(text).charAt(0).toLowerCase();
  return letter === 'm' || letter === 't' || letter === 'd' ? letter : undefined;
}

/**
 * The capture server from "sip:10.1.1.2:5085;transport=tcp", in the form of switchyard.json; undefined when that is not
 * possible.
 */
function serverOf(text: string): string | undefined {
  const uri = parseUri(text);
  if (uri === undefined || uri.port === undefined) return undefined;
  const transport = /;transport=(udp|tcp|tls)\b/i.exec(uri.params)?.[1]?.toLowerCase() ?? 'udp';
  return `${transport}:${uri.host}:${uri.port}`;
}

/**
 * Sends the current message to a capture server (undefined: that of the settings), and from now on also the messages of
 * its transaction ("t"; an ACK has none) or its dialog ("d"). False where that is not possible.
 */
export function capture(run: MessageRun, scope: Mode, correlation: string, server: string | undefined): boolean {
  const { captures } = run.env.services;
  const { message } = run;
  if (captures === undefined) return false;
  const seen = currentMessage(run, correlation);
  const sent = seen === undefined || captures.send(seen, server);
  const follows = scope === 'd' || (scope === 't' && message.method !== 'ACK');
  if (follows && message.isRequest)
    captures.follow(message.callId, scope === 'd' ? undefined : `${message.cseqNumber} ${message.method}`);
  return sent;
}

/** The current message as it was received; undefined for a message that was not received from the network. */
function currentMessage({ message, source }: MessageRun, correlation: string): CapturedMessage | undefined {
  if (source === undefined) return undefined;
  const { socket, address, port } = source;
  return {
    text: message.text,
    direction: 'in',
    transport: socket.transport,
    local: { address: socket.address, port: socket.port },
    remote: { address, port },
    callId: correlation === '' ? message.callId : correlation,
  };
}

/**
 * As observed with 5.6.3, sends the message as received. For a request in mode "t" (also when the flag of trace_flag is
 * set) all messages of its transaction are sent too, in mode "d" those of its dialog.
 */
function trace(run: MessageRun, address: string, correlation: string, given: string): number {
  const { on, flag, all } = run.env.modules.of(settings);
  const { call } = run;
  if (!on || run.env.services.captures === undefined) return 1;
  const flagged = flag > 0 && flag < 32 && ((call.flags >>> flag) & 1) === 1;
  const mode = modeOf(given) ?? modes.known(call) ?? (flagged ? 't' : 'm');
  const server = address === '' ? undefined : serverOf(address);
  if (address !== '' && server === undefined) return -1;
  // With trace_mode 1 all messages are sent anyway.
  return code(capture(run, all ? 'm' : mode, correlation, server));
}

/** Functions of Kamailio's siptrace. */
export const siptraceFunctions: ScriptFunction[] = moduleFunctions('siptrace', [
  kamailioFunction(
    'sip_trace',
    'address? correlation? mode?',
    'sends the current message, its transaction or its dialog to the capture server',
    (run, [address, correlation, mode]) =>
      trace(run, textOf(address, run), textOf(correlation, run), textOf(mode, run)),
  ),
  kamailioFunction(
    'sip_trace_mode',
    'mode',
    'sets what sip_trace() sends: message, transaction or dialog',
    (run, [mode]) => {
      const wanted = modeOf(textOf(mode, run));
      if (wanted === undefined) return -1;
      modes.set(run.call, wanted);
      return 1;
    },
  ),
  kamailioFunction('hlog', 'text other?', 'sends a log line to the capture server', (run, [first, second]) => {
    const { captures } = run.env.services;
    if (captures === undefined) return -1;
    const [correlation, text] =
      second === undefined ? [run.message.callId, textOf(first, run)] : [textOf(first, run), textOf(second, run)];
    return code(captures.log(text, correlation));
  }),
]);
