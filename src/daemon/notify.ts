import { messageOf } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { loadUnixSockets } from '../management/endpoints/unix-socket.js';

type DgramSocket = InstanceType<Awaited<ReturnType<typeof loadUnixSockets>>['DgramSocket']>;

/** Environment variables of a service manager (sd_notify(3), sd_watchdog_enabled(3)). */
export interface ManagerEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

/**
 * Reports the daemon's state to the service manager over the socket in NOTIFY_SOCKET; without it does nothing. Never
 * throws: if the manager is unreachable, that is only logged.
 */
export class ManagerNotifier {
  private socket: DgramSocket | undefined;
  private watchdog: NodeJS.Timeout | undefined;
  private complained = false;

  private constructor(
    private readonly path: string,
    private readonly env: ManagerEnvironment,
    private readonly log: Logger,
  ) {}

  /** Never rejects. */
  static async open(env: ManagerEnvironment, log: Logger): Promise<ManagerNotifier> {
    const path = env.NOTIFY_SOCKET ?? '';
    const notifier = new ManagerNotifier(path, env, log);
    if (path === '') return notifier;
    if (!path.startsWith('/')) {
      notifier.complain(`"${path}" is not the path of a socket`);
      return notifier;
    }
    try {
      const { DgramSocket: Socket } = await loadUnixSockets('TRANSPORT_SEND', 'NOTIFY_SOCKET');
      notifier.socket = new Socket();
      notifier.socket.on('error', (error) => notifier.complain(messageOf(error)));
    } catch (error) {
      notifier.complain(messageOf(error));
    }
    return notifier;
  }

  /** The daemon serves. From now on sends a watchdog message twice per watchdog interval. */
  ready(status: string): void {
    this.send(`READY=1\nSTATUS=${status}\nMAINPID=${process.pid}`);
    const { WATCHDOG_USEC, WATCHDOG_PID } = this.env;
    const usec = Number(WATCHDOG_USEC);
    const meant = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
    if (this.watchdog !== undefined || this.socket === undefined || !meant || !(usec > 0)) return;
    this.watchdog = setInterval(() => this.send('WATCHDOG=1'), Math.max(1, usec / 2000)).unref();
  }

  /** Settings are being read again, until `ready` is called. The time is for Type=notify-reload. */
  reloading(): void {
    this.send(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  /** The daemon is stopping. */
  stopping(): void {
    this.send('STOPPING=1');
  }

  /** Ends watchdog messages and closes the socket. */
  close(): void {
    clearInterval(this.watchdog);
    this.socket?.close();
    this.socket = undefined;
  }

  private send(text: string): void {
    const { socket } = this;
    if (socket === undefined) return;
    const data = Buffer.from(text);
    try {
      socket.sendTo(data, 0, data.length, this.path, (error) => {
        if (error) this.complain(messageOf(error));
      });
    } catch (error) {
      this.complain(messageOf(error));
    }
  }

  private complain(reason: string): void {
    if (this.complained) return;
    this.complained = true;
    this.log.warn({ reason }, 'the service manager cannot be notified');
  }
}
