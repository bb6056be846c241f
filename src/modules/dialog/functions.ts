import type { RouteKind } from '../../cfg/ast.js';
import { addrSpecOf } from '../../core/name-addr.js';
import type { MessageRun } from '../../script/call.js';
import { beginTransaction } from '../../script/relay.js';
import { routeSet } from '../../sip/route-set.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from '../define.js';
import { flagBit } from '../flags.js';
import type { Dialog } from './dialog.js';
import { type DialogTable, dialogs } from './table.js';

/** The dialogs of the script that runs. */
export function tableOf(run: Pick<MessageRun, 'env'>): DialogTable {
  return run.env.modules.of(dialogs);
}

/** The dialog of the message at hand. */
export function dialogOf(run: MessageRun): Dialog | undefined {
  return tableOf(run).of(run);
}

function withDialog(act: (dialog: Dialog, run: MessageRun) => number): (run: MessageRun) => number {
  return (run) => {
    const dialog = dialogOf(run);
    return dialog === undefined ? -1 : act(dialog, run);
  };
}

const REQUESTS: readonly RouteKind[] = ['request', 'branch', 'failure', 'onreply', 'local', 'event', 'branch-failure'];

/** OpenSIPS' create_dialog: the transaction begins with it. */
function createDialog(run: MessageRun, flags: string): number {
  const { message } = run.call;
  if (message.method !== 'INVITE' || message.toTag !== '') return -1;
  const table = tableOf(run);
  table.wishes(run.call).bye ||= /B/.test(flags);
  const dialog = table.begin(run);
  if (dialog === undefined) return -1;
  if (/B/.test(flags)) dialog.byeOnTimeout = true;
  if (run.transaction === undefined && beginTransaction(run) === undefined) return 0;
  table.follow(run, dialog);
  return 1;
}

/** The dialog of a request without our Route. */
function matchDialog(run: MessageRun): number {
  const table = tableOf(run);
  if (table.of(run) !== undefined) return 1;
  const { message } = run.call;
  const dialog = message.toTag === '' ? undefined : table.findCall(message.callId, message.fromTag, message.toTag);
  if (dialog === undefined) return -1;
  table.taken(run, dialog);
  return 1;
}

/** validate_dialog: -1 the number of the request is not above the last, -2 its URI is not the other side's Contact, -3 its routes are not those recorded, -4 no dialog. */
function validateDialog(run: MessageRun): number {
  const dialog = dialogOf(run);
  if (dialog === undefined) return -4;
  const { message } = run.call;
  if (message.method === 'ACK') return 1;
  if (message.cseqNumber <= dialog.lastCseq) return -1;
  const other = dialog.leg(dialog.direction === 'caller' ? 'callee' : 'caller');
  if (other.contact !== '' && plainUri(run.call.requestUri) !== plainUri(other.contact)) return -2;
  const own = run.call.matchedRouteParams === undefined ? 0 : /;r2\b/.test(run.call.matchedRouteParams) ? 2 : 1;
  const routes = routeSet(message).slice(own);
  if (routes.length !== other.route.length) return -3;
  return routes.every(({ text }, i) => (other.route[i] ?? '').includes(text)) ? 1 : -3;
}

function plainUri(uri: string): string {
  return uri.replace(/^<|>$/g, '').split(';')[0]?.toLowerCase() ?? '';
}

/** fix_route_dialog: the request goes where the dialog says, whatever its sender wrote. */
function fixRoute(run: MessageRun): number {
  const dialog = dialogOf(run);
  if (dialog === undefined) return -1;
  const other = dialog.leg(dialog.direction === 'caller' ? 'callee' : 'caller');
  if (other.contact === '') return -1;
  run.pvars.setRequestUri(other.contact);
  const [next] = other.route;
  run.pvars.destinationUri = next === undefined ? undefined : addrSpecOf(next);
  return 1;
}

/** Profiles a request is put into before its dialog begins. */
const MOST_WISHED = 32;

/** dlg_set_timeout_by_profile: what is not confirmed yet keeps its lifetime. */
function timeoutOf(run: MessageRun, profile: string, value: string | undefined, seconds: number): number {
  const table = tableOf(run);
  if (!table.profiles.has(profile) || seconds <= 0) return -1;
  for (const dialog of table.profiles.members(profile, value)) {
    if (dialog.answered !== 0) table.setLifetime(run, dialog, seconds * 1000);
  }
  return 1;
}

