import type { CommandAnswer } from './protocol.js';

/**
 * Maximum milliseconds a worker has for a command, and milliseconds between two checks whether one that has not
 * answered is blocked.
 */
const MAX_MS = 5000;
const LOOK_MS = 250;

interface Waiting {
  readonly from: Set<number>;
  /** By worker, from 1. */
  readonly answers: (CommandAnswer | undefined)[];
  readonly end: () => void;
}

/** Runs management commands of modules in all workers, since each knows only its own calls. */
export class RemoteCommands {
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  constructor(
    private readonly workers: number,
    /** Sends the command to a worker; false if it is not running. */
    private readonly send: (worker: number, id: number, name: string, params: string) => boolean,
    /** Whether the event loop of a worker is blocked: it gets the command, but its answer is not waited for. */
    private readonly stands: (worker: number) => boolean,
    /** Called for each worker whose answer is missing. */
    private readonly missing: (worker: number, name: string) => void,
  ) {}

  /**
   * Runs a command in the workers and returns their answers, from worker 1 on; each worker has its own parameters
   * (undefined: it is not asked). The answer is undefined for a worker that is not asked, is blocked, does not answer
   * in time, or dies. Never rejects.
   */
  run(name: string, paramsOf: (worker: number) => object | undefined): Promise<readonly (CommandAnswer | undefined)[]> {
    const id = ++this.last;
    return new Promise((resolve) => {
      const all = Array.from({ length: this.workers }, (_, i) => i + 1);
      const answers: (CommandAnswer | undefined)[] = all.map(() => undefined);
      const from = new Set(all.filter((worker) => paramsOf(worker) !== undefined));
      if (from.size === 0) {
        resolve(answers);
        return;
      }
      const end = (): void => {
        clearInterval(timer);
        if (!this.waiting.delete(id)) return;
        for (const worker of from) this.missing(worker, name);
        resolve(answers);
      };
      let looks = 0;
      const look = (): void => {
        const isLast = ++looks * LOOK_MS >= MAX_MS;
        if (isLast || [...from].every((worker) => this.stands(worker))) end();
      };
      const timer = setInterval(look, LOOK_MS);
      this.waiting.set(id, { from, answers, end });
      for (const worker of [...from]) {
        if (!this.send(worker, id, name, JSON.stringify(paramsOf(worker)))) this.leaveOut(worker, id);
      }
    });
  }

  /** A worker has answered. */
  answered(worker: number, id: number, answer: CommandAnswer): void {
    const waiting = this.waiting.get(id);
    if (waiting?.from.delete(worker) !== true) return;
    waiting.answers[worker - 1] = answer;
    if (waiting.from.size === 0) waiting.end();
  }

  /** A worker has died, and will not answer. */
  lost(worker: number): void {
    for (const id of [...this.waiting.keys()]) this.leaveOut(worker, id);
  }

  private leaveOut(worker: number, id: number): void {
    const waiting = this.waiting.get(id);
    if (waiting?.from.delete(worker) === true && waiting.from.size === 0) waiting.end();
  }
}
