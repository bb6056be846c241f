import { trimmed } from '../../core/characters.js';
import type { MessageRun } from '../../script/call.js';
import {
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { dialogs } from '../dialog/state.js';
import { ACCOUNTED, type Accounted, accountingOf, recordOf, type WantedAccounting } from './account.js';
import type { Outlets } from './settings.js';

const KINDS = ['log', 'db', 'nats', 'evi'] as const;
type Kind = (typeof KINDS)[number];
const NOTHING: Outlets<boolean> = { log: false, db: false, nats: false, evi: false };

function words(text: string): string[] {
  return text
    .split('|')
    .map((each) => trimmed(each).toLowerCase())
    .filter((each) => each !== '');
}

function checkWords(known: readonly string[]): (constant: string | number) => string | undefined {
  return (constant) => {
    const wrong = words(String(constant)).find((each) => !known.includes(each));
    return wrong === undefined ? undefined : `"${wrong}" is not one of ${known.join(', ')}`;
  };
}

/** OpenSIPS' do_accounting. */
function doAccounting(run: MessageRun, kinds: string, flags: string, table: string | undefined): number {
  const context = accountingOf(run).context(run.call);
  const asked: WantedAccounting = (context.asked ??= {
    kinds: new Set(),
    missed: false,
    failed: false,
    cdr: false,
    table: undefined,
  });
  for (const each of words(kinds)) if (KINDS.includes(each as Kind)) asked.kinds.add(each as Kind);
  for (const each of words(flags)) {
    if (each === 'missed') asked.missed = true;
    else if (each === 'failed') asked.failed = true;
    else if (each === 'cdr') asked.cdr = true;
  }
  if (table !== undefined && table !== '') asked.table = table;
  return 1;
}

function dropAccounting(run: MessageRun, kinds: string, flags: string): number {
  const asked = accountingOf(run).peek(run.call)?.asked;
  if (asked === undefined) return -1;
  const types = words(kinds);
  const what = words(flags);
  if (what.length === 0) {
    if (types.length === 0) asked.kinds.clear();
    for (const each of types) asked.kinds.delete(each as Kind);
  }
  if (what.includes('missed')) asked.missed = false;
  if (what.includes('failed')) asked.failed = false;
  if (what.includes('cdr')) asked.cdr = false;
  return 1;
}

/** A comment argument may begin with a status: "404 Not Found". As recorded of Kamailio, "4040 x" is 404 with "0 x". */
function commented(run: MessageRun, comment: string): Accounted {
  const { call, env } = run;
  const kamailio = env.dialect === 'kamailio';
  const text = kamailio ? comment : trimmed(comment);
  const numbered = (kamailio ? /^\d{3}/ : /^\d{3}(?:[ \t\r\n]|$)/).test(text);
  const [status, reason] = numbered ? [Number(text.slice(0, 3)), trimmed(text.slice(3))] : [0, comment];
  return recordOf(ACCOUNTED, call.message, undefined, status, reason, env.clock.now(), '');
}

function atOnce(name: string, kinds: readonly Kind[], dialects?: FunctionSpec['dialects']): FunctionSpec {
  const outlets = { ...NOTHING, ...Object.fromEntries(kinds.map((each) => [each, true])) } as Outlets<boolean>;
  const table = kinds.includes('db');
  return {
    name,
    ...(dialects === undefined ? {} : { dialects }),
    parameters: [
      param('comment', 'string', { check: (text) => (text === '' ? 'a comment is expected' : undefined) }),
      ...(table ? [optional('table', 'string')] : []),
    ],
    routes: ['request', 'failure', 'onreply', 'branch', 'local', 'event', 'branch-failure'],
    summary: `writes a record of the request at once: ${kinds.join(', ')}`,
    compile:
      ([comment, into]) =>
      (run) => {
        const acc = accountingOf(run);
        acc.write(run, outlets, commented(run, textOf(comment, run)), textOf(into, run) || acc.settings.table);
        return 1;
      },
  };
}

/** Functions of acc. */
export const accFunctions: ScriptFunction[] = moduleFunctions('acc', [
  {
    name: 'do_accounting',
    dialects: OPENSIPS,
    parameters: [
      param('kinds', 'string', { check: checkWords([...KINDS, 'aaa', 'diameter', 'radius']) }),
      optional('flags', 'string', { check: checkWords(['cdr', 'missed', 'failed']) }),
      optional('table', 'string'),
    ],
    routes: ['request', 'branch', 'failure', 'onreply', 'local'],
    summary: 'accounts the transaction, or with cdr the whole call, to log, db, evi or nats',
    compile:
      ([kinds, flags, table]) =>
      (run) =>
        doAccounting(run, textOf(kinds, run), textOf(flags, run), table === undefined ? undefined : textOf(table, run)),
  },
  {
    name: 'drop_accounting',
    dialects: OPENSIPS,
    parameters: [optional('kinds', 'string'), optional('flags', 'string')],
    routes: ['request', 'branch', 'failure', 'onreply', 'local'],
    summary: 'undoes do_accounting()',
    compile:
      ([kinds, flags]) =>
      (run) =>
        dropAccounting(run, textOf(kinds, run), textOf(flags, run)),
  },
  {
    name: 'acc_new_leg',
    dialects: OPENSIPS,
    summary: 'starts another leg of the call for $acc_leg',
    compile: () => (run) => {
      accountingOf(run).newLeg(run.call);
      return 1;
    },
  },
  {
    name: 'acc_load_ctx_from_dlg',
    dialects: OPENSIPS,
    summary: 'uses the accounting values of the current dialog',
    compile: () => (run) => {
      if (!run.env.modules.loaded.has('dialog')) return -1;
      const dialog = run.env.modules.of(dialogs).of(run);
      const acc = accountingOf(run);
      const context = dialog === undefined ? undefined : acc.peek(dialog.call);
      if (context !== undefined) acc.share(run.call, context);
      return code(context !== undefined);
    },
  },
  {
    name: 'acc_unload_ctx_from_dlg',
    dialects: OPENSIPS,
    summary: 'accepted',
    compile: () => () => 1,
  },
  atOnce('acc_log_request', ['log']),
  atOnce('acc_db_request', ['db']),
  atOnce('acc_evi_request', ['evi'], OPENSIPS),
  atOnce('acc_nats_request', ['nats'], OPENSIPS),
  atOnce('acc_request', ['log', 'db'], KAMAILIO),
]);
