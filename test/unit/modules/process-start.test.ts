import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/core/clock.js';
import { linesOf } from '../../support/script-run.js';

test('$Tb is the time at which the process started, by the clock of the daemon', async () => {
  const hour = 3_600_000;
  const clock = { ...systemClock, now: () => systemClock.now() - hour };
  const script = 'xlog("$Tb\\n"); xlog("$Ts\\n"); xlog("end\\n");';
  const [start = '', now = ''] = await linesOf({ dialect: 'kamailio', clock, script });
  assert.ok(Number(start) <= Number(now) && Number(now) <= (systemClock.now() - hour) / 1000, `${start} ${now}`);
  assert.ok(Math.abs(Number(now) - Number(start) - process.uptime()) < 2, `${start} ${now}`);
});
