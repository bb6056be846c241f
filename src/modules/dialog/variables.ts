import type { DialectName } from '../../cfg/function-table.js';
import { parseAddress } from '../../core/name-addr.js';
import type { PvarContext, PvarValue } from '../../pvar/context.js';
import { plain, type VariableDefinition } from '../../pvar/variables/definition.js';
import { flagNames } from '../flags.js';
import { scopeOf } from '../script-variable.js';
import { dialogJson } from './commands.js';
import { type Dialog, ENDED, MAX_CHARACTERS, MAX_VALUES } from './dialog.js';
import { dialogs } from './state.js';
import type { DialogTable } from './table.js';

function tableOf(context: PvarContext): DialogTable {
  return scopeOf(context).env.modules.of(dialogs);
}

function at(context: PvarContext): Dialog | undefined {
  const { call } = scopeOf(context);
  return call === undefined ? undefined : tableOf(context).of({ call });
}

function read(get: (dialog: Dialog, context: PvarContext) => PvarValue): VariableDefinition {
  return plain((context) => {
    const dialog = at(context);
    return dialog === undefined ? null : get(dialog, context);
  });
}

/** Seconds since the answer; for an ended dialog the duration. */
function age(dialog: Dialog, context: PvarContext): number {
  if (dialog.answeredAt === 0) return 0;
  const end = dialog.endedAt === 0 ? scopeOf(context).env.clock.now() : dialog.endedAt;
  return Math.max(0, Math.floor((end - dialog.answeredAt) / 1000));
}

/** The dialog for $DLG_status: Kamailio has it in requests inside the dialog only, not in their reply routes. */
function shownTo(context: PvarContext): Dialog | undefined {
  const dialog = at(context);
  const { env, call, run } = scopeOf(context);
  if (env.dialect === 'opensips') return dialog;
  if (run?.routeKind === 'onreply') return undefined;
  const ended = dialog?.state === ENDED && dialog.answered === 0;
  return (dialog?.answered === 0 && !ended) || call?.message.toTag === '' ? undefined : dialog;
}

/** Values of Kamailio's $dlg_var() before the dialog begins; they are kept with the request. */
function pending(context: PvarContext): Map<string, string> | undefined {
  const { call, run, env } = scopeOf(context);
  if (env.dialect !== 'kamailio' || call === undefined || run?.routeKind !== 'request') return undefined;
  return tableOf(context).pendingSettings(call).values;
}

/** A value of the dialog; one that is set before the dialog begins is kept with the call. */
function values(): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => {
      const name = (context: PvarContext): string => argument?.constant ?? argument?.read(context) ?? '';
      return {
        get: (context) => {
          const { call } = scopeOf(context);
          const dialog = call === undefined ? undefined : (at(context) ?? tableOf(context).lookUp(call));
          if (dialog !== undefined) return dialog.values.get(name(context)) ?? null;
          return pending(context)?.get(name(context)) ?? null;
        },
        set: (context, value) => {
          const { call, env } = scopeOf(context);
          const found = call !== undefined && env.dialect === 'kamailio' ? tableOf(context).lookUp(call) : undefined;
          const dialog = at(context) ?? found;
          if (dialog !== undefined) {
            // As recorded, Kamailio accepts only texts.
            if (typeof value !== 'number' || scopeOf(context).env.dialect === 'opensips')
              dialog.setValue(name(context), value);
            return;
          }
          const kept = pending(context);
          if (value === null) kept?.delete(name(context));
          else if (
            typeof value === 'string' &&
            kept !== undefined &&
            (kept.size < MAX_VALUES || kept.has(name(context)))
          )
            kept.set(name(context), value.slice(0, MAX_CHARACTERS));
        },
      };
    },
  };
}

/** Value of $dlg(name). */
function attribute(dialog: Dialog, name: string, context: PvarContext): PvarValue {
  switch (name) {
    case 'h_id':
      return dialog.id;
    case 'h_entry':
      return dialog.entry;
    case 'ref':
      return 1;
    case 'state':
      return dialog.state;
    case 'to_rs':
      return [...dialog.caller.route].join(',') || null;
    case 'from_rs':
      return [...dialog.callee.route].join(',') || null;
    case 'dflags':
      return dialog.flags;
    case 'sflags':
      return dialog.flags;
    case 'callid':
      return dialog.callId;
    case 'to_uri':
      return parseAddress(dialog.callee.address).uri;
    case 'to_tag':
      return dialog.callee.tag || null;
    case 'toroute':
      return dialog.timeoutRoute ?? 0;
    case 'from_uri':
      return parseAddress(dialog.caller.address).uri;
    case 'from_tag':
      return dialog.caller.tag || null;
    case 'lifetime':
      return Math.round(dialog.lifetime / 1000);
    case 'start_ts':
      return Math.floor(dialog.answeredAt / 1000);
    case 'to_cseq':
      return dialog.callee.cseq === 0 && dialog.callee.tag === '' ? null : String(dialog.callee.cseq);
    case 'from_cseq':
      return String(dialog.caller.cseq);
    case 'to_contact':
      return dialog.callee.contact || null;
    case 'from_contact':
      return dialog.caller.contact || null;
    case 'to_bindaddr':
      return dialog.callee.socket === undefined ? null : dialog.callee.socket.description;
    case 'from_bindaddr':
      return dialog.caller.socket === undefined ? null : dialog.caller.socket.description;
    case 'duration':
      return age(dialog, context);
    default:
      return null;
  }
}

