import type { DispatcherControl } from '../management/mi/dependencies.js';
import type { ClusterHooks } from './cluster-hooks.js';

/** The dispatcher's commands in a cluster: loads, changes of tables and switching of probing are done by all nodes. */
export function clusteredDispatcher(control: DispatcherControl, cluster: ClusterHooks): DispatcherControl {
  const spread = async (partitions: readonly string[]): Promise<void> => {
    await cluster.parts?.control.reloaded(partitions, false);
  };
  return {
    ...control,
    async reload(names, request) {
      const reports = await control.reload(names, request);
      if (!request.dryRun && request.spread !== false) await spread([...reports.keys()]);
      return reports;
    },
    async add(partition, row, options) {
      await control.add(partition, row, options);
      if (options.persist) await spread([partition.name]);
    },
    async remove(partition, setId, uri, options) {
      const removed = await control.remove(partition, setId, uri, options);
      if (removed && options.persist) await spread([partition.name]);
      return removed;
    },
    setProbingActive(active, partition) {
      control.setProbingActive(active, partition);
      cluster.parts?.control.setProbing(active, partition);
    },
  };
}
