import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepRecord } from '../../../../src/modules/acc/kept.js';
import type { Dialog } from '../../../../src/modules/dialog/dialog.js';
import type { ScriptEnvironment } from '../../../../src/script/environment.js';

test('the fields of a record are collected only if another process keeps them', () => {
  const dialog = { entry: 7, id: 9, callId: 'c', lifetime: 60_000, atEnd: [] as (() => void)[] } as unknown as Dialog;
  const env = (keep?: ScriptEnvironment['services']['keep']) =>
    ({ services: { keep } }) as unknown as ScriptEnvironment;
  keepRecord(env(), dialog, () => assert.fail('nobody keeps it'));
  assert.equal(dialog.atEnd.length, 0);
  const kept: unknown[] = [];
  keepRecord(
    env((...call) => kept.push(call)),
    dialog,
    () => ({ kamailio: { source: '192.0.2.7', callId: 'c', start: 5, extra: [] } }),
  );
  for (const each of dialog.atEnd) each(dialog.call);
  const text = '{"kamailio":{"source":"192.0.2.7","callId":"c","start":5,"extra":[]}}';
  assert.deepEqual(kept, [
    ['7.9', { callId: 'c', lifetimeMs: 60_000, text }],
    ['7.9', undefined],
  ]);
});
