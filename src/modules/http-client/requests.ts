import type { MessageRun } from '../../script/call.js';
import type { HttpAnswer, HttpFailure, HttpRequest } from '../../script/services.js';
import { answerChallenge, readChallenge } from '../digest.js';
import { type HttpSettings, httpConnections, type NamedConnection } from './connections.js';

/** Codes of libcurl that the functions return instead of a status. */
const CURL_CODES: Readonly<Record<HttpFailure, number>> = {
  'unknown scheme': 1,
  'bad url': 3,
  'unknown host': 6,
  refused: 7,
  unreachable: 7,
  'connect timeout': 28,
  timeout: 28,
  tls: 35,
  'no answer': 52,
  failed: 56,
  certificate: 60,
  'too long': 63,
};

/** The code for too many redirections, and their maximum number. */
const TOO_MANY_REDIRECTS = 47;
const MAX_REDIRECTS = 20;
/** Header fields of a script that are not sent to another server than the one it named. */
const SECRET = /^(?:authorization|cookie)$/i;
/** Maximum number of simultaneous requests: each keeps a message in memory. */
const MAX_RUNNING = 1000;

/** A request of a script. */
export interface Wanted {
  readonly method: HttpRequest['method'];
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | undefined;
  readonly maxBytes: number;
}

/** Result of a request: a status or a code of libcurl, the body, and the URL of the last answer. */
export interface RequestOutcome {
  readonly code: number;
  readonly body: string;
  readonly url: string;
}

/** Sends a request, follows redirections and answers challenges; the timeout of the settings is for all of it. */
export async function perform(
  run: MessageRun,
  wanted: Wanted,
  settings: HttpSettings,
  connection?: NamedConnection,
): Promise<RequestOutcome> {
  const module = run.env.modules.of(httpConnections);
  const failed = (code: number, reason: string): RequestOutcome => {
    module.counts.failed++;
    const { message, env } = run;
    env.peerLog.warn(
      { callId: message.callId, url: wanted.url.slice(0, 256), reason, code },
      'script: an HTTP request failed',
    );
    return { code, body: '', url: wanted.url };
  };
  const { address } = run.call.source;
  if (!run.env.peers.admits('http_requests', module.running, MAX_RUNNING, address))
    return failed(CURL_CODES.failed, `${module.running.used} requests are under way`);
  module.running.add(address);
  try {
    const outcome = await new Exchange(run, wanted, settings, connection).outcome();
    if (typeof outcome === 'string') return failed(CURL_CODES[outcome], outcome);
    if (outcome.code < 100 || outcome.code >= 500) return failed(outcome.code, `status ${outcome.code}`);
    module.counts.ok++;
    return outcome;
  } finally {
    module.running.remove(address);
  }
}

/** A request and those that follow from it. */
class Exchange {
  private readonly until: number;
  private url: string;
  private method: HttpRequest['method'];
  private body: string | undefined;
  private authorization: string | undefined;
  /** Whether a redirection has led to another scheme, host or port. */
  private left = false;

  constructor(
    private readonly run: MessageRun,
    private readonly wanted: Wanted,
    private readonly settings: HttpSettings,
    private readonly connection: NamedConnection | undefined,
  ) {
    this.until = run.env.clock.monotonic() + settings.timeoutMs;
    // libcurl assumes "http://" for a text without a scheme, and accepts no blanks.
    this.url = /^[a-z][a-z0-9+.-]*:\/\//i.test(wanted.url) ? wanted.url : `http://${wanted.url}`;
    this.method = wanted.method;
    this.body = wanted.body;
  }

  async outcome(): Promise<RequestOutcome | HttpFailure> {
    if (/[\x00-\x20\x7f]/.test(this.url)) return 'bad url';
    let redirects = 0;
    for (;;) {
      const answer = await this.send();
      if (typeof answer === 'string') return answer;
      if (answer.status === 401 && this.authenticates(answer)) continue;
      const outcome = { code: answer.status, body: answer.body, url: this.url };
      if (!this.settings.follows || !this.redirected(answer)) return outcome;
      if (++redirects > MAX_REDIRECTS) return { ...outcome, code: TOO_MANY_REDIRECTS };
    }
  }

  private send(): Promise<HttpAnswer | HttpFailure> {
    const { wanted, settings, body, run } = this;
    const left = this.until - run.env.clock.monotonic();
    if (left <= 0) return Promise.resolve('timeout');
    const headers: (readonly [string, string])[] = [
      ['User-Agent', settings.userAgent === '' ? ownAgent(run.env.userAgentLine) : settings.userAgent],
      ['Accept', '*/*'],
    ];
    if (this.authorization !== undefined) headers.push(['Authorization', this.authorization]);
    headers.push(...(this.left ? wanted.headers.filter(([name]) => !SECRET.test(name)) : wanted.headers));
    if (body !== undefined) headers.push(['Content-Length', String(body.length)]);
    return run.env.services.http({
      method: this.method,
      url: this.url,
      headers: [...new Map(headers.map((each) => [each[0].toLowerCase(), each])).values()],
      body,
      connectMs: left,
      totalMs: left,
      maxBytes: wanted.maxBytes,
      cut: true,
      verify: settings.verify,
      tls: settings.tls,
    });
  }

  /** Takes the credentials for a challenge, once, and only from the connection's own server. */
  private authenticates({ challenges }: HttpAnswer): boolean {
    const { connection, method, body = '', run } = this;
    const user = connection?.user;
    if (connection === undefined || user === undefined || this.authorization !== undefined) return false;
    const { origin, pathname, search } = new URL(this.url);
    if (new URL(`${connection.scheme}://${connection.authority}`).origin !== origin) return false;
    const credentials = { user, password: connection.password ?? '' };
    for (const each of challenges) {
      const challenge = readChallenge(each);
      if (challenge === undefined) continue;
      const uri = pathname + search;
      this.authorization = answerChallenge(challenge, { method, uri, body }, credentials, run.env.random.token(16));
      if (this.authorization !== undefined) return true;
    }
    if (!challenges.some((each) => /^[ \t\r\n]*basic\b/i.test(each))) return false;
    this.authorization = `Basic ${Buffer.from(`${user}:${credentials.password}`, 'latin1').toString('base64')}`;
    return true;
  }

  /** Prepares the request to the URL of a redirection; false when the answer is not one. */
  private redirected({ status, location }: HttpAnswer): boolean {
    if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) return false;
    let next: URL;
    try {
      next = new URL(location, this.url);
    } catch {
      return false;
    }
    if (next.origin !== new URL(this.url).origin) {
      this.authorization = undefined;
      this.left = true;
    }
    this.url = next.href;
    // As in libcurl, the redirected request is a GET without the body.
    if (status < 304 && this.method === 'POST') {
      this.method = 'GET';
      this.body = undefined;
    }
    return true;
  }
}

/** The value in a User-Agent header line of SIP requests. */
function ownAgent(line: string): string {
  return /^[^:]*:[ \t\r\n]*([^\r\n]+)/.exec(line)?.[1] ?? 'switchyard';
}
