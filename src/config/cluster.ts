import type { Json, JsonObject } from './json-source.js';
import type { RawSettings } from './raw.js';
import { type Findings, inside, type Location } from './reading.js';
import type { ClusterConfig, ClusterProbing } from './settings.js';

/**
 * Milliseconds for which the event loop may be blocked before a node gives up what it owns; others must wait longer for
 * its heartbeats.
 */
const FENCE_MS = 1000;

/**
 * Adds the key "cluster" to settings with modparam cluster_id, since in OpenSIPS that parameter alone makes nodes
 * share. Only if "events" says how nodes reach each other.
 */
export function clusterById(settings: JsonObject): JsonObject {
  const { cluster, modparam, events } = settings;
  const id = Number(objectOf(modparam)?.['cluster_id'] ?? 0);
  if (cluster !== undefined || !(id > 0)) return settings;
  return objectOf(objectOf(objectOf(events)?.['nats'])?.['jetstream']) === undefined
    ? settings
    : { ...settings, cluster: {} };
}

function objectOf(value: Json | undefined): JsonObject | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** Reads "cluster" and the module parameters that belong to it; undefined when the node is not in a cluster. */
export function readCluster(raw: RawSettings, root: Location, findings: Findings): ClusterConfig | undefined {
  const { cluster, modparam } = raw;
  if (cluster === undefined) {
    for (const key of ['cluster_id', 'cluster_sharing_tag', 'cluster_probing_mode']) {
      if (modparam[key] === undefined) continue;
      const shares = key === 'cluster_id' && Number(modparam[key]) > 0;
      findings.warn(
        inside(root, 'modparam', key),
        shares
          ? 'has no effect: nodes communicate through a NATS server; set "events" "nats" with "jetstream"'
          : 'has no effect without cluster_id or the key "cluster" of the settings',
      );
    }
    return undefined;
  }
  const location = inside(root, 'cluster');
  if (raw.events.nats?.jetstream === undefined) {
    findings.refuse(location, 'needs "events" "nats" with "jetstream": nodes communicate through a NATS server');
  }
  const { heartbeat_ms: heartbeatMs, dead_after_ms: deadAfterMs } = cluster;
  if (deadAfterMs < 3 * heartbeatMs) {
    findings.refuse(inside(location, 'dead_after_ms'), `must be at least three times heartbeat_ms, ${3 * heartbeatMs}`);
  } else if (deadAfterMs <= FENCE_MS) {
    findings.refuse(
      inside(location, 'dead_after_ms'),
      `must be more than ${FENCE_MS}: a process that did not run gives up its destinations only after that time`,
    );
  }
  const tag = modparam['cluster_sharing_tag'];
  const sharingTag = tag === undefined ? undefined : String(tag);
  const byDefault: ClusterProbing = sharingTag === undefined ? 'distributed' : 'by-shtag';
  const probing = cluster.probing ?? (modparam['cluster_probing_mode'] as ClusterProbing | undefined) ?? byDefault;
  if (probing === 'by-shtag' && sharingTag === undefined) {
    findings.refuse(
      inside(location, 'probing'),
      '"by-shtag" needs modparam cluster_sharing_tag: otherwise no node probes',
    );
  }
  if (cluster.verdict === 'zone' && probing !== 'distributed') {
    findings.refuse(inside(location, 'verdict'), '"zone" needs probing "distributed": each zone probes by itself');
  }
  const tags = new Map(
    Object.entries(cluster.tags).map(([name, each]) => [
      name,
      { prefer: (each?.prefer ?? []).filter((node) => node !== null), auto: each?.auto ?? false },
    ]),
  );
  return {
    name: cluster.name ?? String(modparam['cluster_id'] ?? '1'),
    heartbeatMs,
    deadAfterMs,
    probing,
    verdict: cluster.verdict,
    zone: cluster.zone,
    weight: cluster.weight,
    replicas: cluster.replicas,
    storage: cluster.storage,
    sharingTag,
    tags,
    reload: cluster.reload,
    reloadSpread: cluster.reload_spread,
    aloneProbeRate: cluster.alone_probe_rate,
    loadKeep: cluster.load_keep,
  };
}
