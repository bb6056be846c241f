import { isIPv6 } from 'node:net';
import type { SeenMessage } from './trace-session.js';

/** Chunk types of the generic vendor (HEP3 specification, "Generic HEP chunks"). */
const CHUNK = {
  family: 0x01,
  protocol: 0x02,
  source4: 0x03,
  target4: 0x04,
  source6: 0x05,
  target6: 0x06,
  sourcePort: 0x07,
  targetPort: 0x08,
  seconds: 0x09,
  microseconds: 0x0a,
  kind: 0x0b,
  captureId: 0x0c,
  key: 0x0e,
  payload: 0x0f,
  correlation: 0x11,
} as const;

const SIP = 1;
/** HEP protocol type for a log line. */
export const LOG_LINE = 100;
const AF_INET = 2;
const AF_INET6 = 10;
const UDP = 17;
const TCP = 6;
/** Longest payload: the length of a packet is a 16-bit number. */
export const MAX_PAYLOAD = 65_000;

/** Who sends HEP packets. */
export interface HepIdentity {
  /** ID of this capture agent. */
  readonly id: number;
  /** Password that the server requires; undefined: none. */
  readonly password: string | undefined;
}

/**
 * Makes a HEP3 packet (EEP) of one message; `kind`: 1 for SIP, or LOG_LINE. A message of more than MAX_PAYLOAD bytes
 * is cut.
 */
export function hepPacket(message: SeenMessage, { id, password }: HepIdentity, kind = SIP): Buffer {
  const { local, remote, direction, time } = message;
  const [from, to] = direction === 'in' ? [remote, local] : [local, remote];
  const six = isIPv6(from.address);
  const payload = Buffer.from(message.text.slice(0, MAX_PAYLOAD), 'latin1');
  const callId = Buffer.from(message.callId.slice(0, 255), 'latin1');
  const chunks = [
    number8(CHUNK.family, six ? AF_INET6 : AF_INET),
    number8(CHUNK.protocol, message.transport === 'udp' ? UDP : TCP),
    chunk(six ? CHUNK.source6 : CHUNK.source4, addressBytes(from.address)),
    chunk(six ? CHUNK.target6 : CHUNK.target4, addressBytes(to.address)),
    number16(CHUNK.sourcePort, from.port),
    number16(CHUNK.targetPort, to.port),
    number32(CHUNK.seconds, Math.floor(time / 1000)),
    number32(CHUNK.microseconds, Math.floor((time % 1000) * 1000)),
    number8(CHUNK.kind, kind),
    number32(CHUNK.captureId, id),
    ...(password === undefined ? [] : [chunk(CHUNK.key, Buffer.from(password))]),
    chunk(CHUNK.correlation, callId),
    chunk(CHUNK.payload, payload),
  ];
  const length = chunks.reduce((sum, each) => sum + each.length, 6);
  const head = Buffer.alloc(6);
  head.write('HEP3', 'latin1');
  head.writeUInt16BE(length, 4);
  return Buffer.concat([head, ...chunks], length);
}

/** The bytes of an IP literal, 4 or 16. */
export function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const bare = address.split('%')[0] as string;
  const [head = '', tail] = bare.split('::');
  const groups = (text: string): number[] =>
    text === ''
      ? []
      : text.split(':').flatMap((each) => {
          if (!each.includes('.')) return [Number.parseInt(each, 16)];
          const [a = 0, b = 0, c = 0, d = 0] = each.split('.').map(Number);
          return [(a << 8) | b, (c << 8) | d];
        });
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const all = [...first, ...new Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0), ...last];
  const bytes = Buffer.alloc(16);
  for (let i = 0; i < 8; i++) bytes.writeUInt16BE(all[i] ?? 0, 2 * i);
  return bytes;
}

function chunk(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(6 + value.length);
  bytes.writeUInt16BE(type, 2);
  bytes.writeUInt16BE(bytes.length, 4);
  value.copy(bytes, 6);
  return bytes;
}

function number8(type: number, value: number): Buffer {
  return chunk(type, Buffer.from([value]));
}

function number16(type: number, value: number): Buffer {
  return chunk(type, Buffer.from([(value >> 8) & 255, value & 255]));
}

function number32(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return chunk(type, bytes);
}