const DLG_NAMES =
  /^(?:h_id|h_entry|ref|state|to_rs|from_rs|dflags|sflags|callid|to_uri|to_tag|toroute|from_uri|from_tag|lifetime|start_ts|to_cseq|from_cseq|to_contact|from_contact|to_bindaddr|from_bindaddr)$/;

const dlg: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => {
    const name = argument?.constant;
    if (name === undefined || !DLG_NAMES.test(name)) throw new Error(`has no "${name ?? 'variable'}"`);
    return {
      get: (context) => {
        const { call } = scopeOf(context);
        const dialog = call === undefined ? undefined : tableOf(context).lookUp(call);
        return dialog === undefined ? null : attribute(dialog, name, context);
      },
    };
  },
};

/**
 * $dlg_ctx(name) as recorded of 5.6.3: values can be read in the run that assigns them. `timeout_bye` and
 * `timeout_route` apply to a dialog that begins afterwards; `timeout`, unlike dlg_set_timeout() and `timeout_avp`, does
 * not change the lifetime.
 */
const dlgContext: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => {
    const name = argument?.constant ?? '';
    if (!/^(?:on|set|timeout_route|timeout_route_id|timeout_bye|timeout|dir)$/.test(name))
      throw new Error(`has no "${name}"`);
    return {
      get: (context) => {
        const { call, run } = scopeOf(context);
        if (call === undefined) return null;
        const { context: values, looked } = tableOf(context).pendingSettings(call);
        // Branch routes run during the route that relays.
        const seen = values?.run === run || run?.routeKind === 'branch' ? values : undefined;
        switch (name) {
          case 'timeout':
            return seen?.timeout ?? 0;
          case 'timeout_bye':
            return seen?.timeoutBye ?? 0;
          case 'timeout_route':
            return seen?.timeoutRoute ?? null;
          case 'on':
            return seen?.on ?? 0;
          case 'set':
            return at(context) === undefined ? 0 : 1;
          case 'dir': {
            // Only has a value in the route in which dlg_get() found the dialog.
            const dialog = at(context);
            return dialog === undefined || looked !== run ? 0 : dialog.direction === 'callee' ? 2 : 1;
          }
          default:
            return 0;
        }
      },
      set: (context, value) => {
        const { call, run, env } = scopeOf(context);
        if (call === undefined || run === undefined) return;
        const preset = tableOf(context).pendingSettings(call);
        if (preset.context?.run !== run)
          preset.context = { run, on: 0, timeout: 0, timeoutBye: 0, timeoutRoute: undefined };
        const number = typeof value === 'number' ? value : 0;
        if (name === 'timeout') preset.context.timeout = number >>> 0;
        else if (name === 'on') preset.context.on = number;
        else if (name === 'timeout_bye') {
          preset.context.timeoutBye = number;
          preset.bye = number !== 0;
        } else if (name === 'timeout_route') {
          const route =
            typeof value === 'string' && env.script.route('request', value) !== undefined ? value : undefined;
          preset.context.timeoutRoute = route;
          preset.timeoutRoute = route;
        }
      },
    };
  },
};

/** $DLG_timeout: remaining seconds, or the lifetime of the dialog that will begin. */
const timeout = plain(
  (context) => {
    const { call, env } = scopeOf(context);
    if (call === undefined) return null;
    const dialog = at(context);
    if (dialog === undefined) {
      const { lifetime } = tableOf(context).pendingSettings(call);
      return lifetime === undefined ? null : lifetime / 1000;
    }
    if (!dialog.isAnswered) return Math.round(dialog.lifetime / 1000);
    return Math.max(0, Math.round((dialog.expires - env.clock.monotonic()) / 1000));
  },
  (context, value) => {
    const { call, env } = scopeOf(context);
    const seconds = Number(value ?? Number.NaN);
    if (call === undefined || !(seconds > 0)) return;
    const table = tableOf(context);
    const dialog = at(context);
    if (dialog === undefined) table.pendingSettings(call).lifetime = seconds * 1000;
    else table.setLifetime({ env, call }, dialog, seconds * 1000);
  },
);

const shared: readonly [string, VariableDefinition][] = [
  [
    'DLG_count',
    plain((context) => {
      const { settings, counters } = tableOf(context);
      return settings.counted ? counters.value('active') : 0;
    }),
  ],
  ['DLG_status', plain((context) => shownTo(context)?.state ?? null)],
  [
    'DLG_lifetime',
    plain((context) => {
      const dialog = shownTo(context);
      return dialog === undefined ? null : age(dialog, context);
    }),
  ],
];

/** Variables of the dialog module. */
export function dialogVariables(dialect: DialectName): readonly [string, VariableDefinition][] {
  if (dialect === 'kamailio') return [...shared, ['dlg', dlg], ['dlg_ctx', dlgContext], ['dlg_var', values()]];
  return [
    ...shared,
    ['DLG_timeout', timeout],
    ['DLG_flags', read(({ flags }) => flagNames(flags))],
    ['DLG_json', read((dialog, context) => dialogJson(dialog, scopeOf(context).env, false))],
    ['DLG_ctx_json', read((dialog, context) => dialogJson(dialog, scopeOf(context).env, true))],
    ['DLG_did', read(({ did }) => did)],
    ['DLG_dir', read(({ direction }) => (direction === 'caller' ? 'downstream' : 'upstream'))],
    ['DLG_end_reason', read(({ endReason }) => endReason || null)],
    ['dlg_val', values()],
    // topology_hiding("C"): the Call-ID that the callee has.
    ['TH_callee_callid', read(({ hidden }) => hidden?.callId ?? null)],
  ];
}
