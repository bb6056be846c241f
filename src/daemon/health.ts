import type { Engine } from '../engine/engine.js';
import type { HealthReport } from '../http/handlers.js';
import type { PartitionRuntime } from '../tenant/tenant.js';
import { VERSION } from './version.js';

/** The data about a partition that its health depends on. */
type RuntimeCondition = Pick<PartitionRuntime, 'name' | 'notReady' | 'figures'>;

/** The data that the health of a node depends on. */
export interface NodeCondition {
  readonly engine: Engine;
  readonly runtimes: readonly RuntimeCondition[];
  readonly stopping: boolean;
  /** Whether NATS is connected; undefined if it is not configured. */
  readonly natsConnected: boolean | undefined;
  /** State in the cluster; undefined without a cluster. */
  readonly cluster: string | undefined;
}

/** The state of a node, for /readyz and /health. */
export function healthOf({ engine, runtimes, stopping, natsConnected, cluster }: NodeCondition): HealthReport {
  const isLoaded = runtimes.length === 0 || runtimes.some(({ notReady }) => notReady === undefined);
  return {
    ready: !stopping && isLoaded,
    partitions: Object.fromEntries(runtimes.map((each) => [each.name, conditionOf(engine, each)])),
    details: {
      version: VERSION,
      ...(natsConnected === undefined ? {} : { nats: natsConnected ? 'connected' : 'not connected' }),
      ...(cluster === undefined ? {} : { cluster }),
    },
  };
}

function conditionOf(engine: Engine, { name, notReady, figures }: RuntimeCondition): string {
  if (notReady !== undefined) return notReady;
  const { discarded } = figures;
  const isEmpty = engine.partition(name)?.snapshot.size === 0;
  return isEmpty && discarded > 0 ? `no destination: all ${discarded} rows were discarded` : 'ready';
}
