import { createSocket } from 'node:dgram';
import { unlinkSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import { maskSecrets } from '../../core/mask.js';
import { systemRandom } from '../../core/random.js';
import { loadUnixSockets } from '../../management/endpoints/unix-socket.js';
import type { MiValue } from '../../management/mi/command.js';
import { askFifo } from './fifo-client.js';

/** Options for calling a management command. */
export interface CallMiOptions {
  /** Milliseconds to wait for the answer. Default 5000. */
  readonly timeoutMs?: number;
  /** Folder in which the server expects reply FIFOs (its `reply_dir`). Default /tmp/. */
  readonly replyDir?: string;
}

/** The server answered with an error. `code`: the recorded MI or JSON-RPC code. */
export class MiCallError extends Error {
  constructor(
    readonly code: number,
    /** The text of the answer. */
    readonly plain: string,
    readonly data?: string,
    /** What was probably meant. */
    readonly hint?: string,
  ) {
    super(`${data === undefined ? plain : `${plain}: ${data}`}${hint === undefined ? '' : `\n${hint}`}`);
    this.name = 'MiCallError';
  }
}

/**
 * Calls one MI command and returns its result.
 * @param target "fifo:PATH", "udp:HOST:PORT", "unix:PATH", "http://HOST:PORT/mi"; a bare path is a FIFO
 * @param params positional (array), named (object) or none
 * @throws MiCallError when the server answers with an error; SwitchyardError USAGE for another target, TRANSPORT_SEND
 * when it cannot be reached or does not answer in time
 */
export async function callMi(
  target: string,
  method: string,
  params?: readonly MiValue[] | { readonly [name: string]: MiValue },
  options: CallMiOptions = {},
): Promise<MiValue> {
  const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method, ...(params === undefined ? {} : { params }) });
  const text = await ask(target, request, options.timeoutMs ?? 5000, options.replyDir ?? '/tmp/');
  return readAnswer(text, maskSecrets(target));
}

function ask(target: string, request: string, timeoutMs: number, replyDir: string): Promise<string> {
  if (target.startsWith('fifo:')) return askFifo(target.slice(5), request, timeoutMs, replyDir);
  if (target.startsWith('/')) return askFifo(target, request, timeoutMs, replyDir);
  if (/^unix:./.test(target)) return askUnix(target.slice(5), request, timeoutMs);
  if (target.startsWith('http://') || target.startsWith('https://')) return askHttp(target, request, timeoutMs);
  const udp = /^udp:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(target);
  if (udp !== null) return askUdp(udp[1] ?? (udp[2] as string), Number(udp[3]), request, timeoutMs);
  throw new SwitchyardError(
    'USAGE',
    `"${target}" is not an MI target: use fifo:PATH, udp:HOST:PORT, unix:PATH or http://HOST:PORT/mi`,
  );
}

function readAnswer(text: string, target: string): MiValue {
  let answer: { result?: MiValue; error?: string | { code?: number; message?: string; data?: string } } | null;
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    throw new SwitchyardError('TRANSPORT_SEND', `${target} did not answer with JSON: ${text.slice(0, 200).trim()}`);
  }
  if (typeof answer?.error === 'string') throw new SwitchyardError('TRANSPORT_SEND', `${target}: ${answer.error}`);
  if (answer?.error !== undefined) {
    throw new MiCallError(answer.error.code ?? 500, answer.error.message ?? 'error', answer.error.data);
  }
  if (answer?.result === undefined) {
    throw new SwitchyardError('TRANSPORT_SEND', `${target} answered neither result nor error: ${text.slice(0, 200)}`);
  }
  return answer.result;
}

function unreachable(target: string, error: unknown): SwitchyardError {
  if (error instanceof SwitchyardError) return error;
  const { code } = error as { code?: unknown };
  const why = REASONS.find(([pattern]) => pattern.test(`${String(code)} ${messageOf(error)}`))?.[1] ?? messageOf(error);
  return new SwitchyardError('TRANSPORT_SEND', `${target}: ${why}`, { cause: error, retryable: true });
}

/** What system errors mean for the caller; the first match is used. */
const REASONS: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/ENOENT|No such file/i, 'there is no such socket: the daemon does not run, or its settings name another'],
  [/ECONNREFUSED|Connection refused/i, 'nothing listens there: the daemon does not run, or its settings name another'],
  [/EACCES|EPERM|Permission denied|not permitted/i, 'this user may not write to it'],
  [/ENOTFOUND|EAI_AGAIN/i, 'there is no such host'],
  [/ENAMETOOLONG|name too long/i, 'the path is too long for a UNIX socket'],
  [/EPROTOTYPE|wrong type for socket/i, 'it is a stream socket: kamcmd speaks to those'],
];

function silent(target: string, timeoutMs: number): SwitchyardError {
  return new SwitchyardError('TRANSPORT_SEND', `${target} did not answer within ${timeoutMs} ms`, { retryable: true });
}

function askUdp(host: string, port: number, request: string, timeoutMs: number): Promise<string> {
  const target = `udp:${host}:${port}`;
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  return new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(silent(target, timeoutMs)), timeoutMs);
    socket.once('error', (error) => reject(unreachable(target, error)));
    socket.once('message', (bytes) => resolve(bytes.toString()));
    socket.once('close', () => clearTimeout(timer));
    // The socket is connected, so that a closed port is reported at once (ICMP) and no other address can answer.
    socket.connect(port, host, (error?: Error) => {
      if (error != null) reject(unreachable(target, error));
      else socket.send(request);
    });
  }).finally(() => socket.close());
}

async function askUnix(path: string, request: string, timeoutMs: number): Promise<string> {
  const target = `unix:${path}`;
  const module = await loadUnixSockets('TRANSPORT_SEND', target);
  const own = join(tmpdir(), `switchyard-mi-${process.pid}-${systemRandom.token(8)}.sock`);
  const socket = new module.DgramSocket();
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      timer = setTimeout(() => reject(silent(target, timeoutMs)), timeoutMs);
      socket.once('error', (error: Error) => reject(unreachable(target, error)));
      socket.once('data', (bytes: Buffer) => resolve(bytes.toString()));
      socket.bind(own);
      const bytes = Buffer.from(request);
      socket.sendTo(bytes, 0, bytes.length, path, (error) => {
        if (error != null) reject(unreachable(target, error));
      });
    });
  } catch (error) {
    throw unreachable(target, error);
  } finally {
    clearTimeout(timer);
    socket.close();
    try {
      unlinkSync(own);
    } catch {
      // The socket was not bound.
    }
  }
}

/** The credentials in "http://user:password@host/mi", or the token in SWITCHYARD_TOKEN. */
function credentials(target: string): { readonly authorization?: string } {
  const { username, password } = new URL(target);
  const token = process.env['SWITCHYARD_TOKEN'];
  if (username === '') return token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` };
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
}

function withoutLogin(target: string): string {
  const url = new URL(target);
  url.username = '';
  url.password = '';
  return url.href;
}

async function askHttp(target: string, request: string, timeoutMs: number): Promise<string> {
  try {
    const response = await fetch(withoutLogin(target), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...credentials(target) },
      body: request,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return await response.text();
  } catch (error) {
    if ((error as Error).name === 'TimeoutError') throw silent(maskSecrets(target), timeoutMs);
    const cause = (error as { cause?: unknown }).cause;
    throw unreachable(maskSecrets(target), cause ?? error);
  }
}
