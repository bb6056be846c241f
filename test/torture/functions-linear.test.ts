import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SWEPT_ROUTES } from '../support/function-calls.js';
import { seeded } from '../support/motifs.js';
import { SweptSender } from '../support/swept-messages.js';

/** Other seeds choose other contents: SWEEP_SEED=$RANDOM SWEEP_CASES=20. */
const SEED = Number(process.env['SWEEP_SEED'] ?? 1);
const CASES = Number(process.env['SWEEP_CASES'] ?? 2);

const random = seeded(SEED);
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

for (const dialect of ['opensips', 'kamailio'] as const)
  for (const kind of SWEPT_ROUTES) {
    test(`every function of ${dialect}.cfg takes time in proportion to a message: ${kind} routes`, async () => {
      const sender = new SweptSender(dialect, kind);
      try {
        assert.ok(sender.calls.length > 400, `${sender.calls.length} calls`);
        assert.ok(sender.refused.size < 80, [...sender.refused.values()].join('\n'));
        for (let round = 0; round < CASES; round++) assert.deepEqual(await sender.sweep(pick), []);
      } finally {
        await sender.stop();
      }
    });
  }
