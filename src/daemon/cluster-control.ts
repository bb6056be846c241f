import { unbounded } from '../access/caller.js';
import type { ClusterNode } from '../cluster/node.js';
import { memberHashes } from '../cluster/owners.js';
import { probingKey } from '../cluster/probing-switch.js';
import type { Questions } from '../cluster/questions.js';
import type { ReloadReport, Reloads } from '../cluster/reloads.js';
import type { Tags } from '../cluster/tags.js';
import { messageOf } from '../core/errors.js';
import type { Destination } from '../engine/destination.js';
import type { MiValue } from '../management/mi/command.js';
import type { ClusterControl } from '../management/mi/dependencies.js';
import type { MiHandler } from '../management/mi/handler.js';

interface Parts {
  readonly node: ClusterNode;
  readonly tags: Tags;
  readonly reloads: Reloads;
  readonly questions: Questions;
  readonly mi: () => MiHandler;
  readonly cluster: string;
}

/** Milliseconds another node may take for a command. */
const COMMAND_MS = 10_000;

/** The functions of the cluster for MI commands. */
export function clusterControl(parts: Parts): ClusterControl {
  const { node, tags, reloads, questions, mi } = parts;
  questions.on('mi', ({ method, params }, answer) => {
    const given = params !== null && typeof params === 'object' ? params : undefined;
    mi()
      .execute(String(method), given, unbounded('nats'))
      .then(
        (result) => answer({ result }),
        (error: unknown) => answer({ error: messageOf(error) }),
      );
  });
  const run = (name: string, method: string, params: MiValue | undefined): Promise<MiValue> => {
    if (name === node.name) {
      return mi()
        .execute(method, params, unbounded('nats'))
        .catch((error: unknown) => ({ error: messageOf(error) }));
    }
    return new Promise((resolve) => {
      questions.ask(name, { q: 'mi', method, params }, COMMAND_MS, (answer) => {
        if (answer === undefined) resolve({ error: 'no answer' });
        else resolve((answer['result'] ?? { error: answer['error'] }) as MiValue);
      });
    });
  };
  return {
    list: () => ({ Clusters: [{ cluster_id: parts.cluster, Nodes: nodesOf(parts) }] }),
    owner(destination) {
      const entry = node.entryOf(destination);
      const ranked = node.owners.ranked(destination);
      return {
        owner: node.owners.ownerOf(destination) ?? null,
        next: ranked.slice(1, 3),
        revision: entry.rev,
        record: (entry.record ?? null) as MiValue,
        pending: entry.queue.map(({ kind, to, origin, reason }) => ({ kind, to, by: origin, reason })),
        suspected: node.suspicions.has(entry),
      };
    },
    describe(destination) {
      const { rev, record } = node.entryOf(destination);
      return { owner: node.owners.ownerOf(destination) ?? '', revision: rev, by: record?.w ?? '' };
    },
    settled: (destinations, ms) => settled(node, destinations, ms),
    sync: () => new Promise((resolve) => node.following.read(1, resolve)),
    drain: (on) => node.drain(on),
    draining: () => node.phase === 'draining',
    forget(name) {
      const key = `m.${name}`;
      if (name === node.name || node.membership.others.has(name) || node.values.get(key) === undefined) {
        return Promise.resolve(false);
      }
      return new Promise((resolve) =>
        node.values.update(
          key,
          () => '',
          (outcome) => resolve(outcome === 'written'),
        ),
      );
    },
    tags: () =>
      tags.names().map((tag) => ({
        Tag: tag,
        Cluster: parts.cluster,
        State: tags.isActive(tag) ? 'active' : 'backup',
        active_on: tags.holder(tag) ?? null,
      })),
    takeTag: (tag) => new Promise((resolve) => tags.take(tag, 'mi', resolve)),
    async run(name, method, params) {
      const names = name === undefined ? [node.name, ...node.membership.others.keys()].sort() : [name];
      const answers = await Promise.all(names.map(async (each) => [each, await run(each, method, params)] as const));
      return Object.fromEntries(answers);
    },
    async reloaded(partitions, wait) {
      const reports: Record<string, MiValue> = {};
      for (const partition of partitions) {
        await new Promise<boolean>((resolve) => reloads.spread(partition, resolve));
        if (wait) reports[partition] = await collected(reloads, partition);
      }
      return wait ? reports : undefined;
    },
    setProbing(on, partition) {
      node.values.update(probingKey(partition), () => JSON.stringify({ probing: on, partition }));
    },
  };
}

