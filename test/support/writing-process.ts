/** Counts in shared memory until it is killed: descriptor 4 is the memory, whose size comes in a message. */
import { SharedValues } from '../../src/core/shared-values.js';
import { loadLibc } from '../../src/sip/transport/native/libc.js';

process.on('disconnect', () => process.exit(0));
process.on('message', async (bytes: number) => {
  const loaded = await loadLibc();
  if (!('libc' in loaded)) process.exit(1);
  const values = new SharedValues(loaded.libc.map(4, bytes), () => 0);
  const [table, counts] = [values.table('t', 200), values.table('counts', 1)];
  process.send?.('ready');
  for (let i = 0; ; i++) {
    counts.alone(() => counts.set('all', Number(counts.get('all', 0) ?? 0) + 1, undefined));
    table.set(`k${i % 300}`, 'x'.repeat(i % 700), undefined);
    if (i % 3 === 0) table.delete(`k${(i * 7) % 300}`);
  }
});
