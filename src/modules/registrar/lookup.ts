import { addrSpecOf } from '../../core/name-addr.js';
import { splitList } from '../../pvar/header-values.js';
import type { MessageRun } from '../../script/call.js';
import { addBranch } from '../../script/request-branches.js';
import { allows, type Binding, qText } from './contact.js';
import { aorOf, pushRecord } from './save.js';
import { registrarSettings } from './settings.js';
import { type LocationTable, locationStore, secondsNow } from './store.js';

/** Does something with the contacts of an address of record, once they are at hand; `none` where the URI names nobody. */
export function withContacts(
  run: MessageRun,
  name: string,
  uri: string,
  none: number,
  act: (contacts: Binding[], table: LocationTable, aor: string) => number | Promise<number>,
): number | Promise<number> {
  const { env } = run;
  const table = env.modules.of(locationStore).of(name);
  const aor = aorOf(env.modules.of(registrarSettings), uri);
  if (table === undefined || aor === undefined) return none;
  return table.use(env, aor, () => act(table.locations.valid(aor, secondsNow(env)), table, aor));
}

/** Where a request to a contact is sent: along its Path, or to the address its REGISTER came from. */
export function nextHopOf({ path, received }: Binding): string | undefined {
  return path === undefined ? received : addrSpecOf(splitList(path, ',')[0] ?? '');
}

/** The contacts take the place of the request-URI, or with `aside` become branches beside it: 1; -1 for none, -2 for none that takes the method. */
export function lookup(run: MessageRun, table: string, uri: string, aside: boolean): number | Promise<number> {
  return withContacts(run, table, uri, -1, (contacts) => {
    const settings = run.env.modules.of(registrarSettings);
    const { method } = run.message;
    const taking = settings.methodFiltering ? contacts.filter((each) => allows(each, method)) : contacts;
    const [first] = taking;
    if (first === undefined) return contacts.length === 0 ? -1 : -2;
    const { call, pvars } = run;
    // The first is the first record; each new one is put on top.
    if (settings.recordXavp !== '')
      for (const each of [...taking].reverse()) pushRecord(run, settings.recordXavp, each);
    if (!aside) {
      pvars.setRequestUri(first.uri);
      pvars.destinationUri = nextHopOf(first);
      call.path = first.path ?? '';
      call.q = first.q < 0 ? undefined : qText(first.q);
      call.branchFlags |= first.cflags;
      if (first.socket !== undefined) call.sendSocket = run.env.socket(first.socket) ?? call.sendSocket;
    }
    const more = aside ? taking : settings.appendBranches ? taking.slice(1) : [];
    for (const each of more) {
      addBranch(call.branches, {
        uri: each.uri,
        destinationUri: nextHopOf(each),
        q: each.q < 0 ? '' : qText(each.q),
        path: each.path ?? '',
        flags: each.cflags,
        socket: each.socket,
      });
    }
    return 1;
  });
}

/** What registered() compares contacts with: bits, and the fields of xavp_cfg. */
const MATCHES: readonly (readonly [bit: number, field: string, value: (contact: Binding) => string | undefined])[] = [
  [1, 'match_callid', ({ callId }) => callId],
  [2, 'match_received', ({ received }) => received],
  [4, 'match_contact', ({ uri }) => uri],
];

/** Whether somebody is registered: 1 or -1. */
export function isRegistered(run: MessageRun, table: string, uri: string, flags: number): number | Promise<number> {
  return withContacts(run, table, uri, -1, (contacts) => {
    const { configXavp } = run.env.modules.of(registrarSettings);
    const wanted = MATCHES.flatMap(([bit, field, value]) => {
      const text = configXavp === '' || (flags & bit) === 0 ? null : run.pvars.xavps.get(configXavp, 0, field);
      return text === null ? [] : [(each: Binding) => value(each) === String(text)];
    });
    return contacts.some((each) => wanted.every((matches) => matches(each))) ? 1 : -1;
  });
}

/** Takes the contacts of an address of record away, or the one of a name: 1; -3 where that is unknown. */
export function unregister(
  run: MessageRun,
  table: string,
  uri: string,
  ruid: string | undefined,
): number | Promise<number> {
  const { env } = run;
  return withContacts(run, table, uri, -2, (_contacts, location, aor) => {
    const { locations, settings } = location;
    const one = ruid === undefined ? undefined : locations.of(aor).find((each) => each.ruid === ruid);
    if (ruid !== undefined && one === undefined) return -3;
    if (one === undefined) locations.clear(aor);
    else locations.remove(one);
    if (!settings.writesAtOnce) return 1;
    return location.flush(env).then((good) => (good ? 1 : -1));
  });
}
