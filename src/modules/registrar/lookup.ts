import { addrSpecOf } from '../../core/name-addr.js';
import { splitList } from '../../pvar/header-values.js';
import type { MessageRun } from '../../script/call.js';
import { addBranch } from '../../script/request-branches.js';
import { allows, type Binding, type ContactAttribute, qText } from './contact.js';
import { aorOf, pushRecord } from './save.js';
import { registrarSettings } from './settings.js';
import { type LocationTable, locationStore, secondsNow } from './store.js';

/**
 * Runs a function on the contacts of an address of record as soon as they are in memory; the result is `none` when the
 * URI has no address of record.
 */
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

/** Next hop of a request to a contact: the first hop of its Path, or the source address of its REGISTER. */
export function nextHopOf({ path, received }: Binding): string | undefined {
  return path === undefined ? received : addrSpecOf(splitList(path, ',')[0] ?? '');
}

/**
 * Sets the request-URI to the first contact and adds the others as branches, or with `aside` adds all as branches.
 * Returns 1; -1 without contacts, -2 when none accepts the method, -3 when the text is not a URI.
 */
export function lookup(run: MessageRun, table: string, uri: string, aside: boolean): number | Promise<number> {
  // As recorded, a URN is a URI without contacts.
  if (aorOf(run.env.modules.of(registrarSettings), uri) === undefined) return /^urn:./i.test(uri) ? -1 : -3;
  return withContacts(run, table, uri, -1, (contacts) => {
    const settings = run.env.modules.of(registrarSettings);
    const { method } = run.message;
    const taking = settings.methodFiltering ? contacts.filter((each) => allows(each, method)) : contacts;
    const [first] = taking;
    if (first === undefined) return contacts.length === 0 ? -1 : -2;
    const { call, pvars } = run;
    // The first contact becomes record 0, so it is added last.
    if (settings.recordXavp !== '')
      for (const each of [...taking].reverse()) pushRecord(run, settings.recordXavp, each);
    for (const { attributes } of [...taking].reverse()) if (attributes !== undefined) pushAttributes(run, attributes);
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

/** Adds a record with the attributes of a contact to the XAVP of `xavp_contact`. */
function pushAttributes({ env, pvars }: MessageRun, attributes: readonly ContactAttribute[]): void {
  const name = env.modules.of(locationStore).settings.attributes;
  if (name === '') return;
  const record = pvars.xavps.push(name);
  for (const [field, value] of attributes) pvars.xavps.set(record, field, value);
}

/** Conditions of registered(): bits, and fields of xavp_cfg. */
const MATCHES: readonly (readonly [bit: number, field: string, value: (contact: Binding) => string | undefined])[] = [
  [1, 'match_callid', ({ callId }) => callId],
  [2, 'match_received', ({ received }) => received],
  [4, 'match_contact', ({ uri }) => uri],
];

/** Whether an address of record has contacts: 1 or -1. */
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

/** Removes the contacts of an address of record, or the one with a ruid. Returns 1; -3 when there is none. */
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
