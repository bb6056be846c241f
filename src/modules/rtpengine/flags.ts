import type { DialectName } from '../../cfg/function-table.js';
import type { NgDictionary, NgValue } from '../../media/bencode.js';

/** The flags of a function: keys of the ng protocol, and flags that are handled here. */
export interface MediaFlags {
  readonly keys: NgDictionary;
  /** Whether the To tag is sent with commands that usually do not have it. */
  readonly toTag: boolean;
  /** "auto", "extra", "next" or a text; undefined when not given. */
  readonly viaBranch: string | undefined;
  readonly callId: string | undefined;
  readonly fromTagText: string | undefined;
  readonly toTagText: string | undefined;
}

/** Keys with numeric values; Kamailio sends all others as texts. */
const KAMAILIO_NUMBERS = /^TOS$/i;
const NUMBERS = /^(?:delete-delay|TOS|repeat-times|duration|db-id|start-pos|ptime)$/i;
const REPLACES = /^replace-(origin|session-connection|sess-conn|SDP-version|username|zero-address|session-name)$/i;
const CODECS = /^(?:codec-(strip|offer|transcode|mask|set|except|accept|consume)|(transcode))-(.+)$/i;

/**
 * Parses the flags of a function: "replace-origin ICE=remove RTP/AVP direction=priv". Words with a key of their own in
 * the protocol become that key; any other "key=value" is sent as it is, any other word as a flag.
 */
export function mediaFlags(text: string, dialect: DialectName = 'opensips'): MediaFlags {
  const numbers = dialect === 'kamailio' ? KAMAILIO_NUMBERS : NUMBERS;
  const keys: Record<string, NgValue> = {};
  const lists: Record<string, string[]> = {};
  const codec: Record<string, string[]> = {};
  const add = (list: string, value: string): void => {
    (lists[list] ??= []).push(value);
  };
  let [secure, feedback] = [undefined as boolean | undefined, undefined as boolean | undefined];
  // OpenSIPS names the two interfaces by their direction, in any order.
  const interfaces = dialect === 'opensips';
  let [from, to] = [undefined as string | undefined, undefined as string | undefined];
  let toTag = false;
  let viaBranch: string | undefined;
  let callId: string | undefined;
  let fromTagText: string | undefined;
  let toTagText: string | undefined;
  for (const word of text.split(/[ \t\r\n]+/).slice(0, 100)) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    const replaced = REPLACES.exec(word)?.[1];
    const codecs = CODECS.exec(word);
    if (/^(?:UDP\/TLS\/)?RTP\/S?AVPF?$/i.test(word)) keys['transport-protocol'] = word.toUpperCase();
    else if (/^S?RTP$/i.test(word)) secure = /^S/i.test(word);
    else if (/^AVPF?$/i.test(word)) feedback = /F$/i.test(word);
    else if (/^(?:internal|external|int|ext)$/i.test(word))
      add('direction', /^i/i.test(word) ? 'internal' : 'external');
    else if (name === 'direction' && value !== undefined) add('direction', value);
    else if (interfaces && name === 'in-iface' && value !== undefined) from = value;
    else if (interfaces && name === 'out-iface' && value !== undefined) to = value;
    else if (replaced !== undefined)
      add('replace', replaced.toLowerCase() === 'sess-conn' ? 'session-connection' : replaced);
    else if (/^rtcp-mux-/i.test(word)) add('rtcp-mux', word.slice(9));
    else if (/^SDES-/i.test(word)) add('SDES', word.slice(5));
    else if (codecs !== null) (codec[(codecs[1] ?? codecs[2] ?? '').toLowerCase()] ??= []).push(codecs[3] ?? '');
    else if (name === 'to-tag') {
      toTag = true;
      toTagText = value;
    } else if (name === 'from-tag') fromTagText = value;
    else if (name === 'call-id') callId = value;
    else if (name === 'via-branch') viaBranch = value ?? 'auto';
    else if (value === undefined) add('flags', word);
    else if (numbers.test(name) && /^\d{1,9}$/.test(value)) keys[name] = Number(value);
    else {
      keys[name] = value;
      // As recorded, under both names.
      if (dialect === 'kamailio' && name === 'delete-delay' && /^\d{1,9}$/.test(value))
        keys['delete delay'] = Number(value);
    }
  }
  if (keys['transport-protocol'] === undefined && (secure !== undefined || feedback !== undefined))
    keys['transport-protocol'] = `RTP/${secure === true ? 'S' : ''}AVP${feedback === true ? 'F' : ''}`;
  if (from !== undefined || to !== undefined) lists['direction'] = [from ?? to ?? '', to ?? from ?? ''];
  if (Object.keys(codec).length > 0) keys['codec'] = codec;
  return { keys: { ...keys, ...lists }, toTag, viaBranch, callId, fromTagText, toTagText };
}