/** Functions of profiles; "size" takes the variable last, with or without the value before it. */
function profileFunctions(): FunctionSpec[] {
  const name = param('profile', 'string');
  const value = optional('value', 'string');
  const given = (arg: Arg | undefined, run: MessageRun): string | undefined =>
    arg === undefined ? undefined : arg.string(run);
  const size =
    (profile: Arg | undefined, of: Arg | undefined, result: Arg | undefined) =>
    (run: MessageRun): number => {
      const { profiles } = tableOf(run);
      const wanted = textOf(profile, run);
      const count = profiles.size(wanted, of?.text === '' ? undefined : given(of, run));
      if (count === undefined) return -1;
      if (of === undefined && run.env.dialect === 'kamailio' && profiles.hasValues(wanted)) return -1;
      result?.variable?.assign(run.pvars, count);
      return 1;
    };
  const sizes = (dialects: FunctionSpec['dialects']): FunctionSpec[] => [
    {
      name: 'get_profile_size',
      ...(dialects === undefined ? {} : { dialects }),
      parameters: [name, optional('value', 'string'), param('result', 'writable')],
      summary: 'how many dialogs a profile has',
      compile: ([profile, of, result]) => size(profile, of, result),
    },
    {
      name: 'get_profile_size',
      ...(dialects === undefined ? {} : { dialects }),
      parameters: [name, param('result', 'writable')],
      summary: 'how many dialogs a profile has',
      compile: ([profile, result]) => size(profile, undefined, result),
    },
  ];
  return [
    {
      name: 'set_dlg_profile',
      parameters: [name, value, optional('clear', 'int')],
      routes: REQUESTS,
      summary: 'counts the dialog in a profile',
      compile:
        ([profile, of]) =>
        (run) => {
          const table = tableOf(run);
          const dialog = dialogOf(run);
          if (dialog !== undefined) return code(table.profiles.add(dialog, textOf(profile, run), given(of, run)));
          if (run.env.dialect !== 'kamailio') return -1;
          // Kept until the dialog begins.
          const { profiles } = table.wishes(run.call);
          if (profiles.length < MOST_WISHED) profiles.push({ profile: textOf(profile, run), value: given(of, run) });
          return 1;
        },
    },
    {
      name: 'unset_dlg_profile',
      parameters: [name, value],
      routes: REQUESTS,
      summary: 'counts the dialog in a profile no longer',
      compile: ([profile, of]) =>
        withDialog((dialog, run) =>
          // Kamailio does not do it in a request route.
          run.env.dialect === 'kamailio' && run.routeKind === 'request'
            ? -1
            : code(tableOf(run).profiles.remove(dialog, textOf(profile, run), given(of, run))),
        ),
    },
    {
      name: 'is_in_profile',
      parameters: [name, value],
      routes: REQUESTS,
      summary: 'whether the dialog counts in a profile',
      compile: ([profile, of]) =>
        withDialog((dialog, run) => {
          const { profiles } = tableOf(run);
          const wanted = textOf(profile, run);
          if (of === undefined && run.env.dialect === 'kamailio' && profiles.hasValues(wanted)) return -1;
          return code(profiles.includes(dialog, wanted, given(of, run)));
        }),
    },
    ...sizes(undefined),
  ];
}

function flagFunctions(
  names: Readonly<Record<'set' | 'reset' | 'test', readonly [string, FunctionSpec['dialects']][]>>,
): FunctionSpec[] {
  return (['set', 'reset', 'test'] as const).flatMap((act) =>
    names[act].map(
      ([name, dialects]): FunctionSpec => ({
        name,
        ...(dialects === undefined ? {} : { dialects }),
        parameters: [param('flag', 'flag')],
        routes: REQUESTS,
        summary: act === 'test' ? 'whether a flag of the dialog is set' : `${act}s a flag of the dialog`,
        compile: ([flag]) => {
          const bit = 1 << flagBit((flag as Arg).text);
          return (run) => {
            const dialog = dialogOf(run);
            const holder = dialog ?? (run.env.dialect === 'kamailio' ? tableOf(run).wishes(run.call) : undefined);
            if (holder === undefined) return -1;
            if (act === 'set') holder.flags |= bit;
            else if (act === 'reset') holder.flags &= ~bit;
            return act === 'test' ? code((holder.flags & bit) !== 0) : 1;
          };
        },
      }),
    ),
  );
}

