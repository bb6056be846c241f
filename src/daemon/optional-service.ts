import { closeSync, constants, lstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';

/** A service that the daemon works without where it cannot be started: the reason is logged. */
export class OptionalService implements Service {
  readonly name: string;
  private started = false;

  /** @param path where it stands: its folder is made where it is not there */
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
      // One that the file names is taken over from whoever has it; one that nobody names must not take the commands of another proxy.
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

/** One that cannot be made is named by the error of what was to stand there. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder);
  } catch {
    // It is there, or its parent is not.
  }
}

/** Whether a process has opened the FIFO at a path for reading, or is bound to the UNIX socket there. False where that is not known. */
function isServed(path: string): boolean {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isFIFO() === true) {
      // Fails without a reader (ENXIO).
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
