import type { CommandAnswer } from './protocol.js';

/** Milliseconds that a worker has for a command. */
const MOST_MS = 5000;

interface Waiting {
  readonly from: Set<number>;
  readonly answers: CommandAnswer[];
  readonly end: () => void;
}

/** Runs management commands of modules in all workers: each knows its own calls. */
export class RemoteCommands {
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  constructor(
    private readonly workers: number,
    /** Sends the command to a worker; false where none runs at the moment. */
    private readonly send: (worker: number, id: number, name: string, params: string) => boolean,
  ) {}

  /** What the workers answer; one that does not answer in time, or dies, is left out. Never rejects. */
  run(name: string, params: object): Promise<readonly CommandAnswer[]> {
    const id = ++this.last;
    return new Promise((resolve) => {
      const answers: CommandAnswer[] = [];
      const from = new Set(Array.from({ length: this.workers }, (_, i) => i + 1));
      const end = (): void => {
        clearTimeout(timer);
        this.waiting.delete(id);
        resolve(answers);
      };
      const timer = setTimeout(end, MOST_MS);
      this.waiting.set(id, { from, answers, end });
      const text = JSON.stringify(params);
      for (const worker of [...from]) if (!this.send(worker, id, name, text)) this.lost(worker);
    });
  }

  /** A worker has answered. */
  answered(worker: number, id: number, answer: CommandAnswer): void {
    const waiting = this.waiting.get(id);
    if (waiting?.from.delete(worker) !== true) return;
    waiting.answers.push(answer);
    if (waiting.from.size === 0) waiting.end();
  }

  /** A worker has died: it answers nothing any more. */
  lost(worker: number): void {
    for (const waiting of [...this.waiting.values()]) {
      if (waiting.from.delete(worker) && waiting.from.size === 0) waiting.end();
    }
  }
}
