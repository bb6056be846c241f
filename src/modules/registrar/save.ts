import { addrSpecOf } from '../../core/name-addr.js';
import { ownText } from '../../core/own-text.js';
import { parseUri, percentEncoder } from '../../core/uri.js';
import { splitList } from '../../pvar/header-values.js';
import type { MessageRun } from '../../script/call.js';
import type { SipMessage } from '../../sip/message.js';
import { type Binding, contactsOf, joinedFields, lists, qText } from './contact.js';
import { type Locations, MAX_OF_ONE, weightOf } from './locations.js';
import { outlived, renewal, renewed } from './matching.js';
import { outboundFault, outboundLines } from './outbound.js';
import { keepReply, sendSaved } from './saved-reply.js';
import { keptCallId, senderOf, unescaped } from './sender.js';
import { type RegistrarSettings, registrarSettings } from './settings.js';
import { registrations } from './statistics.js';
import { type LocationTable, locationStore, secondsNow } from './store.js';

/** Flags of save(). */
const MEMORY_ONLY = 1;
const NO_REPLY = 2;
const ONLY_THIS = 4;

/** Return codes of save(), as recorded. */
const RESULT = { error: -1, tooMany: -2, added: 1, updated: 2, removed: 3, asked: 4 } as const;

/** Why a REGISTER is refused: status and reason, text of P-Registrar-Error, and return code of save(). */
interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly error: string;
  readonly result: number;
  /** Additional header lines of the reply. */
  readonly lines?: string;
  /** Whether the reply lists the existing contacts. */
  readonly lists?: boolean;
}

const bad = (error: string, lists = false): Refusal => ({
  status: 400,
  reason: 'Bad Request',
  error,
  result: RESULT.error,
  lists,
});

/** The address of record of a URI; undefined when it is not a URI. */
export function aorOf(settings: RegistrarSettings, uri: string): string | undefined {
  const parts = parseUri(uri);
  if (parts === undefined) return undefined;
  const user = settings.caseSensitive ? unescaped(parts.user) : unescaped(parts.user).toLowerCase();
  let host = parts.host.toLowerCase();
  const { realmPrefix: prefix } = settings;
  if (prefix !== '' && host.startsWith(prefix)) host = host.slice(prefix.length);
  const aor = user === '' ? host : settings.useDomain ? `${user}@${host}` : user;
  return aor === '' || aor.length > 256 ? undefined : aor;
}

/** Stores the contacts of a REGISTER and answers it. `uri`: the address of record; by default the URI in To. */
export function save(run: MessageRun, table: string, flags: number, uri: string | undefined): number | Promise<number> {
  const settings = run.env.modules.of(registrarSettings);
  const store = run.env.modules.of(locationStore);
  const locations = store.of(table);
  const aor = aorOf(settings, uri ?? addrSpecOf(run.message.to));
  if (locations === undefined || aor === undefined) return answer(run, flags, undefined, bad('Invalid To'), []);
  return locations.use(run.env, aor, () => registered(run, { settings, table: locations, aor, flags }));
}

interface Saving {
  readonly settings: RegistrarSettings;
  readonly table: LocationTable;
  readonly aor: string;
  readonly flags: number;
}

function registered(run: MessageRun, saving: Saving): number | Promise<number> {
  const { table, aor, flags } = saving;
  const { env } = run;
  const outcome = change(run, saving);
  const left = () => {
    const list = table.locations.valid(aor, secondsNow(env));
    noteRecords(run, saving.settings, list);
    return list;
  };
  if (!table.settings.writesAtOnce) return answered(run, saving, outcome, left());
  if ((flags & MEMORY_ONLY) !== 0) for (const { ruid } of table.locations.of(aor)) table.locations.changes.delete(ruid);
  return table.flush(env).then((good) => {
    const failed: Refusal = { status: 500, reason: 'Server Internal Error', error: 'usrloc', result: RESULT.error };
    return answered(run, saving, good ? outcome : failed, left());
  });
}

