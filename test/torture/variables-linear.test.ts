import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../support/motifs.js';
import { SweptSender } from '../support/swept-messages.js';
import { transformationReads, variableReads } from '../support/variable-reads.js';

/** Other seeds choose other contents: SWEEP_SEED=$RANDOM SWEEP_CASES=20. */
const SEED = Number(process.env['SWEEP_SEED'] ?? 1);
const CASES = process.env['SWEEP_CASES'];

const random = seeded(SEED);
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

/** The default of messages, and the least number of names of which something can be loaded. */
const SWEPT = [
  { what: 'variable', reads: variableReads, cases: 1, least: 225 },
  { what: 'transformation', reads: transformationReads, cases: 4, least: 95 },
] as const;

for (const dialect of ['opensips', 'kamailio'] as const)
  for (const { what, reads, cases, least } of SWEPT) {
    test(`every ${what} of ${dialect}.cfg takes time in proportion to a message`, async () => {
      const sender = new SweptSender(dialect, 'request', reads(dialect));
      try {
        const loaded = new Set(sender.calls.map(({ name }) => name));
        assert.ok(loaded.size > least, [...sender.refused.values()].join('\n'));
        const slow: string[] = [];
        for (let round = 0; round < Number(CASES ?? cases); round++) slow.push(...(await sender.sweep(pick)));
        assert.deepEqual(slow, []);
      } finally {
        await sender.stop();
      }
    });
  }
