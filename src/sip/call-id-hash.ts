import { randomInt } from 'node:crypto';
import { Mixer } from '../core/mix.js';

const SEEDS = 2 ** 32;
/** One for all: what is kept by one Call-ID is compared with what came later with another. */
const mixer = new Mixer(randomInt(SEEDS), randomInt(SEEDS));

/**
 * The Call-ID that stands in `text` from `start` to `end` in two halves of 32 bits, by secret seeds of this process. The result is used over
 * and over: it is to be read before the next one is made.
 */
export function hashCallId(text: string, start = 0, end = text.length): Pick<Mixer, 'a' | 'b'> {
  return mixer.begin().text(text, start, end);
}