function answered(
  run: MessageRun,
  { flags, settings, aor }: Saving,
  outcome: number | Refusal,
  list: readonly Binding[],
): number {
  return answer(run, flags, settings, outcome, list, aor);
}

/** Applies the request to the contacts. Returns the code of save(), or why nothing was changed. */
function change(run: MessageRun, saving: Saving): number | Refusal {
  const { settings, table, aor, flags } = saving;
  const { message, env } = run;
  const { locations } = table;
  const now = secondsNow(env);
  if (message.header('expires') === '') return bad('Expires parse error');
  const wanted = contactsOf(message);
  if (wanted === undefined) return bad('Contact parse error');
  if (wanted.star) {
    if (wanted.fields > 1) return bad('* used in contact and more than 1 contact');
    if (!expiresNow(message)) return bad('* used in contact and expires is not zero');
    locations.clear(aor);
    return RESULT.removed;
  }
  if (wanted.list.length === 0) return RESULT.asked;
  // As recorded, Path is only read where a contact is kept.
  if (settings.usePath && !wanted.list.every(({ expires }) => expires === 0) && !pathIsGood(message))
    return bad('Path parse error', true);
  const fault = outboundFault(settings, message);
  if (fault !== undefined) return OUTBOUND_REFUSALS[fault];
  const made: Binding[] = [];
  const sender = senderOf(run, settings, aor);
  for (const contact of wanted.list) {
    if (contact.uri.length > settings.contactSize) return bad('Contact/received too long', true);
    if (Number.isNaN(contact.q)) return bad('Invalid q param in contact', true);
    const expires = lifetimeOf(settings, contact.expires);
    if (expires === undefined)
      return {
        status: 423,
        reason: 'Interval Too Brief',
        error: 'Interval too brief',
        result: RESULT.error,
        lists: true,
        lines: `Min-Expires: ${settings.minExpires}\r\n`,
      };
    made.push({
      ...sender,
      ruid: env.modules.of(locationStore).ruid(env),
      uri: ownText(contact.uri),
      expires: expires === 0 ? REMOVED : now + expires,
      q: contact.q ?? settings.defaultQ,
      methods: contact.methods,
      instance: contact.instance === undefined ? undefined : ownText(contact.instance),
      regId: contact.regId,
    });
  }
  const before = locations.valid(aor, now);
  const { matching } = table.settings;
  const callId = keptCallId(message.callId);
  for (const each of made) {
    const old = renewed(before, each, matching);
    if (old?.callId === callId && message.cseqNumber < old.cseq) return bad('Invalid CSeq number', true);
  }
  const refusal = tooMany(run, saving, before, made);
  if (refusal !== undefined) return refusal;
  let result: number = RESULT.added;
  const held = new Set<string>();
  const kept = new Set<string>();
  /** Contacts to remove at the end, unless a contact of the request renews them. */
  const gone = new Set<Binding>();
  for (const binding of made) {
    const old = renewed(locations.valid(aor, now), binding, matching);
    kept.add((old ?? binding).ruid);
    // A contact that is in the request twice: as recorded, the first one is used for a new address of record, otherwise
    // the last.
    if (old !== undefined && held.has(old.ruid) && (before.length > 0 || binding.expires === REMOVED)) continue;
    if (binding.expires !== REMOVED) held.add((old ?? binding).ruid);
    if (binding.expires === REMOVED) {
      if (old === undefined) continue;
      locations.remove(old);
      result = RESULT.removed;
    } else if (old === undefined) {
      locations.add(binding);
      result = RESULT.added;
    } else if (
      before.length > 0 &&
      old.callId === callId &&
      old.cseq === message.cseqNumber &&
      now - old.modified < table.settings.cseqDelay
    ) {
      // A retransmission of the request.
      result = RESULT.updated;
    } else {
      locations.replace(old, renewal(old, binding));
      for (const each of outlived(before, binding)) if (!kept.has(each.ruid)) gone.add(each);
      result = RESULT.updated;
    }
  }
  for (const each of gone) if (!kept.has(each.ruid)) locations.remove(each);
  if ((flags & ONLY_THIS) !== 0) {
    for (const each of before) if (!kept.has(each.ruid)) locations.remove(each);
  }
  const { usePath, pathMode } = settings;
  if (usePath && pathMode === 2 && joinedFields(message, 'path') !== undefined && !lists(message, 'supported', 'path'))
    // As recorded, the contact is stored and save() succeeds.
    return {
      status: 420,
      reason: 'Bad Extension',
      error: 'No support for found Path indicated',
      result,
      lists: true,
      lines: 'Unsupported: path\r\n',
    };
  return result;
}

