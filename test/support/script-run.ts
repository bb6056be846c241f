import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadedCfg, loadCfg } from '../../src/cfg-file/load.js';
import { readSettings } from '../../src/config/load.js';
import type { Settings } from '../../src/config/settings.js';
import type { Clock } from '../../src/core/clock.js';
import { type Logger, nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';

const MODULES: Readonly<Record<string, string>> = {
  opensips: 'tm sl rr sipmsgops maxfwd',
  kamailio: 'tm sl rr pv xlog textops siputils kex',
};

export interface ScriptRunOptions {
  readonly dialect: 'opensips' | 'kamailio';
  /** Modules in addition to the default ones. */
  readonly modules?: string;
  /** Text between the modules and the routes. */
  readonly head?: string;
  /** Routes; without "route" at its start it is the body of the request route. */
  readonly script: string;
  /** Keys of a switchyard.json for the file. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly clock?: Clock;
  /** The file is for OpenSIPS 1.x or 2.x. */
  readonly old?: boolean;
  /** The daemon's log. Default: none. */
  readonly log?: Logger;
  /** Whether script output goes to the log, as in a daemon. Default: to `lines`. */
  readonly logged?: boolean;
}

/** A running script without sockets: tests hand it messages, and sent messages are kept. */
export interface ScriptRunner {
  readonly daemon: Daemon;
  /** Output of xlog without line ends. */
  readonly lines: string[];
  readonly sent: { readonly text: string; readonly address: string; readonly port: number }[];
  /** Hands in a message; its source is 127.0.0.1:5070 unless given. */
  receive(text: string, port?: number, address?: string): void;
  /** Reloads the file with a changed text. */
  reload(change: (text: string) => string): Promise<void>;
  stop(): Promise<void>;
}

/** A request from 127.0.0.1:5070. */
export const INVITE = [
  'INVITE sip:bob@sw.example SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1',
  'Max-Forwards: 70',
  'From: "Alice" <sip:alice@a.example>;tag=ft',
  'To: <sip:bob@b.example>',
  'Call-ID: a@a.example',
  'CSeq: 1 INVITE',
  'Contact: <sip:alice@127.0.0.1:5070>',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

/** A gateway's reply, such as "486 Busy Here", to a request it received; `headers`: complete lines. */
export function answerTo(
  request: string,
  status: string,
  { tag, headers = [] }: { readonly tag?: string; readonly headers?: readonly string[] } = {},
): string {
  const copied = request
    .split('\r\n')
    .filter((line) => /^(?:Via|From|To|Call-ID|CSeq|Record-Route):/.test(line))
    .map((line) => (tag !== undefined && line.startsWith('To:') ? `${line};tag=${tag}` : line));
  return [`SIP/2.0 ${status}`, ...copied, ...headers, 'Content-Length: 0', '', ''].join('\r\n');
}

/** Loads a script; throws CfgError when it cannot be used. */
export function startScript({
  dialect,
  modules = '',
  head = '',
  script,
  clock,
  log,
  old,
  settings,
  logged,
}: ScriptRunOptions): ScriptRunner {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-script-'));
  const file = join(folder, 'proxy.cfg');
  const loads = `${MODULES[dialect]} ${modules}`
    .trim()
    .split(/\s+/)
    .map((each) => `loadmodule "${each}.so"`);
  const routes = /^\s*(?:request_)?route\b|^\s*[a-z_]+_route\b/.test(script)
    ? script
    : `${dialect === 'kamailio' ? 'request_route' : 'route'} {\n${script}\n}\n`;
  const listen = dialect === 'kamailio' || old === true ? 'listen' : 'socket';
  const text = [
    dialect === 'kamailio' ? '#!KAMAILIO' : '#!OPENSIPS',
    `${listen}=udp:127.0.0.1:5060`,
    ...loads,
    head.replaceAll('FOLDER', folder),
    routes,
  ].join('\n');
  writeFileSync(file, text, 'latin1');
  const lines: string[] = [];
  const sent: { text: string; address: string; port: number }[] = [];
  const cfg = loadCfg(file);
  const settingsWith = (read: LoadedCfg): Settings =>
    readSettings({ ...settings, ...read.settings }, { cwd: folder }, file).settings;
  const daemon = new Daemon({
    settings: settingsWith(cfg),
    log: log ?? nullLogger,
    drainMs: 0,
    cfg,
    ...(logged === true ? {} : { scriptOutput: (_level, line) => lines.push(line.replace(/\n$/, '')) }),
    unsent: (message, address, port) => sent.push({ text: message, address, port }),
    ...(clock === undefined ? {} : { clock }),
  });
  return {
    daemon,
    lines,
    sent,
    receive(message, port = 5070, address = '127.0.0.1') {
      const socket = daemon.sockets.all[0];
      if (socket === undefined) throw new Error('no socket');
      daemon.layer.receive(message, { socket, address, port, flow: undefined });
    },
    async reload(change) {
      writeFileSync(file, change(text), 'latin1');
      const next = loadCfg(file);
      await daemon.reconfigure(settingsWith(next), next);
    },
    async stop() {
      await daemon.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Output of a script for one INVITE up to the line "end", which is waited for and left out. */
export async function linesOf(options: ScriptRunOptions): Promise<string[]> {
  const runner = startScript(options);
  try {
    runner.receive(INVITE);
    // Functions that wait complete a little later.
    const deadline = performance.now() + 10_000;
    while (runner.lines.at(-1) !== 'end' && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5));
    return runner.lines.filter((each) => each !== 'end');
  } finally {
    await runner.stop();
  }
}

/**
 * Hands in a request, waits for the relayed INVITE, and stops the script: returns the INVITE's body and the script's
 * output.
 */
export async function relayedInvite(
  runner: ScriptRunner,
  request: string,
): Promise<{ readonly body: string; readonly lines: string[] }> {
  try {
    runner.receive(request);
    const invite = () => runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text;
    for (let i = 0; i < 600 && invite() === undefined; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    const text = invite() ?? '';
    return { body: text.slice(text.indexOf('\r\n\r\n') + 4), lines: runner.lines };
  } finally {
    await runner.stop();
  }
}
