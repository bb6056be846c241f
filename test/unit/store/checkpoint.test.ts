import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkpointAside } from '../../../src/store/checkpoint.js';
import { initDatabase, insertRows } from '../../../src/store/provision.js';
import { sqlFixture } from '../../support/store-fixtures.js';

test('a checkpoint moves what a flush wrote from the write-ahead log into the file while the connection stays open', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'switchyard-checkpoint-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const path = join(dir, 'a.db');
  const fixture = sqlFixture(t, `sqlite://${path}`);
  await initDatabase(fixture.spec);
  await insertRows(
    fixture.spec,
    Array.from({ length: 20_000 }, (_, i) => ({
      setId: 1,
      uri: `sip:10.0.${i >> 8}.${i & 255}`,
      attrs: 'x'.repeat(100),
    })),
  );
  const store = fixture.store();
  const { rows } = await store.load();
  await store.saveStates(rows.map(({ rowId, setId, uri }) => ({ rowId, setId, uri, state: 'probing' })));
  assert.ok((await stat(`${path}-wal`)).size > 1024 * 1024, 'the rows are still in the write-ahead log');
  // A checkpoint that the flush itself began may be running.
  const inFile = async () => {
    await checkpointAside(path);
    const copy = join(dir, 'copy.db');
    await copyFile(path, copy);
    const other = sqlFixture(t, `sqlite://${copy}`).pools.open({
      ...fixture.spec.url,
      path: copy,
      canonical: copy,
    } as never);
    try {
      return await other.run(async (knex) =>
        Number((await knex(fixture.spec.table).where('state', 2).count('* as n'))[0]?.['n']),
      );
    } catch {
      // A copy made while pages are moved is not a valid database.
      return 0;
    } finally {
      await other.release();
    }
  };
  const deadline = performance.now() + 30_000;
  while ((await inFile()) < rows.length)
    assert.ok(performance.now() < deadline, 'the rows were not moved into the file');
  await checkpointAside(join(dir, 'nothing.db'));
});
