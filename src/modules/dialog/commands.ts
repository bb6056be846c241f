import { trimmed } from '../../core/characters.js';
import { parseAddress } from '../../core/name-addr.js';
import {
  CommandFault,
  type CommandParameters,
  first,
  type ListedParts,
  type MiValue,
  type ScriptCommand,
} from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { endOf, find, hangUp, listed, named, profileOf, socketText, tableOf } from './commanded.js';
import { dialogRpcCommands } from './commands-kamailio.js';
import { dialogCommandsWithin } from './commands-within.js';
import type { Dialog } from './dialog.js';
import { byValue, dialogsOf } from './joined.js';

const module = 'dialog';

/** A dialog in the form of OpenSIPS' listings. */
function opensipsEntry(dialog: Dialog, env: ScriptEnvironment): { readonly [key: string]: MiValue } {
  const { caller, callee } = dialog;
  return {
    ID: dialog.did,
    hash: `${dialog.entry}:${dialog.id}`,
    state: dialog.state,
    user_flags: dialog.flags,
    timestart: Math.floor(dialog.answeredAt / 1000),
    timeout: endOf(dialog, env),
    callid: dialog.callId,
    from_uri: parseAddress(caller.address).uri,
    to_uri: parseAddress(callee.address).uri,
    caller_tag: caller.tag,
    caller_contact: caller.contact,
    caller_cseq: String(caller.cseq),
    caller_route_set: caller.route.join(','),
    caller_bind_addr: socketText(caller.socket),
    CALLEES: [
      {
        callee_tag: callee.tag,
        callee_contact: callee.contact,
        callee_cseq: String(callee.cseq),
        callee_route_set: callee.route.join(','),
        callee_bind_addr: socketText(callee.socket),
      },
    ],
  };
}

/** Like `opensipsEntry`, with values and profiles. */
function withContext(dialog: Dialog, env: ScriptEnvironment): MiValue {
  return {
    ...opensipsEntry(dialog, env),
    context: {
      values: Object.fromEntries(dialog.values),
      profiles: dialog.profiles.map(({ name, value }) => ({ [name]: value })),
    },
  };
}

/** A dialog as JSON in the form of dlg_list; with values and profiles when `context` is set. */
export function dialogJson(dialog: Dialog, env: ScriptEnvironment, context: boolean): string {
  return JSON.stringify(context ? withContext(dialog, env) : opensipsEntry(dialog, env));
}

type Entry = (dialog: Dialog, env: ScriptEnvironment) => MiValue;

/** A numeric parameter of a listing; undefined for any other text. */
function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/**
 * Parses an offset and a number of dialogs. In the form without parameter names they stand where Call-ID and tag are.
 */
function rangeOf({ callid, from_tag: tag, index, counter }: CommandParameters): readonly [number, number] | undefined {
  const [from, max] = [count(index ?? callid), count(counter ?? tag)];
  return from === undefined || max === undefined ? undefined : [from, max];
}

/**
 * Asks each process for its share of the wanted part: in the joined list the dialogs of a process follow those of
 * another.
 */
const partsOfDialogs: ListedParts = {
  question: (params) => (rangeOf(params) === undefined ? undefined : { ...params, counter: '0' }),
  parts(answers, params) {
    // A process has the dialog with this Call-ID.
    if (answers.some((each) => each !== null && typeof each === 'object' && 'Dialog' in each))
      return answers.map(() => params);
    let [from, max] = rangeOf(params) ?? [0, 0];
    return answers.map((each) => {
      const { count: size = 0 } = (each ?? {}) as { count?: number };
      const shown = Math.max(0, Math.min(max, size - from));
      const part = { index: String(Math.min(from, size)), counter: String(shown) };
      from = Math.max(0, from - size);
      max -= shown;
      return part;
    });
  },
};

/** dlg_list and dlg_list_ctx: list all dialogs, or a number of them from an offset on, or the one with a Call-ID. */
function listing(mi: string, help: string, entry: Entry): ScriptCommand {
  return {
    module,
    mi,
    help,
    changes: false,
    parameters: ['callid', 'from_tag', 'index', 'counter'],
    required: 0,
    forms: [[], ['callid'], ['callid', 'from_tag'], ['index', 'counter']],
    joined: dialogsOf,
    listed: partsOfDialogs,
    run(env, params) {
      const { callid, from_tag: tag, index, counter } = params;
      const table = tableOf(env);
      const found = callid === undefined ? undefined : table.index.findCall(callid, tag);
      if (found !== undefined) return { Dialog: entry(found, env) };
      // No dialog has this Call-ID: two numbers are then taken as an offset and a number of dialogs.
      const range = rangeOf(params);
      if (range !== undefined) {
        const [from, max] = range;
        return { count: table.index.size, Dialogs: listed(table.index.all(), (each) => entry(each, env), from, max) };
      }
      if (callid !== undefined) throw new CommandFault(404, 'No such dialog');
      if (index !== undefined || counter !== undefined)
        throw new CommandFault(400, 'index and counter must be numbers');
      return { count: table.index.size, Dialogs: listed(table.index.all(), (each) => entry(each, env)) };
    },
  };
}

