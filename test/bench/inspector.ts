import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

interface Reply {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Time spent in one function, without the functions it calls. */
export interface SelfTime {
  /** "name file:line". */
  readonly where: string;
  /** Part of the time in which the process was not idle, 0 to 1. */
  readonly share: number;
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/**
 * Inspects a Node process that was started with `--inspect=HOST:PORT`: its live heap and the pauses of its event loop.
 */
export class Inspector {
  private next = 1;
  private readonly waiting = new Map<number, (reply: Reply) => void>();

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => {
      const reply = JSON.parse(String(data)) as Reply;
      if (reply.id === undefined) return;
      this.waiting.get(reply.id)?.(reply);
      this.waiting.delete(reply.id);
    });
  }

  /** Connects to the inspector at `port` of 127.0.0.1; tries for five seconds. */
  static async connect(port: number): Promise<Inspector> {
    for (let attempt = 0; ; attempt++) {
      try {
        const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
          webSocketDebuggerUrl: string;
        }[];
        const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '');
        await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
        return new Inspector(socket);
      } catch (error) {
        if (attempt >= 50) throw error;
        await sleep(100);
      }
    }
  }

  /** Live bytes on the JavaScript heap and outside it (buffers), after a full collection. */
  async liveBytes(): Promise<number> {
    await this.call('HeapProfiler.collectGarbage');
    const value = await this.evaluate('(() => { const m = process.memoryUsage(); return m.heapUsed + m.external; })()');
    return Number(value);
  }

  /** Starts observing the event loop; the returned function returns the longest pause since then in milliseconds. */
  async watchPauses(): Promise<() => Promise<number>> {
    await this.evaluate(
      "globalThis.benchDelay = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: 1 }); benchDelay.enable()",
    );
    return async () => Number(await this.evaluate('benchDelay.disable(), benchDelay.max / 1e6'));
  }

  /** Starts a CPU profile; the returned function stops it and returns the functions, most time first. */
  async profile(): Promise<() => Promise<SelfTime[]>> {
    await this.call('Profiler.enable');
    await this.call('Profiler.setSamplingInterval', { interval: 500 });
    await this.call('Profiler.start');
    return async () => selfTimes((await this.call('Profiler.stop'))['profile'] as CpuProfile);
  }

  close(): void {
    this.socket.close();
  }

  private async evaluate(expression: string): Promise<unknown> {
    const result = await this.call('Runtime.evaluate', { expression, returnByValue: true });
    if (result['exceptionDetails'] !== undefined) throw new Error(`inspector: ${expression} threw`);
    return (result['result'] as { value?: unknown }).value;
  }

  private call(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, (reply) => {
        if (reply.error === undefined) resolve(reply.result ?? {});
        else reject(new Error(`inspector: ${method}: ${reply.error.message}`));
      });
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }
}

function selfTimes(profile: CpuProfile): SelfTime[] {
  const names = new Map(
    profile.nodes.map(({ id, callFrame }) => {
      const file = callFrame.url.replace(/^.*\/(dist|node_modules)\//, '');
      const where =
        file === '' ? callFrame.functionName : `${callFrame.functionName} ${file}:${callFrame.lineNumber + 1}`;
      return [id, where];
    }),
  );
  const times = new Map<string, number>();
  let busy = 0;
  profile.samples.forEach((id, i) => {
    const name = names.get(id) ?? '';
    if (name === '(idle)') return;
    const time = profile.timeDeltas[i] ?? 0;
    busy += time;
    times.set(name, (times.get(name) ?? 0) + time);
  });
  return [...times].map(([where, time]) => ({ where, share: time / busy })).sort((a, b) => b.share - a.share);
}
