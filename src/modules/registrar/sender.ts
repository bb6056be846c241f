import { addrSpecOf } from '../../core/name-addr.js';
import { ownText } from '../../core/own-text.js';
import { parseUri } from '../../core/uri.js';
import { paramValue } from '../../pvar/header-values.js';
import type { MessageRun } from '../../script/call.js';
import { connectionNumbers } from '../connections.js';
import {
  type Binding,
  type ContactAttribute,
  type ContactConnection,
  joinedFields,
  onOneLine,
  type WantedContact,
} from './contact.js';
import type { RegistrarSettings } from './settings.js';
import { locationStore, secondsNow } from './store.js';

/** Properties that all contacts of a request have in common. */
type Sender = Omit<Binding, keyof WantedContact | 'ruid'>;

/** Reads them once for all contacts. Texts are copied: a substring would keep the whole message in memory. */
export function senderOf(run: MessageRun, settings: RegistrarSettings, aor: string): Sender {
  const { message, env, call, source } = run;
  const path = settings.usePath ? joinedFields(message, 'path') : undefined;
  const avp = settings.receivedAvp === undefined ? undefined : run.pvars.avps.get(settings.receivedAvp);
  const hop = settings.pathReceived && path !== undefined ? receivedOf(path) : undefined;
  const received = cleaned(hop ?? (avp === null || avp === undefined ? '' : String(avp)));
  const agent = message.nextField('user-agent');
  return {
    aor: ownText(aor),
    received: received === '' ? undefined : ownText(received),
    path: path === undefined ? undefined : ownText(path),
    callId: ownText(keptCallId(message.callId)),
    cseq: message.cseqNumber,
    flags: 0,
    cflags: call.branchFlags,
    userAgent:
      agent === undefined ? 'n/a' : ownText(onOneLine(message.text.slice(agent.value, agent.end)).slice(0, 255)),
    socket: source.socket.description,
    modified: secondsNow(env),
    connection: connectionOf(run),
    attributes: attributesOf(run),
    source: ownText(source.address),
  };
}

/** The connection on which a REGISTER was received; undefined for UDP. */
function connectionOf({ env, source }: MessageRun): ContactConnection | undefined {
  const { flow } = source;
  if (flow === undefined) return undefined;
  const needed = env.modules.of(locationStore).settings.lostWithConnection;
  return { number: env.modules.of(connectionNumbers).of(flow), flow: new WeakRef(flow), needed };
}

/** Maximum number of attributes of a contact, and of characters in one. */
const MAX_ATTRIBUTES = 32;
const LONGEST_ATTRIBUTE = 512;

/** As recorded, the fields of the newest record of `xavp_contact` are stored with the contacts. */
function attributesOf({ env, pvars }: MessageRun): readonly ContactAttribute[] | undefined {
  const { attributes: name } = env.modules.of(locationStore).settings;
  const record = name === '' ? undefined : pvars.xavps.record(name, 0);
  if (record === undefined) return undefined;
  const attributes: ContactAttribute[] = [];
  for (const field of record.fields.keys()) {
    const value = pvars.xavps.get(name, 0, field);
    if (value === null || attributes.length >= MAX_ATTRIBUTES) continue;
    attributes.push([field, typeof value === 'number' ? value : ownText(value.slice(0, LONGEST_ATTRIBUTE))]);
  }
  return attributes;
}

/** An address without what would end its parameter or line, in a column's length. */
function cleaned(address: string): string {
  return address.replace(/["\r\n]/g, '').slice(0, 255);
}

/** The source address that the first hop of a Path has stored in its parameter "received". */
function receivedOf(path: string): string | undefined {
  const uri = addrSpecOf(path.split(',', 1)[0] ?? '');
  const received = paramValue(parseUri(uri)?.params ?? '', 'received');
  return received === undefined || received === '' ? undefined : unescaped(received);
}

/** The stored form of a Call-ID, limited to the length of the table's column. */
export function keptCallId(callId: string): string {
  return callId.length > 255 ? callId.slice(0, 255) : callId;
}

/** The user with its escapes of visible characters decoded; other escapes stay. */
export function unescaped(user: string): string {
  return user.replace(/%([2-7][0-9a-f])/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
