import { parseAddress } from '../../core/name-addr.js';
import { CommandFault, type MiValue, type ScriptCommand } from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import type { SipSocket } from '../../sip/transport/transport.js';
import { ACKNOWLEDGED, CONFIRMED, type Dialog, EARLY, type Leg } from './dialog.js';
import { type DialogTable, dialogs } from './table.js';

/** Dialogs one listing shows. */
const MOST_LISTED = 5000;

function tableOf(env: ScriptEnvironment): DialogTable {
  return env.modules.of(dialogs);
}

function socketText(socket: SipSocket | undefined): string {
  return socket === undefined ? '' : `${socket.transport}:${socket.address}:${socket.port}`;
}

/** As OpenSIPS lists a dialog. */
function opensipsEntry(dialog: Dialog, env: ScriptEnvironment): MiValue {
  const { caller, callee } = dialog;
  const left = dialog.expires === 0 ? 0 : Math.max(0, dialog.expires - env.clock.monotonic());
  return {
    ID: dialog.did,
    hash: `${dialog.entry}:${dialog.id}`,
    state: dialog.state,
    user_flags: dialog.flags,
    timestart: Math.floor(dialog.answeredAt / 1000),
    timeout: left === 0 ? 0 : Math.floor((env.clock.now() + left) / 1000),
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
    context: {
      values: Object.fromEntries(dialog.values),
      profiles: dialog.profiles.map(({ name, value }) => ({ [name]: value })),
    },
  };
}

/** A dialog as JSON, as dlg_list shows it; with its values and profiles when `context` is set. */
export function dialogJson(dialog: Dialog, env: ScriptEnvironment, context: boolean): string {
  const entry = opensipsEntry(dialog, env) as Record<string, MiValue>;
  if (!context) delete entry['context'];
  return JSON.stringify(entry);
}

function kamailioLeg(leg: Leg): MiValue {
  return {
    tag: leg.tag,
    contact: leg.contact,
    cseq: String(leg.cseq),
    route_set: leg.route.join(','),
    socket: socketText(leg.socket),
  };
}

/** As Kamailio lists a dialog. */
function kamailioEntry(dialog: Dialog, env: ScriptEnvironment): MiValue {
  const left = dialog.expires === 0 ? 0 : Math.max(0, dialog.expires - env.clock.monotonic());
  return {
    h_entry: dialog.entry,
    h_id: dialog.id,
    ref: 1,
    'call-id': dialog.callId,
    from_uri: parseAddress(dialog.caller.address).uri,
    to_uri: parseAddress(dialog.callee.address).uri,
    state: dialog.state,
    start_ts: Math.floor(dialog.answeredAt / 1000),
    init_ts: Math.floor(dialog.began / 1000),
    timeout: left === 0 ? 0 : Math.floor((env.clock.now() + left) / 1000),
    lifetime: Math.round(dialog.lifetime / 1000),
    dflags: dialog.flags,
    sflags: dialog.flags,
    iflags: dialog.byeOnTimeout ? 1 : 0,
    caller: kamailioLeg(dialog.caller),
    callee: kamailioLeg(dialog.callee),
    profiles: dialog.profiles.map(({ name, value }) => ({ [name]: value })),
    variables: [...dialog.values].map(([name, value]) => ({ [name]: value })),
  };
}

function shown(env: ScriptEnvironment, which: Iterable<Dialog>): MiValue[] {
  const entry = env.dialect === 'opensips' ? opensipsEntry : kamailioEntry;
  const out: MiValue[] = [];
  for (const each of which) {
    if (out.length >= MOST_LISTED) break;
    out.push(entry(each, env));
  }
  return out;
}

/** A dialog by did, "entry:id" or Call-ID. */
function named(env: ScriptEnvironment, text: string): Dialog {
  const table = tableOf(env);
  const [entry = '', id = ''] = text.split(/[:.]/);
  const base = text.includes('.') ? 16 : 10;
  const found = table.find(Number.parseInt(entry, base), Number.parseInt(id, base)) ?? table.findCall(text);
  if (found === undefined) throw new CommandFault(404, 'Requested Dialog not found');
  return found;
}

function profileOf(env: ScriptEnvironment, name: string | undefined): string {
  if (name === undefined || !tableOf(env).profiles.has(name)) throw new CommandFault(404, 'Profile not found');
  return name;
}

