import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

interface Reply {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Looks into a node process that was started with `--inspect=HOST:PORT`: its live heap and the pauses of its event loop. */
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

  /** Bytes alive on the JavaScript heap and outside it (buffers), after a full collection. */
  async liveBytes(): Promise<number> {
    await this.call('HeapProfiler.collectGarbage');
    const value = await this.evaluate('(() => { const m = process.memoryUsage(); return m.heapUsed + m.external; })()');
    return Number(value);
  }

  /** Begins to watch the event loop; the returned function tells the longest pause since, milliseconds. */
  async watchPauses(): Promise<() => Promise<number>> {
    await this.evaluate(
      "globalThis.benchDelay = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: 1 }); benchDelay.enable()",
    );
    return async () => Number(await this.evaluate('benchDelay.disable(), benchDelay.max / 1e6'));
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
