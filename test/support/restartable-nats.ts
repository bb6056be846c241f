import { rm } from 'node:fs/promises';
import { type NatsServerOptions, startNatsServer } from './servers.js';

/** A NATS server of one test that can be killed and restarted on the same port with the same data. */
export interface RestartableNats {
  readonly url: string;
  readonly port: number;
  /** Folder of its data. */
  readonly dir: string;
  /** SIGKILL; the data remain. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

export async function startRestartableNats(options: NatsServerOptions = {}): Promise<RestartableNats> {
  let running = await startNatsServer(options);
  const { url, port, dir } = running;
  return {
    url,
    port,
    dir,
    kill: () => running.kill(),
    async restart() {
      running = await startNatsServer({ ...options, port, dir });
    },
    async stop() {
      await running.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
