import { parseAddress } from '../../core/name-addr.js';
import { CommandFault, first, type MiValue, type ScriptCommand } from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { endOf, hangUp, listed, named, profileOf, socketText, tableOf } from './commanded.js';
import { ACKNOWLEDGED, CONFIRMED, type Dialog, EARLY, type Leg } from './dialog.js';
import { lists, sums } from './joined.js';

function kamailioLeg(leg: Leg): MiValue {
  return {
    tag: leg.tag,
    contact: leg.contact,
    cseq: String(leg.cseq),
    route_set: leg.route.join(','),
    socket: socketText(leg.socket),
  };
}

/** A dialog in the form of Kamailio's listings. */
function kamailioEntry(dialog: Dialog, env: ScriptEnvironment): MiValue {
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
    timeout: endOf(dialog, env),
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

const shown = (env: ScriptEnvironment, which: Iterable<Dialog>): MiValue[] =>
  listed(which, (each) => kamailioEntry(each, env));

const module = 'dialog';

/** RPC commands of dialog. */
export const dialogRpcCommands: readonly ScriptCommand[] = [
  {
    module,
    rpc: 'dlg.list',
    help: 'Print all dialogs',
    joined: lists,
    changes: false,
    parameters: [],
    required: 0,
    run: (env) => shown(env, tableOf(env).index.all()),
  },
  {
    module,
    rpc: 'dlg.dlg_list',
    help: 'Print dialog based on callid and fromtag',
    joined: first,
    changes: false,
    parameters: ['callid', 'from_tag'],
    required: 1,
    run(env, { callid = '', from_tag: tag }) {
      const found = tableOf(env).index.findCall(callid, tag);
      if (found === undefined) throw new CommandFault(404, 'Dialog not found');
      return kamailioEntry(found, env);
    },
  },
  {
    module,
    rpc: 'dlg.end_dlg',
    help: 'End a given dialog based on [h_entry] [h_id]',
    joined: first,
    changes: true,
    parameters: ['h_entry', 'h_id', 'headers'],
    required: 2,
    run: (env, { h_entry: entry, h_id: id, headers }) => hangUp(env, named(env, `${entry}:${id}`), headers),
  },
  {
    module,
    rpc: 'dlg.terminate_dlg',
    help: 'End a given dialog based on callid',
    joined: first,
    changes: true,
    parameters: ['callid', 'from_tag', 'to_tag'],
    required: 1,
    run(env, { callid = '', from_tag: from, to_tag: to }) {
      const found = tableOf(env).index.findCall(callid, from, to);
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
    joined: lists,
    changes: false,
    parameters: ['profile', 'value'],
    required: 1,
    run: (env, { profile, value }) => shown(env, tableOf(env).profiles.members(profileOf(env, profile), value)),
  },
  {
    module,
    rpc: 'dlg.stats_active',
    help: 'Stats about active dialogs',
    joined: sums,
    changes: false,
    parameters: [],
    required: 0,
    run(env) {
      let [starting, connecting, answering, ongoing] = [0, 0, 0, 0];
      for (const { state } of tableOf(env).index.all()) {
        if (state === ACKNOWLEDGED) ongoing++;
        else if (state === CONFIRMED) answering++;
        else if (state === EARLY) connecting++;
        else starting++;
      }
      return { starting, connecting, answering, ongoing, all: starting + connecting + answering + ongoing };
    },
  },
];
