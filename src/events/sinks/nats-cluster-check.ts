import type { NatsConnection } from 'nats';
import { decodeToken, encodeToken } from '../subject.js';
import { isRefusal, natsReason } from './nats-fault.js';
import { nats } from './nats-package.js';
import { connectionOptions, type NatsSettings } from './nats-settings.js';

const TIMEOUT = 2000;
/** Milliseconds to listen for heartbeats: three usual intervals. */
const LISTEN_MS = 1300;

/** The settings of the cluster that are checked. */
export interface CheckedCluster {
  readonly name: string;
  readonly node: string;
}

/**
 * Checks whether a node can take part in its cluster and returns what is wrong, in words: its bucket has the wrong
 * configuration, the user lacks a permission, another node with this name is alive. Changes nothing there. An
 * unreachable server is not reported, since `checkNats` does that.
 */
export async function checkCluster(settings: NatsSettings, cluster: CheckedCluster): Promise<readonly string[]> {
  const options = { ...connectionOptions(settings, 'switchyard-check'), reconnect: false, timeout: TIMEOUT };
  let connection: NatsConnection;
  try {
    connection = await nats().connect(options);
  } catch {
    return [];
  }
  try {
    const found = await Promise.all([
      checkBucket(connection, settings, cluster),
      checkNames(connection, settings, cluster),
    ]);
    return found.flat();
  } finally {
    await connection.close();
  }
}

async function checkBucket(
  connection: NatsConnection,
  { prefix }: NatsSettings,
  { name }: CheckedCluster,
): Promise<string[]> {
  const token = encodeToken(name);
  const bucket = `SWITCHYARD_${token.replaceAll('=', '_')}`;
  try {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: TIMEOUT });
    const { config } = await manager.streams.info(`KV_${bucket}`);
    const faults: string[] = [];
    const dest = `${prefix}.cluster.${token}.rec.>`;
    if (config.republish?.dest !== dest) {
      faults.push(
        `bucket ${bucket} is not republished to ${dest}: changes of other nodes come late; let the first node make it`,
      );
    }
    if (config.allow_direct) faults.push(`bucket ${bucket} allows direct gets, which may be stale`);
    if ((config.max_age ?? 0) > 0)
      faults.push(`bucket ${bucket} forgets records after ${config.max_age / 1e9} s (max_age)`);
    return faults;
  } catch (error) {
    // No bucket yet: the first node creates it.
    if (error instanceof nats().NatsError && error.api_error?.code === 404) return [];
    const right = `$JS.API.STREAM.INFO.KV_${bucket}`;
    return [
      `bucket ${bucket} cannot be looked at: ${isRefusal(error) ? `no permission for ${right}` : natsReason(error)}`,
    ];
  }
}

/** Listens for heartbeats of the cluster. */
async function checkNames(
  connection: NatsConnection,
  { prefix }: NatsSettings,
  { name, node }: CheckedCluster,
): Promise<string[]> {
  const subject = `${prefix}.cluster.${encodeToken(name)}.hb.*`;
  let refused = false;
  let taken = false;
  connection.subscribe(subject, {
    callback: (error, message) => {
      if (error !== null) refused ||= isRefusal(error);
      else if (decodeToken(message.subject.slice(subject.length - 1)) === node) taken = true;
    },
  });
  await new Promise((resolve) => setTimeout(resolve, LISTEN_MS));
  if (refused) return [`no permission to subscribe to ${subject}: the nodes of cluster ${name} do not find each other`];
  return taken
    ? [`a node named ${node} is alive in cluster ${name}: if it is not this one, it needs another "node"`]
    : [];
}