async function hangUp(env: ScriptEnvironment, dialog: Dialog, headers: string | undefined): Promise<MiValue> {
  const lines = headers === undefined || headers === '' ? '' : `${headers.trimEnd()}\r\n`;
  await tableOf(env).hangUp(dialog, 'MI Termination', 'both', lines);
  return 'OK';
}

const module = 'dialog';

/** Management commands of dialog. */
export const dialogCommands: readonly ScriptCommand[] = [
  {
    module,
    mi: 'dlg_list',
    help: 'lists the dialogs, or that of a Call-ID',
    changes: false,
    parameters: ['callid', 'from_tag'],
    required: 0,
    run(env, { callid, from_tag: tag }) {
      const table = tableOf(env);
      if (callid === undefined) return { count: table.size, Dialogs: shown(env, table.all()) };
      const found = table.findCall(callid, tag);
      if (found === undefined) throw new CommandFault(404, 'No such dialog');
      return { Dialog: opensipsEntry(found, env) };
    },
  },
  {
    module,
    mi: 'dlg_end_dlg',
    help: 'ends a dialog by BYE to both sides',
    changes: true,
    parameters: ['dialog_id', 'extra_hdrs'],
    required: 1,
    run: (env, { dialog_id: id = '', extra_hdrs: headers }) => hangUp(env, named(env, id), headers),
  },
  {
    module,
    mi: 'profile_get_size',
    help: 'how many dialogs a profile has',
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
    changes: false,
    parameters: ['profile', 'value'],
    required: 1,
    run: (env, { profile, value }) => ({
      Dialogs: shown(env, tableOf(env).profiles.members(profileOf(env, profile), value)),
    }),
  },
  {
    module,
    mi: 'profile_get_values',
    help: 'lists the values of a profile with the number of their dialogs',
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
  {
    module,
    rpc: 'dlg.list',
    help: 'Print all dialogs',
    changes: false,
    parameters: [],
    required: 0,
    run: (env) => shown(env, tableOf(env).all()),
  },
  {
    module,
    rpc: 'dlg.dlg_list',
    help: 'Print dialog based on callid and fromtag',
    changes: false,
    parameters: ['callid', 'from_tag'],
    required: 1,
    run(env, { callid = '', from_tag: tag }) {
      const found = tableOf(env).findCall(callid, tag);
      if (found === undefined) throw new CommandFault(404, 'Dialog not found');
      return kamailioEntry(found, env);
    },
  },
  {
    module,
    rpc: 'dlg.end_dlg',
    help: 'End a given dialog based on [h_entry] [h_id]',
    changes: true,
    parameters: ['h_entry', 'h_id', 'headers'],
    required: 2,
    run: (env, { h_entry: entry, h_id: id, headers }) => hangUp(env, named(env, `${entry}:${id}`), headers),
  },
  {
    module,
    rpc: 'dlg.terminate_dlg',
    help: 'End a given dialog based on callid',
    changes: true,
    parameters: ['callid', 'from_tag', 'to_tag'],
    required: 1,
    run(env, { callid = '', from_tag: from, to_tag: to }) {
      const found = tableOf(env).findCall(callid, from, to);
      if (found === undefined) throw new CommandFault(404, 'Dialog not found');
      return hangUp(env, found, undefined);
    },
  },
  {
    module,
    rpc: 'dlg.profile_get_size',
    help: 'Returns the number of dialogs belonging to a profile',
    changes: false,
    parameters: ['profile', 'value'],
    required: 1,
    run: (env, { profile, value }) => tableOf(env).profiles.size(profileOf(env, profile), value) ?? 0,
  },
  {
    module,
    rpc: 'dlg.profile_list',
    help: 'Lists all the dialogs belonging to a profile',
    changes: false,
    parameters: ['profile', 'value'],
    required: 1,
    run: (env, { profile, value }) => shown(env, tableOf(env).profiles.members(profileOf(env, profile), value)),
  },
  {
    module,
    rpc: 'dlg.stats_active',
    help: 'Stats about active dialogs',
    changes: false,
    parameters: [],
    required: 0,
    run(env) {
      let [starting, connecting, answering, ongoing] = [0, 0, 0, 0];
      for (const { state } of tableOf(env).all()) {
        if (state === ACKNOWLEDGED) ongoing++;
        else if (state === CONFIRMED) answering++;
        else if (state === EARLY) connecting++;
        else starting++;
      }
      return { starting, connecting, answering, ongoing, all: starting + connecting + answering + ongoing };
    },
  },
];
