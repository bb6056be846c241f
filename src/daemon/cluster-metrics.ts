import type { ClusterCounters } from '../cluster/bus.js';
import type { ClusterNode } from '../cluster/node.js';
import type { Tags } from '../cluster/tags.js';
import type { Metrics } from '../stats/metrics.js';

const STATE = { joining: 2, ready: 3, draining: 3, alone: 1 } as const;

const COUNTERS: readonly (readonly [name: string, help: string, key: keyof ClusterCounters])[] = [
  ['takeovers_total', 'Destinations this node became the owner of', 'takeovers'],
  ['feed_gaps_total', 'Times records were missing from the feed and read again', 'gaps'],
  ['rejoins_total', 'Times this node returned to the cluster', 'rejoins'],
  ['suspects_total', 'Times an owner was asked to check a destination whose calls fail', 'suspects'],
  ['quorum_disagreements_total', 'Destinations that only this node could not reach', 'disagreements'],
  ['events_republished_total', 'Events published again because their owner is gone', 'republished'],
  ['fences_total', 'Times this process did not run for so long that it gave up its destinations', 'fences'],
  ['generation_changes_total', 'Times the bucket was created again or had lost writes', 'generations'],
];

/**
 * Registers the metrics of the cluster, by which operators see why nodes disagree:
 *
 *   switchyard_cluster_state                     0 refused, 1 alone, 2 joining, 3 ready
 *   switchyard_cluster_nodes                     nodes that this one considers alive, including itself
 *   switchyard_cluster_peer_last_heard_seconds   by node: age of its last heartbeat
 *   switchyard_cluster_owned_destinations        by partition: destinations of which this node is the owner
 *   switchyard_cluster_commits_total             by result: ok, conflict, timeout
 *   switchyard_cluster_commit_seconds            histogram of the time a commit took
 *   switchyard_cluster_feed_lag_seconds          for how long another node has been ahead of this one
 *   switchyard_cluster_overlays                  destinations whose state here is not committed yet
 *   switchyard_cluster_events_waiting            destinations with events that may not be stored yet
 *   switchyard_cluster_rows_differ               by partition: seconds for which two nodes have had different rows
 *   switchyard_cluster_tag_active                by tag: 1 active here, 0 backup
 */
export function registerClusterMetrics(metrics: Metrics, node: ClusterNode, tags: Tags): void {
  const gauge = (name: string, help: string, collect: () => Iterable<readonly [Record<string, string>, number]>) =>
    metrics.gauge({ name: `switchyard_cluster_${name}`, help, collect });
  gauge('state', 'State in the cluster: 0 refused, 1 alone, 2 joining, 3 ready', () => [
    [{}, node.refused === undefined ? STATE[node.phase] : 0],
  ]);
  gauge('nodes', 'Nodes that are alive as this node sees it, itself included', () => [
    [{}, node.membership.others.size + 1],
  ]);
  gauge('peer_last_heard_seconds', 'Age of the last heartbeat of a node', () =>
    [...node.membership.others.values()].map(
      ({ name, receivedAt }) => [{ node: name }, Math.max(0, node.now - receivedAt) / 1000] as const,
    ),
  );
  gauge('owned_destinations', 'Destinations this node owns', () =>
    [...node.owners.ownedCounts].map(([partition, count]) => [{ partition }, count] as const),
  );
  metrics.gauge({
    name: 'switchyard_cluster_commits_total',
    help: 'Commits by result',
    type: 'counter',
    collect: () => [
      [{ result: 'ok' }, node.counters.commits],
      [{ result: 'conflict' }, node.counters.conflicts],
      [{ result: 'timeout' }, node.counters.timeouts],
    ],
  });
  gauge('feed_lag_seconds', 'How long another node has had newer records than this one', () => [
    [{}, node.following.lagMs / 1000],
  ]);
  gauge('overlays', 'Destinations whose state here is not committed', () => [[{}, node.overlays]]);
  gauge('events_waiting', 'Destinations with events that may not be stored yet', () => [[{}, node.announcer.waiting]]);
  gauge('rows_differ', 'Seconds the rows of a partition have differed between nodes', () =>
    [...node.rows.names()].map((partition) => [{ partition }, node.owners.differsMs(partition) / 1000] as const),
  );
  gauge('tag_active', 'Whether a sharing tag is active here', () =>
    tags.names().map((tag) => [{ tag }, tags.isActive(tag) ? 1 : 0] as const),
  );
  for (const [name, help, key] of COUNTERS) {
    metrics.gauge({
      name: `switchyard_cluster_${name}`,
      help,
      type: 'counter',
      collect: () => [[{}, node.counters[key]]],
    });
  }
}
