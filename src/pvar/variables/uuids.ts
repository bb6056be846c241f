import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { VariableDefinition } from './definition.js';

/** Intervals of 100 ns from the epoch of version 1 (15 October 1582) to that of the clock. */
const GREGORIAN = 122_192_928_000_000_000n;

function written(bytes: Buffer, version: number): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/**
 * Version 1: based on the time, with random bits for sequence and node, so that it reveals nothing about this machine.
 */
function timeBased(now: number): string {
  const time = BigInt(Math.floor(now)) * 10_000n + BigInt(randomInt(10_000)) + GREGORIAN;
  const bytes = randomBytes(16);
  bytes.writeUInt32BE(Number(time & 0xffffffffn), 0);
  bytes.writeUInt16BE(Number((time >> 32n) & 0xffffn), 4);
  bytes.writeUInt16BE(Number((time >> 48n) & 0x0fffn), 6);
  bytes[10] = (bytes[10] ?? 0) | 1;
  return written(bytes, 1);
}

/**
 * Versions 3 and 5: based on a name in a namespace, which is an identifier itself; undefined for an invalid namespace.
 */
function nameBased(version: 3 | 5, namespace: string, name: string): string | undefined {
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(namespace)) return undefined;
  const hash = createHash(version === 3 ? 'md5' : 'sha1');
  hash.update(Buffer.from(namespace.replaceAll('-', ''), 'hex')).update(Buffer.from(name, 'latin1'));
  return written(hash.digest().subarray(0, 16), version);
}

/** An identifier (RFC 4122) of a version, 0 for version 4; undefined for unknown versions and invalid namespaces. */
export function uuidOf(version: number, now: number, namespace = '', name = ''): string | undefined {
  if (version === 0 || version === 4) return randomUUID();
  if (version === 1) return timeBased(now);
  return version === 3 || version === 5 ? nameBased(version, namespace, name) : undefined;
}

/** $uuid, $uuid(version) of OpenSIPS. */
export const uuidVariable: VariableDefinition = {
  argument: 'optional',
  indexed: false,
  compile: (argument) => {
    const version = Number(argument?.constant ?? 0);
    if (argument !== undefined && !/^[014]$/.test(argument.constant ?? ''))
      throw new Error(`version ${argument.constant ?? ''} is one of 0, 1, 4`);
    return { get: ({ clock }) => uuidOf(version, clock.now()) ?? null };
  },
};
