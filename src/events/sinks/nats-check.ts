import { natsReason } from './nats-fault.js';
import { nats } from './nats-package.js';
import { connectionOptions, type NatsSettings, redactServer } from './nats-settings.js';
import { streamConfig, streamFaults } from './nats-stream.js';

const CONNECT_TIMEOUT = 2000;

/**
 * Checks the NATS server of a configuration and returns what is wrong, in words: it is unreachable, or its stream does
 * not fit. Changes nothing there. Throws SwitchyardError CONFIG_INVALID for unusable settings.
 */
export async function checkNats(settings: NatsSettings): Promise<readonly string[]> {
  const options = { ...connectionOptions(settings, 'switchyard-check'), reconnect: false, timeout: CONNECT_TIMEOUT };
  const servers = settings.servers.map(redactServer).join(', ');
  try {
    const connection = await nats().connect(options);
    try {
      const { jetstream, prefix } = settings;
      if (jetstream === undefined) return [];
      const config = await streamConfig(connection, jetstream.stream);
      return config === undefined ? [] : streamFaults(jetstream.stream, config, prefix).map(({ reason }) => reason);
    } finally {
      await connection.close();
    }
  } catch (error) {
    return [`NATS at ${servers}: ${natsReason(error)}`];
  }
}
