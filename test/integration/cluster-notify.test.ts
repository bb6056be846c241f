import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Child } from '../support/child-process.js';
import { RealCluster } from '../support/cluster/real-cluster.js';
import { withoutNats } from '../support/nats-fixtures.js';
import { SWITCHYARD } from '../support/program.js';
import { until } from '../support/until.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

suite('the notify script for keepalived', { skip: withoutNats, timeout: 60_000 }, () => {
  test('makes the node on which it runs the holder of the tag', async () => {
    const cluster = await RealCluster.start({ nodes: 2, gateways: 2, cluster: { tags: { vip: { prefer: ['n1'] } } } });
    try {
      const active = (name: string) => cluster.node(name).metric('switchyard_cluster_tag_active');
      await until('n1 has it', async () => (await active('n1')) === 1, { milliseconds: 5000 });
      const program = join(cluster.folder, 'switchyard');
      await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" ${SWITCHYARD.join(' ')} "$@"\n`);
      await chmod(program, 0o755);
      const script = join(root, 'examples/deploy/cluster/notify.sh');
      const env = { ...process.env, PATH: `${cluster.folder}:${process.env['PATH']}` };
      const notify = new Child('sh', [script, 'vip', join(cluster.folder, 'n2', 'switchyard.json')], { env });
      assert.equal(await notify.exited, 0, notify.stderr);
      await until('n2 has it', async () => (await active('n2')) === 1 && (await active('n1')) === 0, {
        milliseconds: 2000,
      });
    } finally {
      await cluster.stop();
    }
  });
});
