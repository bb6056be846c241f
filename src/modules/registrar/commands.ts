import { CommandFault, type CommandParameters, type MiValue, type ScriptCommand } from '../../script/commands.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { ALL_METHODS, type Binding, isValid } from './contact.js';
import { type LocationTable, locationStore, secondsNow } from './store.js';

const module = 'usrloc';
const NOT_SET = '[not set]';
/** Maximum number of contacts in one answer. */
const MAX_LISTED = 5000;

/** A contact in the form of Kamailio's listings. */
function contactEntry(env: ScriptEnvironment, contact: Binding, state: string): MiValue {
  const now = secondsNow(env);
  return {
    Contact: {
      Address: contact.uri,
      Expires: contact.expires === 0 ? 'permanent' : isValid(contact, now) ? contact.expires - now : 'expired',
      Q: contact.q < 0 ? -1 : contact.q / 1000,
      'Call-ID': contact.callId,
      CSeq: contact.cseq,
      'User-Agent': contact.userAgent,
      Received: contact.received ?? NOT_SET,
      Path: contact.path ?? NOT_SET,
      State: state,
      Flags: contact.flags,
      CFlags: contact.cflags,
      Socket: contact.socket ?? NOT_SET,
      Methods: contact.methods,
      Ruid: contact.ruid,
      Instance: contact.instance ?? NOT_SET,
      'Reg-Id': contact.regId,
      'Server-Id': 0,
      'Tcpconn-Id': contact.connection?.number ?? -1,
      Keepalive: 0,
      'Last-Keepalive': contact.modified,
      'KA-Roundtrip': 0,
      'Last-Modified': contact.modified,
    },
  };
}

/** The contacts of an address of record. Their state says whether the database has them as they are in memory. */
function contactEntries(env: ScriptEnvironment, { locations, settings }: LocationTable, aor: string): MiValue[] {
  const state = ({ ruid }: Binding) =>
    settings.mode === 0 || !locations.stored.has(ruid)
      ? 'CS_NEW'
      : locations.changes.has(ruid)
        ? 'CS_DIRTY'
        : 'CS_SYNC';
  return locations.of(aor).map((each) => contactEntry(env, each, state(each)));
}

function tableOf(env: ScriptEnvironment, { table = '' }: CommandParameters): LocationTable {
  const found = env.modules.of(locationStore).tables.get(table);
  if (found === undefined) throw new CommandFault(500, 'Domain table not found');
  return found;
}

/** The key of an address of record in a table: without its domain unless use_domain is set. */
const keyOf = (env: ScriptEnvironment, aor = ''): string => {
  const { useDomain } = env.modules.of(locationStore).settings;
  const at = aor.indexOf('@');
  return (useDomain || at < 0 ? aor : aor.slice(0, at)).toLowerCase();
};

/** Runs a function on the contacts of an address of record while they are in memory, and then writes the changes. */
async function withContacts<T>(
  env: ScriptEnvironment,
  params: CommandParameters,
  act: (table: LocationTable, aor: string) => T,
): Promise<T> {
  const table = tableOf(env, params);
  const aor = keyOf(env, params.aor);
  return table.use(env, aor, async () => {
    const result = act(table, aor);
    if (table.settings.writesAtOnce) await table.flush(env);
    return result;
  });
}

function numberIn(text: string | undefined, fallback: number): number {
  const value = Number(text ?? '');
  return text === undefined || text === '' || !Number.isFinite(value) ? fallback : value;
}

/** The text of an optional parameter: as recorded, "." and "0" mean that it is not given. */
const given = (text: string | undefined): string | undefined =>
  text === undefined || text === '' || text === '.' || text === '0' ? undefined : text;

