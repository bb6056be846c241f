import { execFileSync } from 'node:child_process';
import { mkdtempSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../partitions.js';
import { RealCluster } from './real-cluster.js';
import { settle, unrest } from './scenarios.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The source of `commit` in a temporary folder, with the present packages. */
function checkOut(commit: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-older-'));
  const archive = execFileSync('git', ['archive', commit], { cwd: ROOT, maxBuffer: 256 * 1024 * 1024 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** The commit of the first release that documents the cluster. */
function firstWithCluster(): string {
  const args = ['log', '--diff-filter=A', '--format=%H', '--', 'examples/cluster.md'];
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n').at(-1) ?? '';
}

/**
 * Nodes of an older build are replaced one by one while states change everywhere. At the end nodes, tables, bucket and
 * events agree. Needs the history of the repository.
 */
export async function rollingUpgrade(options: { readonly seed: number; readonly commit?: string }): Promise<object> {
  const random = seededRandom(options.seed);
  const commit = options.commit ?? firstWithCluster();
  const folder = checkOut(commit);
  let cluster: RealCluster | undefined;
  try {
    cluster = await RealCluster.start({
      gateways: 20,
      main: () => ['--import', import.meta.resolve('tsx'), join(folder, 'src/main.ts')],
    });
    const changes = unrest(cluster, () => random.uint32() / 2 ** 32);
    await sleep(3000);
    for (const node of cluster.nodes) {
      await node.stop();
      node.main = undefined;
      await node.start();
      // Both versions run together for a while.
      await sleep(6000);
    }
    await changes.stop();
    return { commit: commit.slice(0, 7), changes: changes.count, ...(await settle(cluster)) };
  } finally {
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
