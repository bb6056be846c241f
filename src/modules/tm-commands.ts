import { trimEnd, trimmed } from '../core/characters.js';
import { parseUri } from '../core/uri.js';
import { COMPACT_FORMS } from '../pvar/variables/script-headers.js';
import { CommandFault, first, type MiValue, type ScriptCommand } from '../script/commands.js';
import type { ScriptEnvironment } from '../script/environment.js';
import { sendOwn } from '../script/own-requests.js';
import type { TransactionState } from '../script/state.js';
import { reasonPhrase } from '../sip/reply.js';
import type { ServerTransaction } from '../sip/transaction/server.js';
import { hasId } from './suspended.js';

const module = 'tm';

/** Splits the header lines of a command: those with a known name by lower-case name, and the others as text. */
function linesOf(text: string): { readonly named: ReadonlyMap<string, string>; readonly rest: string } {
  const named = new Map<string, string>();
  let rest = '';
  for (const line of text.split(/\r?\n/)) {
    if (trimmed(line) === '') continue;
    const colon = line.indexOf(':');
    const name = trimEnd(line.slice(0, colon));
    const value = line.slice(colon + 1);
    if (colon < 0 || !/^[A-Za-z0-9-]+$/.test(name)) throw new CommandFault(400, 'Invalid headers');
    const lower = name.toLowerCase();
    const key = (name.length === 1 ? COMPACT_FORMS[lower] : undefined) ?? lower;
    if (/^(?:from|to|call-id|cseq)$/.test(key)) named.set(key, trimmed(value));
    // These are written anew.
    else if (!/^(?:content-length|via|max-forwards)$/.test(key)) rest += `${name}: ${trimmed(value)}\r\n`;
  }
  return { named, rest };
}

/** "." stands for an omitted parameter in commands without parameter names. */
function given(text: string | undefined): string | undefined {
  return text === undefined || text === '' || text === '.' ? undefined : text;
}

function send(env: ScriptEnvironment, params: Readonly<Record<string, string | undefined>>): Promise<MiValue> {
  const { method = '', ruri = '', headers = '', body } = params;
  if (!/^[A-Z]{1,32}$/.test(method)) throw new CommandFault(400, 'Invalid method');
  // Its final reply would need an ACK.
  if (/^(?:INVITE|ACK|CANCEL)$/.test(method)) throw new CommandFault(400, `${method} is not sent by a command`);
  if (parseUri(ruri) === undefined) throw new CommandFault(400, 'Invalid RURI');
  const nextHop = given(params['next_hop']);
  if (nextHop !== undefined && parseUri(nextHop) === undefined) throw new CommandFault(400, 'Invalid next-hop URI');
  const socket = given(params['socket']);
  if (socket !== undefined && env.socket(socket) === undefined) throw new CommandFault(404, 'Local socket not found');
  const { named, rest } = linesOf(headers);
  const [from, to] = [named.get('from'), named.get('to')];
  if (from === undefined || to === undefined) throw new CommandFault(400, 'headers have no From or no To');
  const cseq = Number(/^\d{1,9}/.exec(named.get('cseq') ?? '')?.[0] ?? 10);
  return new Promise((resolve, reject) => {
    const sent = sendOwn(
      env,
      {
        method,
        uri: ruri,
        nextHop,
        from,
        to,
        callId: named.get('call-id') ?? `${env.random.token(16)}@switchyard`,
        cseq,
        lines: rest,
        body: body ?? '',
        socket,
      },
      (code, reply) =>
        resolve({
          Status: `${code} ${reply?.reason ?? reasonPhrase(code)}`,
          ...(reply === undefined ? {} : { Message: reply.text }),
        }),
    );
    if (!sent) reject(new CommandFault(500, 'the request cannot be sent: no socket, or a name that is not resolved'));
  });
}

/** The script's transaction that owns a server transaction. */
function owner({ owner: of }: ServerTransaction): TransactionState | undefined {
  return of !== undefined && 'cancelBranches' in of ? (of as TransactionState) : undefined;
}

function pending(env: ScriptEnvironment, which: (each: ServerTransaction, of: TransactionState) => boolean) {
  for (const each of env.layer.pending()) {
    const of = owner(each);
    if (of !== undefined && which(each, of)) return of;
  }
  throw new CommandFault(404, 'No such transaction');
}

/** Management commands of tm of OpenSIPS. */
export const tmCommands: readonly ScriptCommand[] = [
  {
    module,
    mi: 't_uac_dlg',
    help: 'sends a new request and waits for its final reply',
    changes: true,
    parameters: ['method', 'ruri', 'next_hop', 'socket', 'headers', 'body'],
    required: 5,
    forms: [
      ['method', 'ruri', 'headers'],
      ['method', 'ruri', 'headers', 'next_hop'],
      ['method', 'ruri', 'headers', 'socket'],
      ['method', 'ruri', 'headers', 'body'],
      ['method', 'ruri', 'headers', 'next_hop', 'body'],
      ['method', 'ruri', 'headers', 'socket', 'body'],
      ['method', 'ruri', 'next_hop', 'socket', 'headers'],
      ['method', 'ruri', 'next_hop', 'socket', 'headers', 'body'],
    ],
    run: send,
  },
  {
    module,
    mi: 't_uac_cancel',
    help: 'cancels an INVITE that waits for its final reply',
    changes: true,
    joined: first,
    parameters: ['callid', 'cseq'],
    required: 2,
    run(env, { callid, cseq }) {
      const number = Number(/^[ \t\r\n]*\d{1,10}/.exec(cseq ?? '')?.[0] ?? Number.NaN);
      const found = pending(
        env,
        ({ request }, { invite }) => invite && request?.callId === callid && request?.cseqNumber === number,
      );
      found.cancelBranches('');
      return 'OK';
    },
  },
  {
    module,
    mi: 't_hash',
    help: 'shows the number of transactions',
    changes: false,
    parameters: [],
    required: 0,
    run: ({ layer }) => ({
      Entries: [
        { ID: 0, Current: layer.serverCount + layer.clientCount, UAS: layer.serverCount, UAC: layer.clientCount },
      ],
    }),
  },
  {
    module,
    mi: 't_reply',
    help: 'answers a request whose transaction waits, named by $T_id',
    changes: true,
    joined: first,
    parameters: ['code', 'reason', 'trans_id', 'to_tag', 'new_headers', 'body'],
    required: 5,
    forms: [
      ['code', 'reason', 'trans_id', 'to_tag'],
      ['code', 'reason', 'trans_id', 'to_tag', 'new_headers'],
      ['code', 'reason', 'trans_id', 'to_tag', 'new_headers', 'body'],
    ],
    run(env, { code: status = '', reason = '', trans_id: id = '', new_headers: headers, body = '' }) {
      const code = Number(status);
      if (!/^[1-6]\d\d$/.test(status)) throw new CommandFault(400, 'Invalid code');
      const [index, label] = id.split(/[.:]/).map((each) => Number.parseInt(each, 16));
      const found = pending(env, (_each, of) => hasId(of, index, label));
      const lines = given(headers);
      const text = lines === undefined ? '' : `${trimEnd(lines)}\r\n`;
      if (!found.reply(code, reason.replace(/[\r\n]/g, ' '), text, body))
        throw new CommandFault(500, 'it has its final reply');
      return 'OK';
    },
  },
];
