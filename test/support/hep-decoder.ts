/**
 * Decodes HEP3 packets according to the published description of the protocol ("HEP/EEP: Extensible Encapsulation
 * Protocol", version 3), without code of the encoder: a packet is "HEP3", its length, and chunks of vendor, type,
 * length, value.
 */
export interface DecodedHep {
  readonly family: number;
  readonly protocol: number;
  readonly source: string;
  readonly target: string;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly time: number;
  readonly kind: number;
  readonly captureId: number;
  readonly key: string | undefined;
  readonly correlation: string | undefined;
  readonly payload: string;
}

/** Removes complete packets from the start of a stream. */
export function splitHep(bytes: Buffer): { readonly packets: readonly Buffer[]; readonly rest: Buffer } {
  const packets: Buffer[] = [];
  let at = 0;
  while (bytes.length - at >= 6) {
    if (bytes.toString('latin1', at, at + 4) !== 'HEP3') throw new Error(`no HEP3 at octet ${at}`);
    const length = (bytes[at + 4] as number) * 256 + (bytes[at + 5] as number);
    if (bytes.length - at < length) break;
    packets.push(bytes.subarray(at, at + length));
    at += length;
  }
  return { packets, rest: bytes.subarray(at) };
}

export function decodeHep(packet: Buffer): DecodedHep {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (packet.toString('latin1', 0, 4) !== 'HEP3') throw new Error('not HEP3');
  if (view.getUint16(4) !== packet.length) throw new Error(`length ${view.getUint16(4)} of ${packet.length} octets`);
  const chunks = new Map<number, Buffer>();
  for (let at = 6; at < packet.length; ) {
    const [vendor, type, length] = [view.getUint16(at), view.getUint16(at + 2), view.getUint16(at + 4)];
    if (vendor !== 0) throw new Error(`vendor ${vendor}`);
    if (length < 6 || at + length > packet.length) throw new Error(`chunk ${type} of ${length} octets at ${at}`);
    chunks.set(type, packet.subarray(at + 6, at + length));
    at += length;
  }
  const value = (type: number, length?: number): Buffer => {
    const found = chunks.get(type);
    if (found === undefined) throw new Error(`no chunk ${type}`);
    if (length !== undefined && found.length !== length) throw new Error(`chunk ${type} has ${found.length} octets`);
    return found;
  };
  const six = value(1, 1)[0] === 10;
  const address = (four: number, sixth: number): string => {
    if (!six) return [...value(four, 4)].join('.');
    const bytes = value(sixth, 16);
    return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':');
  };
  return {
    family: value(1, 1)[0] as number,
    protocol: value(2, 1)[0] as number,
    source: address(3, 5),
    target: address(4, 6),
    sourcePort: value(7, 2).readUInt16BE(),
    targetPort: value(8, 2).readUInt16BE(),
    time: value(9, 4).readUInt32BE() * 1000 + value(10, 4).readUInt32BE() / 1000,
    kind: value(11, 1)[0] as number,
    captureId: value(12, 4).readUInt32BE(),
    key: chunks.get(14)?.toString(),
    correlation: chunks.get(17)?.toString(),
    payload: value(15).toString('latin1'),
  };
}
