import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child, isBound } from './child-process.js';
import { freePort } from './ports.js';
import { renderTemplate } from './template.js';

const SCENARIOS = fileURLToPath(new URL('./scenarios/', import.meta.url));

/** SIPp's counts from its statistics file (cumulative columns). */
export interface SippCounts {
  /** Calls that completed their scenario. */
  readonly ok: number;
  readonly failed: number;
  /** Calls that either side began. */
  readonly begun: number;
  readonly retransmissions: number;
  /** Mean time to the final reply in milliseconds; 0 when the scenario does not measure it. */
  readonly responseMs: number;
}

export interface SippResult extends SippCounts {
  /** 0: all calls successful; 1: some failed; 97 and 99: ended early; 255 and 254: fatal; null: killed. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  /** Distinct lines of its error trace, up to twenty. */
  readonly errors: readonly string[];
  /** Its messages with times for the calls in the error trace; only with `traceFailed`. */
  readonly failedCalls: readonly string[];
}

interface CommonOptions {
  /** Name of a file in test/support/scenarios without `.xml`, or a path. */
  readonly scenario: string;
  /** Values for the `{{name}}` variables of the scenario. */
  readonly values?: Readonly<Record<string, string | number>>;
  /** Address to bind; it also selects IPv4 or IPv6. Default 127.0.0.1. */
  readonly host?: string;
  /** Default: one that is free. */
  readonly port?: number;
  /** Default udp. */
  readonly transport?: 'udp' | 'tcp';
  /** Further arguments of the sipp command. */
  readonly args?: readonly string[];
  /** Keeps messages of failed calls. For few calls only. */
  readonly traceFailed?: boolean;
}

export interface SippCallerOptions extends CommonOptions {
  /** `host:port` of the next hop. */
  readonly target: string;
  /** User part of the request URI. Default "service". */
  readonly service?: string;
  /** Number of calls. Default 1. */
  readonly calls?: number;
  /** Calls per second. Default 10. */
  readonly rate?: number;
  /** Maximum number of parallel calls. Default: SIPp's own limit. */
  readonly limit?: number;
  /** SIPp is killed after this time. Default 20 s. */
  readonly timeoutMs?: number;
}

/** Whether the `sipp` command is available. */
export async function haveSipp(): Promise<boolean> {
  return (await new Child('sipp', ['-v']).exited) !== 127;
}

/**
 * Makes calls with SIPp and waits until they end. Throws only when SIPp cannot be started; the result counts failed
 * calls.
 */
export async function runSipp(options: SippCallerOptions): Promise<SippResult> {
  const run = await launch(options, [
    ...['-s', options.service ?? 'service', '-m', String(options.calls ?? 1), '-r', String(options.rate ?? 10)],
    ...(options.limit === undefined ? [] : ['-l', String(options.limit)]),
    options.target,
  ]);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    void quit(run.child);
  }, options.timeoutMs ?? 20_000);
  const exitCode = await run.child.exited;
  clearTimeout(timer);
  return run.collect(exitCode, timedOut);
}

/** A SIPp that answers calls until it is stopped. */
export interface SippAnswerer {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** `sip:host:port`, with `;transport=tcp` where it applies, as in a destination table. */
  readonly uri: string;
  /** Stops it, with its calls in progress, and returns its counts. May be called more than once. */
  stop(): Promise<SippResult>;
}

/** Starts SIPp as the answerer and waits until its port is bound. */
export async function startSippUas(options: CommonOptions): Promise<SippAnswerer> {
  const run = await launch(options, []);
  const transport = options.transport ?? 'udp';
  try {
    await run.child.until(() => isBound(run.port, transport), 5000, `sipp ${options.scenario}`);
  } catch (error) {
    await quit(run.child);
    await run.collect(null, false);
    throw error;
  }
  let stopped: Promise<SippResult> | undefined;
  const hostPort = `${run.host.includes(':') ? `[${run.host}]` : run.host}:${run.port}`;
  return {
    host: run.host,
    port: run.port,
    pid: run.child.pid,
    uri: `sip:${hostPort}${transport === 'tcp' ? ';transport=tcp' : ''}`,
    stop() {
      stopped ??= quit(run.child).then((code) => run.collect(code, false));
      return stopped;
    },
  };
}

interface Run {
  readonly child: Child;
  readonly host: string;
  readonly port: number;
  /** Reads the counts and removes the temporary folder. */
  collect(exitCode: number | null, timedOut: boolean): Promise<SippResult>;
}