/** Refusals of RFC 5626, as recorded. */
const OUTBOUND_REFUSALS: Readonly<Record<NonNullable<ReturnType<typeof outboundFault>>, Refusal>> = {
  'no support': {
    status: 420,
    reason: 'Bad Extension',
    error: 'No support for Outbound on server',
    result: RESULT.error,
    lines: 'Unsupported: outbound\r\n',
  },
  'first hop': {
    status: 439,
    reason: 'First Hop Lacks Outbound Support',
    error: 'No support for Outbound on edge proxy',
    result: RESULT.error,
  },
};

/** Value of `expires` in a contact that is to be removed. */
const REMOVED = -1;

/** Whether there is a header Expires with the value 0. */
function expiresNow(message: SipMessage): boolean {
  const text = message.header('expires') ?? '';
  return text !== '' && Number(text) === 0;
}

/** Lifetime of a contact in seconds: 0 removes it; undefined when it is too short. */
function lifetimeOf(settings: RegistrarSettings, asked: number | undefined): number | undefined {
  const { minExpires, maxExpires } = settings;
  const seconds = asked ?? settings.defaultExpires;
  if (seconds === 0) return 0;
  if (seconds < minExpires) return settings.refusesShort ? undefined : minExpires;
  return maxExpires > 0 && seconds > maxExpires ? maxExpires : seconds;
}

/** Whether each hop of a Path is a URI. */
function pathIsGood(message: SipMessage): boolean {
  for (const { value, end } of message.fields('path')) {
    const hops = splitList(message.text.slice(value, end), ',');
    if (hops.length === 0 || hops.some((each) => !each.includes('<') || parseUri(addrSpecOf(each)) === undefined))
      return false;
  }
  return true;
}

function tooMany(
  run: MessageRun,
  { settings, table: { locations, settings: usrloc }, aor }: Saving,
  before: readonly Binding[],
  made: readonly Binding[],
): Refusal | undefined {
  const { configXavp } = settings;
  const own = configXavp === '' ? null : run.pvars.xavps.get(configXavp, 0, 'max_contacts');
  const bound = typeof own === 'number' ? own : settings.maxContacts;
  let left = [...before];
  const held = new Set<string>();
  for (const each of made) {
    const old = renewed(left, each, usrloc.matching);
    if (each.expires !== REMOVED) {
      if (old === undefined) left.push(each);
      held.add((old ?? each).ruid);
    } else if (old !== undefined && !held.has(old.ruid)) left = left.filter(({ ruid }) => ruid !== old.ruid);
  }
  const count = left.length;
  const expired = locations.of(aor).length - before.length;
  const grows = count > before.length;
  const full = grows && (count + expired > MAX_OF_ONE || !hasRoom(run, locations, made));
  if ((bound === 0 || count <= bound) && !full) return undefined;
  const retry = settings.retryAfter > 0 ? `Retry-After: ${settings.retryAfter}\r\n` : '';
  return {
    status: 503,
    reason: 'Service Unavailable',
    error: 'Too many registered contacts',
    result: RESULT.tooMany,
    lines: retry,
    lists: true,
  };
}

/** Whether the table has room for new contacts, and their source has not more than its share. */
function hasRoom({ env, call }: MessageRun, { shares }: Locations, made: readonly Binding[]): boolean {
  const amount = made.reduce((sum, each) => sum + weightOf(each), 0);
  return env.peers.admits('contacts', shares, env.maxContacts, call.source.address, amount);
}

