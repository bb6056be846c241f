import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lettersOf } from '../../../src/engine/kamailio/live.js';
import { createListStore } from '../../../src/store/list-store.js';
import { engineWith, partitionOptions } from '../../support/partitions.js';

const folder = mkdtempSync(join(tmpdir(), 'list-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const path = join(folder, 'dispatcher.list');
const store = createListStore(
  { kind: 'list', path, display: `list:${path}` } as Parameters<typeof createListStore>[0],
  { flavour: 'kamailio', persistentState: true } as Parameters<typeof createListStore>[1],
);

test('loading fails for a file that is missing or has no valid line; an empty file gives an empty list', async () => {
  await assert.rejects(store.load(), {
    code: 'STORE_UNREACHABLE',
    message: /list file .*dispatcher\.list cannot be read/,
  });
  writeFileSync(path, '<html>\n<body>not found</body>\n');
  await assert.rejects(store.load(), {
    code: 'STORE_SCHEMA',
    message: /none of its 2 lines can be used; file .*line 1/,
  });
  writeFileSync(path, '# nothing yet\n');
  assert.deepEqual(await store.load(), { rows: [], discarded: [] });
  assert.equal(store.writable, false);
  await assert.rejects(store.saveStates([]), { code: 'STORE_READONLY' });
  await store.close();
});

test('after a reload, a row with edited flags takes its state from them; other rows keep their state', async () => {
  const engine = engineWith([partitionOptions({ flavour: 'kamailio' })]);
  const partition = engine.partition('');
  const letters = (uri: string) => {
    const destination = partition?.find(1, uri);
    return destination === undefined ? '' : lettersOf(destination);
  };
  const load = async (text: string) => {
    writeFileSync(path, text);
    partition?.load((await store.load()).rows, { inheritState: true });
  };
  await load('1 sip:10.0.0.1 0\n1 sip:10.0.0.2 8\n');
  for (const uri of ['sip:10.0.0.1', 'sip:10.0.0.2']) {
    const destination = partition?.find(1, uri) ?? assert.fail();
    engine.states.apply({ destination, kind: 'set', to: 'inactive', origin: 'mi', reason: 'test' });
  }
  assert.deepEqual([letters('sip:10.0.0.1'), letters('sip:10.0.0.2')], ['DX', 'DX']);
  await load('1 sip:10.0.0.1 0\n1 sip:10.0.0.2 0\n');
  assert.deepEqual([letters('sip:10.0.0.1'), letters('sip:10.0.0.2')], ['DX', 'AX']);
});