/** A command on dialogs kept in a database or on other nodes, which do not exist here. */
function nowhere(mi: string, help: string): ScriptCommand {
  return {
    module,
    mi,
    help: `${help}: refused, dialogs are kept in memory here`,
    changes: false,
    parameters: [],
    required: 0,
    run() {
      throw new CommandFault(500, 'dialogs are kept in the memory of this process only');
    },
  };
}

/** Management commands of dialog. */
export const dialogCommands: readonly ScriptCommand[] = [
  listing('dlg_list', 'lists the dialogs, or that of a Call-ID', opensipsEntry),
  listing('dlg_list_ctx', 'lists the dialogs with their values and profiles, or that of a Call-ID', withContext),
  {
    module,
    mi: 'dlg_push_var',
    help: 'sets a value of dialogs, by their ids or Call-IDs',
    changes: true,
    parameters: ['dlg_val_name', 'dlg_val_value', 'DID'],
    required: 3,
    list: 'DID',
    joined: first,
    run(env, { dlg_val_name: name = '', dlg_val_value: value = '', DID: ids = '' }) {
      const all = ids.split('\n').map((id) => trimmed(id));
      // The other dialogs are in other processes.
      const own = env.claims === undefined ? all : all.filter((id) => find(env, id) !== undefined);
      const found = (own.length === 0 ? all : own).map((id) => named(env, id));
      for (const each of found)
        if (!each.setValue(name, value))
          throw new CommandFault(500, `dialog ${each.did} has as many values as are allowed`);
      return 'OK';
    },
  },
  nowhere('dlg_db_sync', 'reads dialogs from the database'),
  nowhere('dlg_restore_db', 'writes dialogs to the database'),
  nowhere('dlg_cluster_sync', 'asks other nodes for their dialogs'),
  {
    module,
    mi: 'dlg_end_dlg',
    help: 'ends a dialog by BYE to both sides',
    joined: first,
    changes: true,
    parameters: ['dialog_id', 'extra_hdrs'],
    required: 1,
    run: (env, { dialog_id: id = '', extra_hdrs: headers }) => hangUp(env, named(env, id), headers),
  },
  {
    module,
    mi: 'profile_get_size',
    help: 'writes the number of dialogs in a profile to a variable',
    changes: false,
    parameters: ['profile', 'value'],
    required: 1,
    run(env, { profile, value }) {
      const name = profileOf(env, profile);
      return {
        Profile: { name, value: value ?? null, count: tableOf(env).profiles.size(name, value) ?? 0, shared: 'no' },
      };
    },
  },
  {
    module,
    mi: 'profile_list_dlgs',
    help: 'lists the dialogs of a profile',
    joined: dialogsOf,
    changes: false,
    parameters: ['profile', 'value'],
    required: 1,
    run: (env, { profile, value }) => ({
      Dialogs: listed(tableOf(env).profiles.members(profileOf(env, profile), value), (each) =>
        opensipsEntry(each, env),
      ),
    }),
  },
  {
    module,
    mi: 'profile_get_values',
    help: 'lists the values of a profile with the number of their dialogs',
    joined: byValue,
    changes: false,
    parameters: ['profile'],
    required: 1,
    run: (env, { profile }) => ({
      Profiles: tableOf(env)
        .profiles.values(profileOf(env, profile))
        .map(([value, count]) => ({ value, count })),
    }),
  },
  {
    module,
    mi: 'profile_end_dlgs',
    help: 'ends the dialogs of a profile by BYE',
    joined: first,
    changes: true,
    parameters: ['profile', 'value'],
    required: 1,
    async run(env, { profile, value }) {
      const all = [...tableOf(env).profiles.members(profileOf(env, profile), value)];
      for (const each of all) await hangUp(env, each, undefined);
      return 'OK';
    },
  },
  {
    module,
    mi: 'list_all_profiles',
    help: 'lists the profiles',
    changes: false,
    parameters: [],
    required: 0,
    run: (env) => ({
      Profiles: tableOf(env)
        .profiles.list()
        .map(({ name, withValue }) => ({ name, has_value: withValue ? 1 : 0 })),
    }),
  },
  ...dialogCommandsWithin,
  ...dialogRpcCommands,
];