/** RPC commands of usrloc. */
export const locationCommands: readonly ScriptCommand[] = [
  {
    module,
    rpc: 'ul.dump',
    help: 'Dump user location tables',
    changes: false,
    parameters: ['brief'],
    required: 0,
    run(env, { brief }) {
      let left = MAX_LISTED;
      const domains = [...env.modules.of(locationStore).tables].map(([name, table]) => {
        const aors: MiValue[] = [];
        for (const aor of table.locations.aors()) {
          const count = table.locations.of(aor).length;
          if (left < count) break;
          left -= count;
          aors.push(
            brief === 'brief'
              ? { AoR: aor }
              : { Info: { AoR: aor, HashID: 0, Contacts: contactEntries(env, table, aor) } },
          );
        }
        // HashID, Max-Slots and Size describe Kamailio's hash table, which does not exist here.
        const stats = { Records: table.locations.users, 'Max-Slots': table.locations.users > 0 ? 1 : 0 };
        return { Domain: { Domain: name, Size: 1024, AoRs: aors, Stats: stats } };
      });
      return { Domains: domains };
    },
  },
  {
    module,
    rpc: 'ul.lookup',
    help: 'Lookup one AOR in the usrloc location table',
    changes: false,
    parameters: ['table', 'aor'],
    required: 2,
    run: (env, params) =>
      withContacts(env, params, (table, aor) => {
        const contacts = contactEntries(env, table, aor);
        if (contacts.length === 0) throw new CommandFault(500, 'AOR not found in location table');
        return { AoR: aor, Contacts: contacts };
      }),
  },
  {
    module,
    rpc: 'ul.rm',
    help: 'Delete an address of record including its contacts',
    changes: true,
    parameters: ['table', 'aor'],
    required: 2,
    run: (env, params) =>
      withContacts(env, params, (table, aor) => {
        table.locations.clear(aor);
        return {};
      }),
  },
  {
    module,
    rpc: 'ul.rm_contact',
    help: 'Delete a contact of an address of record',
    changes: true,
    parameters: ['table', 'aor', 'contact'],
    required: 3,
    run: (env, params) =>
      withContacts(env, params, (table, aor) => {
        const all = table.locations.of(aor);
        if (all.length === 0) throw new CommandFault(404, 'AOR not found');
        const found = all.find(({ uri }) => uri === params.contact);
        if (found === undefined) throw new CommandFault(404, 'Contact not found');
        table.locations.remove(found);
        return {};
      }),
  },
  {
    module,
    rpc: 'ul.add',
    help: 'Add a new contact for an address of record',
    changes: true,
    parameters: ['table', 'aor', 'contact', 'expires', 'q', 'path', 'flags', 'cflags', 'methods'],
    required: 9,
    run: (env, params) =>
      withContacts(env, params, (table, aor) => {
        const now = secondsNow(env);
        const seconds = numberIn(params.expires, 0);
        const q = numberIn(params.q, -1);
        const uri = params.contact ?? '';
        const old = table.locations.of(aor).find((each) => each.uri === uri);
        if (old !== undefined) table.locations.remove(old);
        const added =
          table.locations.size < env.maxContacts &&
          table.locations.add({
            ruid: old?.ruid ?? env.modules.of(locationStore).ruid(env),
            aor,
            uri,
            received: undefined,
            path: given(params.path),
            expires: seconds === 0 ? 0 : now + seconds,
            q: q < 0 ? -1 : Math.min(1000, Math.round(q * 1000)),
            // Contacts added by a command have this Call-ID and User-Agent in Kamailio.
            callId: 'dfjrewr12386fd6-343@Kamailio.rpc',
            cseq: 1,
            flags: numberIn(params.flags, 0),
            cflags: numberIn(params.cflags, 0),
            userAgent: 'SIP Router MI Server',
            socket: undefined,
            methods: numberIn(params.methods, 0) || ALL_METHODS,
            instance: undefined,
            regId: 0,
            modified: now,
          });
        if (!added)
          throw new CommandFault(
            500,
            `contact not added: the limit of ${env.maxContacts} contacts, or of one address of record, is reached`,
          );
        return {};
      }),
  },
  {
    module,
    rpc: 'ul.flush',
    help: 'Flush the usrloc memory cache to DB',
    changes: true,
    parameters: [],
    required: 0,
    async run(env) {
      for (const table of env.modules.of(locationStore).tables.values()) await table.flush(env);
      return {};
    },
  },
];
