import { trimEnd } from '../core/characters.js';
import { SwitchyardError } from '../core/errors.js';
import type { ExecutedStep } from '../core/executed-step.js';
import { maskSecrets } from '../core/mask.js';
import { handWritten } from '../sip/hand-written.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';

/** A message that would be sent, and where to. */
export type UnsentMessage = {
  readonly address: string;
  readonly port: number;
  /** First line of the message. */
  readonly line: string;
  readonly text: string;
};

/** How a request passes through a script: the steps, the log lines, and the messages that would be sent. */
export type ScriptExplanation = {
  readonly steps: readonly ExecutedStep[];
  readonly log: readonly string[];
  readonly sent: readonly UnsentMessage[];
};

/** Milliseconds to wait for the resolution of names, and between two checks for messages. */
const TIMEOUT_MS = 2000;
const LOOK = 20;
/** Maximum number of log lines and messages kept of a run, and characters of each line. */
const MAX_LINES = 200;
const LONGEST_LINE = 4096;

/** Records one run of a script: its trace, its log, and the messages it would send. */
export class ScriptRehearsal {
  private readonly log: string[] = [];
  private readonly sent: UnsentMessage[] = [];
  private listening = true;

  constructor(private readonly path: { readonly steps: ExecutedStep[] }) {}

  readonly scriptOutput = (level: string, text: string): void => {
    if (this.log.length < MAX_LINES) this.log.push(maskSecrets(`${level} ${trimEnd(text)}`.slice(0, LONGEST_LINE)));
  };

  readonly unsent = (text: string, address: string, port: number): void => {
    if (!this.listening || this.sent.length >= MAX_LINES) return;
    const shown = maskSecrets(text);
    this.sent.push({ address, port, line: shown.slice(0, shown.indexOf('\r\n')), text: shown });
  };

  /** Drops what was recorded so far: startup routes are not part of the request's path. */
  forget(): void {
    this.path.steps.length = 0;
    this.log.length = 0;
    this.sent.length = 0;
  }

  /**
   * Runs the script of a daemon without sockets for one request from `source` (an address, or address:port). Throws
   * SwitchyardError USAGE for an invalid request or source.
   */
  async run(
    daemon: { readonly layer: TransactionLayer; readonly sockets: LocalSockets },
    request: string,
    source: string | undefined,
  ): Promise<ScriptExplanation> {
    const { text } = handWritten(request);
    const { address, port } = sourceOf(source);
    const [socket] = daemon.sockets.all;
    if (socket === undefined) {
      throw new SwitchyardError('USAGE', 'the file names no socket to receive the request on');
    }
    daemon.layer.receive(text, { socket, address, port, flow: undefined });
    await this.settled();
    this.listening = false;
    // Copied, since the end of the copied daemon adds lines that do not belong here.
    return { steps: [...this.path.steps], log: [...this.log], sent: [...this.sent] };
  }

  /**
   * Waits until a message other than a provisional reply would be sent, and a moment longer, since names may have to be
   * resolved.
   */
  private async settled(): Promise<void> {
    const done = () => this.sent.some(({ line }) => !line.startsWith('SIP/2.0 1'));
    for (let waited = 0; waited < TIMEOUT_MS; waited += LOOK) {
      const before = done();
      await new Promise((resolve) => setTimeout(resolve, LOOK));
      if (before) return;
    }
  }
}

function sourceOf(text = '127.0.0.1:5060'): { readonly address: string; readonly port: number } {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[0-9.]+)(?::([0-9]{1,5}))?$/.exec(text);
  if (match === null)
    throw new SwitchyardError('USAGE', `expected an address or address:port for source, not "${text}"`);
  return { address: (match[1] as string).replace(/^\[|\]$/g, ''), port: Number(match[2] ?? 5060) };
}
