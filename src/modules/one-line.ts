import type { CallSite, CompiledArgument, FunctionClosure } from '../cfg/function-table.js';
import type { MessageRun } from '../script/call.js';
import { containsLineBreak } from '../script/outgoing.js';

type Arg = CompiledArgument<MessageRun>;

interface Compilable {
  readonly name: string;
  compile(args: readonly (Arg | undefined)[], site: CallSite): FunctionClosure<MessageRun>;
}

/**
 * Functions that write arguments into a header field or a line of SDP, with the indexes of these arguments (from 0).
 */
const WRITTEN: ReadonlyMap<string, readonly number[]> = new Map(
  `uac_replace_from/0,1 uac_replace_to/0,1 add_path/0,1 add_path_received/0,1 add_diversion/0,1,2 set_advertised_address/0
  set_advertised_port/0 fix_nated_contact/0 fix_nated_sdp/1 add_contact_alias/0,1,2 append_hf_value/1 insert_hf_value/1
  contact_param_encode/0,1 set_body/1 set_reply_body/1`
    .split(/[ \t\r\n]+/)
    .map((each) => {
      const [name = '', indexes = ''] = each.split('/');
      return [name, indexes.split(',').map(Number)];
    }),
);

/**
 * The same function, but it fails when a computed argument contains a line break, which would begin another line of the
 * message. A script that unescapes a peer's text must not let the peer write header fields. Constant arguments are not
 * checked.
 */
export function onOneLine<T extends Compilable>(spec: T): T {
  const indexes = WRITTEN.get(spec.name);
  if (indexes === undefined) return spec;
  return {
    ...spec,
    compile(args: readonly (Arg | undefined)[], site: CallSite) {
      const run = spec.compile(args, site);
      const computed = indexes
        .map((i) => args[i])
        .filter((arg): arg is Arg => arg !== undefined && arg.constant === undefined);
      if (computed.length === 0) return run;
      return (message) => (computed.some((arg) => containsLineBreak(arg.string(message))) ? -1 : run(message));
    },
  };
}

function breaksAtEnd(text: string): string {
  let at = text.length;
  while (at > 0 && (text[at - 1] === '\n' || text[at - 1] === '\r')) at--;
  return text.slice(at);
}

/** Functions that send a reply with a reason as their second argument. */
const ANSWERS = new Set(['sl_send_reply', 'sl_reply', 'send_reply', 'send_reply_mode', 't_reply', 't_send_reply']);

/**
 * The same function. As recorded, Kamailio sends a line break at the end of a reason in the file; a line break within
 * the reason or from a peer becomes a blank.
 */
export function withReasonEnd<T extends Compilable>(spec: T): T {
  if (!ANSWERS.has(spec.name)) return spec;
  return {
    ...spec,
    compile(args: readonly (Arg | undefined)[], site: CallSite) {
      const run = spec.compile(args, site);
      const end = breaksAtEnd(args[1]?.text ?? '');
      if (end === '' || site.dialect !== 'kamailio') return run;
      return (message) => {
        message.reasonEnd = end;
        const result = run(message);
        message.reasonEnd = '';
        return result;
      };
    },
  };
}
