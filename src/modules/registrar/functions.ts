import { trimmed } from '../../core/characters.js';
import { addrSpecOf } from '../../core/name-addr.js';
import type { VariableDefinition } from '../../pvar/variables/definition.js';
import type { MessageRun } from '../../script/call.js';
import { PerCall } from '../../script/per-call.js';
import { isToken } from '../../sip/parse-message.js';
import {
  type Arg,
  type Args,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { scopeOf } from '../script-variable.js';
import type { Binding } from './contact.js';
import { isRegistered, lookup, unregister, withContacts } from './lookup.js';
import { save } from './save.js';
import { sendSaved } from './saved-reply.js';

/** Contacts that reg_fetch_contacts() has fetched, or that an event is about, by the name the script gives. */
export interface FetchedContacts {
  readonly table: string;
  readonly list: readonly Binding[];
}

/** Contacts that a message has fetched. */
export const fetched = new PerCall(() => new Map<string, FetchedContacts>());
/** Maximum number of names under which one message may fetch contacts. */
const MAX_FETCHED = 16;

const TABLE = param('table', 'string');
const URI = optional('uri', 'string');

/** The URI argument of a call; when it is omitted, the request-URI. */
function uriOf(run: MessageRun, uri: Arg | undefined): string {
  const given = textOf(uri, run);
  if (given === '') return run.call.requestUri;
  // Without brackets it is a URI alone, whose user may contain ";" (RFC 3261 section 25.1).
  return given.includes('<') ? addrSpecOf(given) : given;
}

function registrarFunction(
  name: string,
  parameters: NonNullable<FunctionSpec['parameters']>,
  summary: string,
  body: (run: MessageRun, args: Args) => number | Promise<number>,
): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    waits: true,
    parameters,
    summary,
    compile: (args) => (run) => body(run, args),
  };
}

const specs: FunctionSpec[] = [
  {
    ...registrarFunction(
      'save',
      [TABLE, optional('flags', 'literal', { check: flagsFault }), URI],
      'registers the contacts of a REGISTER and answers it; flags: 1 in memory only, 2 without an answer, 4 in place of all others',
      (run, [table, flags, uri]) => {
        const given = textOf(uri, run);
        return save(run, textOf(table, run), bits(flags), given === '' ? undefined : addrSpecOf(given));
      },
    ),
  },
  {
    ...registrarFunction('reg_send_reply', [], 'sends the reply of save() with flag 2', (run) => sendSaved(run)),
    waits: false,
  },
  registrarFunction(
    'lookup',
    [TABLE, URI],
    'puts registered contacts in place of the request-URI, by q: 1; -1 for none, -2 for none that takes the method',
    (run, [table, uri]) => lookup(run, textOf(table, run), uriOf(run, uri), false),
  ),
  registrarFunction('lookup_to_dset', [TABLE, URI], 'adds registered contacts as branches', (run, [table, uri]) =>
    lookup(run, textOf(table, run), uriOf(run, uri), true),
  ),
  registrarFunction(
    'lookup_branches',
    [TABLE],
    'puts registered contacts in place of the request-URI and of all branches',
    async (run, [table]) => {
      const others = run.call.branches.splice(0);
      const result = await lookup(run, textOf(table, run), run.call.requestUri, false);
      for (const each of others) await lookup(run, textOf(table, run), each.uri, true);
      return result;
    },
  ),
  registrarFunction(
    'registered',
    [TABLE, URI, optional('flags', 'int'), optional('action', 'int')],
    'whether somebody is registered',
    (run, [table, uri, flags]) => isRegistered(run, textOf(table, run), uriOf(run, uri), intOf(flags, run, 0)),
  ),
  registrarFunction(
    'unregister',
    [TABLE, param('uri', 'string'), optional('ruid', 'string')],
    'removes the contacts of a user, or the one with a ruid',
    (run, [table, uri, ruid]) =>
      unregister(run, textOf(table, run), uriOf(run, uri), ruid === undefined ? undefined : textOf(ruid, run)),
  ),
  registrarFunction(
    'reg_fetch_contacts',
    [TABLE, param('uri', 'string'), param('name', 'string')],
    'fetches the contacts of a user for $ulc(name=>...)',
    (run, [table, uri, name]) => {
      const from = textOf(table, run);
      const key = textOf(name, run);
      const kept = fetched.of(run.call);
      kept.delete(key);
      return withContacts(run, from, uriOf(run, uri), -1, (list) => {
        if (list.length === 0 || kept.size >= MAX_FETCHED) return -1;
        kept.set(key, { table: from, list });
        return 1;
      });
    },
  ),
  {
    ...registrarFunction(
      'reg_free_contacts',
      [param('name', 'string')],
      'removes the fetched contacts',
      (run, [name]) => {
        fetched.of(run.call).delete(textOf(name, run));
        return 1;
      },
    ),
    waits: false,
  },
  {
    ...registrarFunction(
      'add_sock_hdr',
      [param('name', 'string')],
      'adds a header field with the socket that received the request',
      (run, [name]) => {
        const { transport, sentBy } = run.source.socket;
        const field = textOf(name, run);
        if (!isToken(field)) return -1;
        run.edits.insert(run.message.headersEnd, `${field}: ${transport}:${sentBy}\r\n`);
        return 1;
      },
    ),
    waits: false,
  },
];