const opensips: FunctionSpec[] = [
  {
    name: 'set_dlg_sharing_tag',
    dialects: OPENSIPS,
    parameters: [param('tag', 'string')],
    routes: ['request'],
    summary: 'accepted, when there is a dialog: dialogs are not shared by nodes',
    compile: () => withDialog(() => 1),
  },
  {
    name: 'create_dialog',
    dialects: OPENSIPS,
    parameters: [optional('flags', 'string')],
    routes: ['request'],
    summary: 'keeps the dialog the INVITE begins; B: it is ended by BYE when its lifetime is over',
    compile:
      ([flags]) =>
      (run) =>
        createDialog(run, textOf(flags, run)),
  },
  {
    name: 'match_dialog',
    dialects: OPENSIPS,
    parameters: [optional('mode', 'string')],
    routes: ['request'],
    summary: 'finds the dialog of a request that has no Route of ours',
    compile: () => matchDialog,
  },
  {
    name: 'validate_dialog',
    dialects: OPENSIPS,
    routes: ['request'],
    summary: 'whether number, URI and routes of a request fit its dialog',
    compile: () => validateDialog,
  },
  {
    name: 'fix_route_dialog',
    dialects: OPENSIPS,
    routes: ['request'],
    summary: 'sends a request where its dialog says',
    compile: () => fixRoute,
  },
  {
    name: 'store_dlg_value',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('value', 'string')],
    routes: REQUESTS,
    summary: 'keeps a value with the dialog',
    compile: ([name, value]) =>
      withDialog((dialog, run) => code(dialog.setValue(textOf(name, run), value?.value(run) ?? ''))),
  },
  {
    name: 'fetch_dlg_value',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('result', 'writable')],
    routes: REQUESTS,
    summary: 'reads a value of the dialog',
    compile: ([name, result]) =>
      withDialog((dialog, run) => {
        const value = dialog.values.get(textOf(name, run));
        if (value === undefined) return -1;
        result?.variable?.assign(run.pvars, value);
        return 1;
      }),
  },
  {
    name: 'get_dialog_info',
    dialects: OPENSIPS,
    parameters: [
      param('attribute', 'string'),
      param('result', 'writable'),
      param('key', 'string'),
      param('value', 'string'),
      optional('number', 'writable'),
    ],
    routes: REQUESTS,
    summary: 'reads a value of a dialog that has another value',
    compile:
      ([attribute, result, key, value, number]) =>
      (run) => {
        const [name, wanted] = [textOf(key, run), textOf(value, run)];
        const found = [...tableOf(run).all()].filter((each) => String(each.values.get(name) ?? '') === wanted);
        number?.variable?.assign(run.pvars, found.length);
        const [first] = found;
        if (first === undefined) return -1;
        result?.variable?.assign(run.pvars, first.values.get(textOf(attribute, run)) ?? null);
        return 1;
      },
  },
  {
    name: 'test_and_set_dlg_flag',
    dialects: OPENSIPS,
    parameters: [param('flag', 'flag'), param('value', 'int')],
    routes: REQUESTS,
    summary: 'whether a flag of the dialog has a value; it has the other one then',
    compile: ([flag, value]) => {
      const bit = 1 << flagBit((flag as Arg).text);
      return withDialog((dialog, run) => {
        const wanted = intOf(value, run, 0) !== 0;
        if (((dialog.flags & bit) !== 0) !== wanted) return -1;
        dialog.flags ^= bit;
        return 1;
      });
    },
  },
  {
    name: 'load_dialog_ctx',
    dialects: OPENSIPS,
    parameters: [param('dialog', 'string'), optional('kind', 'string')],
    summary: 'makes another dialog the one at hand, by Call-ID or did',
    compile:
      ([id, kind]) =>
      (run) => {
        const table = tableOf(run);
        const text = textOf(id, run);
        const [entry, number] = text.split('.');
        const dialog =
          textOf(kind, run, 'callid') === 'did'
            ? table.find(Number.parseInt(entry ?? '', 16), Number.parseInt(number ?? '', 16))
            : table.findCall(text);
        if (dialog !== undefined) table.use(run.call, dialog);
        return code(dialog !== undefined);
      },
  },
  {
    name: 'unload_dialog_ctx',
    dialects: OPENSIPS,
    summary: 'no dialog is at hand any more',
    compile: () => (run) => {
      tableOf(run).use(run.call, undefined);
      return 1;
    },
  },
];