async function launch(options: CommonOptions, more: readonly string[]): Promise<Run> {
  const host = options.host ?? '127.0.0.1';
  const port = options.port ?? (await freePort(host));
  const path = options.scenario.endsWith('.xml') ? options.scenario : join(SCENARIOS, `${options.scenario}.xml`);
  const text = renderTemplate(await readFile(path, 'utf8'), options.values ?? {}, `scenario ${basename(path)}`);
  const folder = await mkdtemp(join(tmpdir(), 'sipp-'));
  await writeFile(join(folder, 'scenario.xml'), text);
  const args = [
    ...['-sf', 'scenario.xml', '-i', host, '-p', String(port), '-bind_local', '-nostdin', '-skip_rlimit'],
    ...['-t', options.transport === 'tcp' ? 't1' : 'u1'],
    // By default SIPp has 64 KiB, which overflow when it is not scheduled for three milliseconds at 2,000 calls per
    // second.
    ...['-buff_size', String(4 * 1024 * 1024)],
    ...['-trace_stat', '-stf', 'stat.csv', '-fd', '1', '-trace_err', '-error_file', 'errors.log'],
    ...(options.traceFailed === true ? ['-trace_msg', '-message_file', 'messages.log'] : []),
    ...(options.args ?? []),
    ...more,
  ];
  const child = new Child('sipp', args, { cwd: folder, env: { ...process.env, TERM: 'dumb' } });
  return {
    child,
    host,
    port,
    async collect(exitCode, timedOut) {
      const counts = parseStatistics(await readFile(join(folder, 'stat.csv'), 'latin1').catch(() => ''));
      const log = await readFile(join(folder, 'errors.log'), 'latin1').catch(() => '');
      const messages = await readFile(join(folder, 'messages.log'), 'latin1').catch(() => '');
      await rm(folder, { recursive: true, force: true });
      const fatal = exitCode === 127 || (exitCode !== null && exitCode > 200) ? child.said() : '';
      const errors = [...new Set(`${fatal}\n${log}`.split('\n').map(withoutTime).filter(Boolean))].slice(0, 20);
      return { ...counts, exitCode, timedOut, errors, failedCalls: callsNamed(log, messages) };
    },
  };
}

/** The messages of calls whose Call-ID is in the error trace, one text for each call. */
function callsNamed(errors: string, messages: string): string[] {
  const parts = messages.split(/^-{20,}[^\n]*\n?/m);
  const times = messages.match(/^-{20,}[^\n]*/gm) ?? [];
  const ids = new Set([...errors.matchAll(/\b[0-9]+-[0-9]+@[0-9.]+/g)].map(([id]) => id));
  return [...ids].slice(0, 20).map((id) => {
    const own = times.flatMap((time, i) => (parts[i + 1]?.includes(id) === true ? [`${time}\n${parts[i + 1]}`] : []));
    return own.join('\n');
  });
}

/** On SIGUSR1 SIPp ends after the calls in progress, on a second one at once; both write complete statistics. */
async function quit(child: Child): Promise<number | null> {
  for (let i = 0; i < 8 && child.running; i++) {
    child.process.kill('SIGUSR1');
    await Promise.race([child.exited, sleep(100)]);
  }
  return child.stop('SIGTERM', 500);
}

function parseStatistics(csv: string): SippCounts {
  const lines = csv.split('\n').filter((line) => line.includes(';'));
  const names = lines[0]?.split(';') ?? [];
  const last = lines.length > 1 ? (lines.at(-1)?.split(';') ?? []) : [];
  const column = (name: string) => last[names.indexOf(name)] ?? '';
  return {
    ok: Number(column('SuccessfulCall(C)')) || 0,
    failed: Number(column('FailedCall(C)')) || 0,
    begun: Number(column('TotalCallCreated')) || 0,
    retransmissions: Number(column('Retransmissions(C)')) || 0,
    responseMs: durationMs(column('ResponseTime1(C)')),
  };
}

/** SIPp writes durations as 00:00:00:001000 (hours, minutes, seconds, microseconds). */
function durationMs(text: string): number {
  const parts = text.split(':').map(Number);
  if (parts.length !== 4 || parts.some(Number.isNaN)) return 0;
  const [h = 0, m = 0, s = 0, us = 0] = parts;
  return ((h * 60 + m) * 60 + s) * 1000 + us / 1000;
}

function withoutTime(line: string): string {
  return line.replace(/^\d{4}-\d\d-\d\d[\t ]+[\d:.]+[\t ]+[\d.]*:?\s*/, '').trim();
}