/** Flags of save(), a decimal or hexadecimal number. */
function bits(flags: Arg | undefined): number {
  return flags === undefined || flags.text === '' ? 0 : Number(flags.text);
}

function flagsFault(value: string | number): string | undefined {
  return /^(?:0x[\da-f]{1,8}|\d{0,9})$/i.test(String(value)) ? undefined : `flags "${value}" are not a number`;
}

const FIELDS: Readonly<Record<string, (of: FetchedContacts, contact: Binding) => string | number | null>> = {
  aor: (_of, { aor }) => aor,
  domain: ({ table }) => table,
  aorhash: () => 0,
  addr: (_of, { uri }) => uri,
  path: (_of, { path }) => path ?? '',
  received: (_of, { received }) => received ?? '',
  expires: (_of, { expires }) => expires,
  callid: (_of, { callId }) => callId,
  q: (_of, { q }) => q,
  cseq: (_of, { cseq }) => cseq,
  flags: (_of, { flags }) => flags,
  cflags: (_of, { cflags }) => cflags,
  user_agent: (_of, { userAgent }) => userAgent,
  socket: (_of, { socket }) => socket ?? '',
  modified: (_of, { modified }) => modified,
  methods: (_of, { methods }) => methods,
  count: ({ list }) => list.length,
  ruid: (_of, { ruid }) => ruid,
  regid: (_of, { regId }) => regId,
  conid: (_of, { connection }) => connection?.number ?? null,
};

/** $ulc(name=>field) for fetched contacts. */
const ulc: VariableDefinition = {
  argument: 'required',
  indexed: true,
  compile: (argument, index) => {
    const [name = '', field = ''] = (argument?.constant ?? '').split('=>').map((each) => trimmed(each));
    const read = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined;
    if (read === undefined) throw new Error(`no attribute "${field}" of a contact`);
    return {
      get: (context) => {
        const { call } = scopeOf(context);
        const found = call === undefined ? undefined : fetched.known(call)?.get(name);
        if (found === undefined) return null;
        // As recorded, a negative index means the first.
        const at = index?.kind === 'at' ? Math.max(0, index.read(context)) : 0;
        const contact = found.list[at];
        return contact === undefined ? null : read(found, contact);
      },
    };
  },
};

/** Variables of registrar. */
export const registrarVariables: readonly [string, VariableDefinition][] = [['ulc', ulc]];

/** Functions of Kamailio's registrar. */
export const registrarFunctions: ScriptFunction[] = moduleFunctions('registrar', specs);