function collected(reloads: Reloads, partition: string): Promise<MiValue> {
  const json = ({ rows, error, at, asked }: ReloadReport): MiValue => ({ rows, error, at, asked });
  return new Promise((resolve) => {
    reloads.collect(partition, (reports) => {
      const entries = Object.entries(reports);
      resolve(Object.fromEntries(entries.map(([name, each]) => [name, each === undefined ? null : json(each)])));
    });
  });
}

function settled(node: ClusterNode, destinations: readonly Destination[], ms: number): Promise<boolean> {
  if (node.phase === 'alone') return Promise.resolve(false);
  return new Promise((resolve) => {
    let open = 1;
    const cancel = node.options.clock.schedule(ms, () => resolve(false));
    const done = () => {
      if (--open > 0) return;
      cancel();
      resolve(true);
    };
    for (const destination of destinations) {
      const entries = node.sharesByZone(destination) ? node.zones.entriesElsewhere(destination) : [];
      for (const entry of [node.entryOf(destination), ...entries]) {
        open++;
        node.records.whenSettled(entry, done);
      }
    }
    done();
  });
}

function nodesOf({ node, tags, reloads }: Parts): MiValue {
  const { membership, values, owners, rows, options } = node;
  const hashes = Object.fromEntries([...rows.names()].map((name) => [name, rows.hashOf(name)]));
  const own: MiValue = {
    node_id: node.name,
    link_state: 'Up',
    state: node.refused === undefined ? node.phase : `refused: ${node.refused}`,
    incarnation: node.inc,
    self: true,
    last_heard_ms: 0,
    rev: node.following.feed.rev,
    weight: options.settings.weight,
    owned: Object.fromEntries(owners.ownedCounts),
    probes: owners.sharesOf(node.name),
    partitions: hashes,
    reloads: Object.fromEntries(
      [...rows.names()].map((name) => {
        const { asked, at } = reloads.report(name);
        return [name, asked > at ? `behind ${asked}, at ${at}` : `at ${at}`];
      }),
    ),
    tags: tags.names().filter((tag) => tags.isActive(tag)),
    ...memberOf(values.get(`m.${node.name}`)),
  };
  const nodes: MiValue[] = [own];
  const names = new Set(membership.others.keys());
  for (const [key] of values.under('m.')) if (key !== `m.${node.name}`) names.add(key.slice(2));
  for (const name of [...names].sort()) {
    const peer = membership.others.get(name);
    const text = values.get(`m.${name}`);
    const theirs = text === undefined ? undefined : memberHashes(text);
    const differ = Object.keys(theirs ?? {}).filter(
      (partition) => hashes[partition] !== undefined && theirs?.[partition] !== hashes[partition],
    );
    nodes.push({
      node_id: name,
      link_state: peer === undefined ? 'Down' : 'Up',
      state: peer?.phase ?? 'gone',
      ...(peer === undefined
        ? {}
        : {
            incarnation: peer.inc,
            last_heard_ms: Math.max(0, Math.round(node.now - peer.receivedAt)),
            rev: peer.rev,
            weight: peer.weight,
            probes: owners.sharesOf(name),
            tags: peer.tags,
          }),
      ...(theirs === undefined ? {} : { partitions: theirs }),
      ...(differ.length === 0 ? {} : { rows_differ: differ }),
      ...memberOf(text),
    });
  }
  return nodes;
}

function memberOf(text: string | undefined): { readonly [key: string]: MiValue } {
  if (text === undefined) return {};
  try {
    const { host, version, zone, sockets } = JSON.parse(text) as Record<string, MiValue>;
    return { ...(host && { host }), ...(version && { version }), ...(zone && { zone }), ...(sockets && { sockets }) };
  } catch {
    return {};
  }
}