/** Answers a REGISTER with the contacts that have not expired. */
function answer(
  run: MessageRun,
  flags: number,
  settings: RegistrarSettings | undefined,
  outcome: number | Refusal,
  list: readonly Binding[],
  aor = '',
): number {
  const refusal = typeof outcome === 'number' ? undefined : outcome;
  const result = typeof outcome === 'number' ? outcome : outcome.result;
  const { message } = run;
  let lines = '';
  if (settings !== undefined && list.length > 0 && (refusal === undefined || refusal.lists === true))
    lines += `Contact: ${shown(run, settings, list, aor)}\r\n`;
  const path = settings?.usePath === true && settings.pathMode !== 0 ? joinedFields(message, 'path') : undefined;
  if (path !== undefined && (settings?.pathMode === 2 || lists(message, 'supported', 'path')))
    lines += `Path: ${path}\r\n`;
  if (refusal === undefined && settings !== undefined) lines += outboundLines(settings, message);
  if (refusal !== undefined) lines += `P-Registrar-Error: ${refusal.error}\r\n${refusal.lines ?? ''}`;
  const counts = run.env.modules.of(registrations);
  if (refusal === undefined) counts.accepted++;
  else counts.refused++;
  keepReply(run, { status: refusal?.status ?? 200, reason: refusal?.reason ?? 'OK', lines });
  if ((flags & NO_REPLY) === 0) sendSaved(run);
  return result;
}

/** Escapes the bytes that cannot stand in a URI within quotes; existing escapes are left unchanged. */
function escaped(aor: string): string {
  return withoutUnsafe(aor.replace(/%(?![0-9a-f]{2})/gi, '%25'));
}

const withoutUnsafe = percentEncoder(/[^\w%@.!~*'()&=+$,;?/-]/, true);

/** The Contact values of the reply. */
function shown(run: MessageRun, settings: RegistrarSettings, contacts: readonly Binding[], aor: string): string {
  const { message } = run;
  const now = secondsNow(run.env);
  const wantsGruu = settings.gruu && lists(message, 'supported', 'gruu');
  const host = wantsGruu ? (parseUri(addrSpecOf(message.to))?.host ?? '') : '';
  // Its escapes are undone in the address of record.
  const named = wantsGruu ? escaped(aor) : '';
  const user = named.includes('@') ? named : `${named}@${host}`;
  const texts = contacts.map(({ uri, q, expires, received, instance, regId, ruid }) => {
    const left = expires === 0 ? 0 : Math.max(0, expires - now);
    let text = `<${uri}>${q < 0 ? '' : `;q=${qText(q)}`};expires=${left}`;
    if (received !== undefined) text += `;${settings.receivedParam}="${received}"`;
    if (instance === undefined) return text;
    if (wantsGruu) {
      const name = instance.replace(/^<|>$/g, '');
      text += `;pub-gruu="sip:${user};gr=${name}";temp-gruu="sip:${ruid}@${host};gr"`;
    }
    text += `;+sip.instance="${instance}"`;
    return regId > 0 ? `${text};reg-id=${regId}` : text;
  });
  return texts.join(', ');
}

/** Adds the contacts to the records of xavp_rcd; as recorded, the last contact is record 0. */
function noteRecords(run: MessageRun, { recordXavp }: RegistrarSettings, list: readonly Binding[]): void {
  if (recordXavp === '') return;
  for (const each of list) pushRecord(run, recordXavp, each);
}

/** Adds a record for a contact. */
export function pushRecord(run: MessageRun, name: string, { ruid, uri, expires, received }: Binding): void {
  const { xavps } = run.pvars;
  const record = xavps.push(name);
  xavps.set(record, 'ruid', ruid);
  xavps.set(record, 'contact', uri);
  xavps.set(record, 'expires', expires === 0 ? 0 : expires - secondsNow(run.env));
  if (received !== undefined) xavps.set(record, 'received', received);
}
