import { closeSync, constants, lstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';

/** A service without which the daemon can run: if it cannot start, the reason is logged. */
export class OptionalService implements Service {
  readonly name: string;
  private started = false;

  /** @param path its path; the folder is created if missing */
  constructor(
    private readonly service: Service,
    private readonly path: string,
    private readonly log: Logger,
  ) {
    this.name = service.name;
  }

  /** Never rejects. */
  async start(): Promise<void> {
    try {
      makeFolder(dirname(this.path));
      // If the settings name the path, it is taken over from another process. If it is a default path, the commands of
      // another proxy must not be taken.
      if (isServed(this.path)) {
        throw new SwitchyardError('TRANSPORT_BIND', `another process reads ${this.path}`);
      }
      await this.service.start();
      this.started = true;
    } catch (error) {
      this.log.warn({ err: error }, `${this.name} is not opened: ${messageOf(error)}`);
    }
  }

  async stop(): Promise<void> {
    if (this.started) await this.service.stop();
  }
}

/** If it cannot be created, the service's own error will name it. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder);
  } catch {
    // It exists, or its parent does not.
  }
}

/** Whether a process reads the FIFO at a path, or listens on the UNIX socket there. False when unknown. */
function isServed(path: string): boolean {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isFIFO() === true) {
      // Fails if there is no reader (ENXIO).
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));
      return true;
    }
    return (
      stats?.isSocket() === true &&
      readFileSync('/proc/net/unix', 'latin1')
        .split('\n')
        .some((line) => line.endsWith(` ${path}`))
    );
  } catch {
    return false;
  }
}
