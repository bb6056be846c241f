import { LINUX } from './libc.js';

/** Size of a sockaddr_in and of a sockaddr_in6 in bytes. */
export const ADDRESS_BYTES = { 4: 16, 6: 28 } as const;

/** The binary form of an IP literal, without zone. Throws for any other text. */
export function octetsOf(address: string): Uint8Array {
  if (address.indexOf(':') < 0) return Uint8Array.from(address.split('.'), Number);
  const [plain = ''] = address.split('%');
  const mapped = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(plain);
  const hex = (high: string, low: string) => ((Number(high) << 8) | Number(low)).toString(16);
  const text =
    mapped === null
      ? plain
      : `${mapped[1]}${hex(mapped[2] as string, mapped[3] as string)}:${hex(mapped[4] as string, mapped[5] as string)}`;
  const [head = '', tail] = text.split('::');
  const groups = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(tail);
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...new Array<string>(zeros).fill('0'), ...after].map((group) => Number.parseInt(group, 16));
  if (all.length !== 8 || all.some((group) => !(group >= 0 && group <= 0xffff))) {
    throw new RangeError(`not an IPv6 address: ${address}`);
  }
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/**
 * Writes family, port and address to memory at `offset`, in the system's sockaddr layout. The last four of 20 bytes are
 * the number of the zone.
 */
export function writeAddress(memory: Buffer, offset: number, family: 4 | 6, octets: Uint8Array, port: number): void {
  memory.writeUInt16LE(family === 6 ? LINUX.AF_INET6 : LINUX.AF_INET, offset);
  memory.writeUInt16BE(port, offset + 2);
  if (family === 6) {
    memory.fill(0, offset + 4, offset + 8);
    memory.fill(0, offset + 24, offset + 28);
    memory.set(octets, offset + 8);
  } else {
    memory.set(octets, offset + 4);
  }
}

/** The address at `offset`, as Node writes addresses. */
export function readAddress(memory: Buffer, offset: number, family: 4 | 6): string {
  if (family === 4) {
    const at = offset + 4;
    return `${memory[at]}.${memory[at + 1]}.${memory[at + 2]}.${memory[at + 3]}`;
  }
  const groups = Array.from({ length: 8 }, (_, i) => memory.readUInt16BE(offset + 8 + 2 * i));
  return compressed(groups);
}

/** RFC 5952: lower case, and the first of the longest runs of at least two zero groups becomes "::". */
function compressed(groups: readonly number[]): string {
  let best = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && groups[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
    from += length;
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.length < 2) return hex.join(':');
  return `${hex.slice(0, best.from).join(':')}::${hex.slice(best.from + best.length).join(':')}`;
}
