import { coreHash, dispatcherHash } from '../../../src/engine/hash.js';
import type { Outcome } from './outcome.js';

/**
 * A hash over one or two texts, as bytes in hexadecimal. The files from OpenSIPS have hex and hex2, those from Kamailio
 * inputHex, or input1Hex and input2Hex.
 */
interface HashVector {
  readonly hex?: string;
  readonly hex2?: string;
  readonly inputHex?: string;
  readonly input1Hex?: string;
  readonly input2Hex?: string;
  readonly hash: number;
}

/** Hashes of OpenSIPS by function ("vectors"), or of Kamailio over one and over two keys. */
export interface RecordedHashes {
  readonly vectors?: Readonly<Record<string, readonly HashVector[]>>;
  readonly one?: readonly HashVector[];
  readonly two?: readonly HashVector[];
}

const FUNCTIONS: Readonly<Record<string, (a: string, b: string | undefined) => number>> = {
  'ds_get_hash(x,NULL)': dispatcherHash,
  'ds_get_hash(x,y)': dispatcherHash,
  'core_hash(x,NULL,0)': coreHash,
  'core_hash(x,y,0)': coreHash,
  'core_hash(x,NULL,16)': (a, b) => coreHash(a, b, 16),
  'one key': dispatcherHash,
  'two keys': dispatcherHash,
};

const bytes = (hex: string): string => Buffer.from(hex, 'hex').toString('latin1');

/** Computes every hash of a file. */
export function runHashes({ vectors = {}, one, two }: RecordedHashes): Outcome[] {
  const groups = { ...vectors, ...(one && { 'one key': one }), ...(two && { 'two keys': two }) };
  return Object.entries(groups).flatMap(([name, all]) => {
    const hash = FUNCTIONS[name];
    return all.map((each, i): Outcome => {
      const first = each.hex ?? each.inputHex ?? each.input1Hex ?? '';
      const second = each.hex2 ?? each.input2Hex;
      const got = hash?.(bytes(first), second === undefined ? undefined : bytes(second));
      const misses = got === each.hash ? [] : [`bytes ${first} ${second ?? ''}: expected ${each.hash}, seen ${got}`];
      return { id: `${name} ${i}`, area: `hash ${name}`, misses };
    });
  });
}
