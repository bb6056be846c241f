import { randomInt } from 'node:crypto';
import { Mixer } from '../core/mix.js';

const SEEDS = 2 ** 32;
/** One mixer for the whole process, since hashes of Call-IDs are stored and compared later. */
const mixer = new Mixer(randomInt(SEEDS), randomInt(SEEDS));

/**
 * Hashes the Call-ID from `start` to `end` of `text` to two 32-bit numbers, with secret seeds. The result object is
 * reused: read it before the next call.
 */
export function hashCallId(text: string, start = 0, end = text.length): Pick<Mixer, 'a' | 'b'> {
  return mixer.begin().text(text, start, end);
}