const kamailio: FunctionSpec[] = [
  {
    name: 'dlg_manage',
    dialects: KAMAILIO,
    routes: ['request'],
    summary: 'keeps the dialog an INVITE begins; finds the one of a request within it',
    compile: () => (run) => {
      const table = tableOf(run);
      if (run.call.message.toTag !== '') return matchDialog(run);
      return code(dialogOf(run) === undefined && table.begin(run) !== undefined);
    },
  },
  {
    name: 'is_known_dlg',
    dialects: KAMAILIO,
    summary: 'whether the message belongs to a dialog that is kept',
    compile: () => (run) => code(tableOf(run).lookUp(run.call) !== undefined),
  },
  {
    name: 'dlg_get',
    dialects: KAMAILIO,
    parameters: [param('Call-ID', 'string'), param('From tag', 'string'), param('To tag', 'string')],
    summary: 'makes another dialog the one at hand',
    compile:
      ([callId, from, to]) =>
      (run) => {
        const table = tableOf(run);
        const dialog = table.findCall(textOf(callId, run), textOf(from, run), textOf(to, run));
        if (dialog !== undefined) {
          table.use(run.call, dialog);
          table.wishes(run.call).looked = true;
        }
        return code(dialog !== undefined);
      },
  },
  {
    name: 'dlg_get_var',
    dialects: KAMAILIO,
    parameters: [
      param('Call-ID', 'string'),
      param('From tag', 'string'),
      param('To tag', 'string'),
      param('name', 'string'),
      param('result', 'writable'),
    ],
    summary: 'reads a variable of another dialog',
    compile:
      ([callId, from, to, name, result]) =>
      (run) => {
        const dialog = tableOf(run).findCall(textOf(callId, run), textOf(from, run), textOf(to, run));
        if (dialog === undefined) return -1;
        result?.variable?.assign(run.pvars, dialog.values.get(textOf(name, run)) ?? null);
        return 1;
      },
  },
  {
    name: 'dlg_set_var',
    dialects: KAMAILIO,
    parameters: [
      param('Call-ID', 'string'),
      param('From tag', 'string'),
      param('To tag', 'string'),
      param('name', 'string'),
      param('value', 'string'),
    ],
    summary: 'sets a variable of another dialog',
    compile:
      ([callId, from, to, name, value]) =>
      (run) => {
        const dialog = tableOf(run).findCall(textOf(callId, run), textOf(from, run), textOf(to, run));
        return dialog === undefined ? -1 : code(dialog.setValue(textOf(name, run), textOf(value, run)));
      },
  },
  {
    name: 'dlg_set_timeout',
    dialects: KAMAILIO,
    parameters: [param('seconds', 'int'), optional('entry', 'int'), optional('id', 'int')],
    summary: 'sets the lifetime of the dialog',
    compile:
      ([seconds, entry, id]) =>
      (run) => {
        const table = tableOf(run);
        const ms = intOf(seconds, run, 0) * 1000;
        if (ms <= 0) return -1;
        const named = entry !== undefined && id !== undefined;
        const dialog = named ? table.find(intOf(entry, run, 0), intOf(id, run, 0)) : table.lookUp(run.call);
        if (dialog !== undefined) table.setLifetime(run, dialog, ms);
        return code(dialog !== undefined);
      },
  },
  {
    name: 'dlg_set_timeout_by_profile',
    dialects: KAMAILIO,
    parameters: [param('profile', 'string'), optional('value', 'string'), param('seconds', 'int')],
    summary: 'sets the lifetime of the dialogs of a profile',
    compile:
      ([profile, value, seconds]) =>
      (run) =>
        timeoutOf(run, textOf(profile, run), textOf(value, run), intOf(seconds, run, 0)),
  },
  {
    name: 'dlg_set_timeout_by_profile',
    dialects: KAMAILIO,
    parameters: [param('profile', 'string'), param('seconds', 'int')],
    summary: 'sets the lifetime of the dialogs of a profile',
    compile:
      ([profile, seconds]) =>
      (run) =>
        timeoutOf(run, textOf(profile, run), undefined, intOf(seconds, run, 0)),
  },
  {
    name: 'dlg_set_property',
    dialects: KAMAILIO,
    parameters: [param('property', 'string', { values: ['', 'ka-src', 'ka-dst', 'timeout-noreset'] })],
    summary: 'accepted; dialogs are not kept alive by requests of our own',
    compile:
      ([property]) =>
      (run) =>
        code(dialogOf(run) === undefined || textOf(property, run) !== ''),
  },
  {
    name: 'dlg_set_ruri',
    dialects: KAMAILIO,
    summary: 'the request-URI becomes the Contact of the other side',
    compile: () => fixRoute,
  },
  {
    name: 'dlg_bye',
    dialects: KAMAILIO,
    parameters: [param('side', 'string')],
    summary: 'ends the dialog by BYE to the caller, the callee or all',
    compile: ([side]) =>
      withDialog((dialog, run) => {
        const which = textOf(side, run);
        void tableOf(run).hangUp(dialog, 'script', which === 'caller' || which === 'callee' ? which : 'both');
        return 1;
      }),
  },
];

/** Functions of dialog. */
export const dialogFunctions: ScriptFunction[] = moduleFunctions('dialog', [
  ...profileFunctions(),
  ...flagFunctions({
    set: [
      ['set_dlg_flag', OPENSIPS],
      ['dlg_setflag', KAMAILIO],
    ],
    reset: [
      ['reset_dlg_flag', OPENSIPS],
      ['dlg_resetflag', KAMAILIO],
    ],
    test: [
      ['is_dlg_flag_set', OPENSIPS],
      ['dlg_isflagset', KAMAILIO],
    ],
  }),
  ...opensips,
  ...kamailio,
]);
