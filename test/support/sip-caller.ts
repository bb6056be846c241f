import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as sip from 'sip';
import { freePort } from './ports.js';
import { createStack, type OutboundRequest, packageBranch, sendRequest, uriText } from './sip-stack.js';

export interface CallerOptions {
  /** Its own address, different from those of the proxy and the gateways. */
  readonly host: string;
  /** UDP port. Default: one that is free. */
  readonly port?: number;
  /** User part of From. Default "caller". */
  readonly name?: string;
}

export interface CallOptions {
  /** Request-URI and To. */
  readonly ruri: string;
  /** `sip:host:port` that the INVITE is sent to, without a Route header. Default: where the request-URI points. */
  readonly proxy?: string;
  /** User part of From. Default: the caller's name. */
  readonly from?: string;
  readonly headers?: sip.SipHeaders;
  readonly content?: string;
  /** Milliseconds between ACK and BYE. Default 0. */
  readonly holdMs?: number;
  /** Sends CANCEL when this provisional status comes. */
  readonly cancelOn?: number;
  /** Milliseconds until the call is ended as unanswered. Default 10000. */
  readonly timeoutMs?: number;
}

export interface CallResult {
  /** Final status of the INVITE; 0 when none came in time. */
  readonly status: number;
  readonly reason: string;
  /** Statuses of provisional replies in order of arrival. */
  readonly provisional: readonly number[];
  /** Name of the gateway that answered (user part of its Contact); '' when none did. */
  readonly gateway: string;
  /** Final status of the BYE; 0 when none was sent or answered. */
  readonly byeStatus: number;
  readonly callId: string;
  /** URIs of the route set, first hop first. */
  readonly routes: readonly string[];
  /** Milliseconds from INVITE to its final answer. */
  readonly answerMs: number;
}

/** Result of a request outside a dialog. */
export interface RequestResult {
  /** 0 when nothing came in time. */
  readonly status: number;
  readonly reason: string;
  readonly headers: sip.SipHeaders;
}

/** A caller that shares no code with the daemon, for many parallel calls over one port. */
export class Caller {
  private readonly instance = randomBytes(4).toString('hex');
  private calls = 0;

  constructor(
    readonly host: string,
    readonly port: number,
    readonly name: string,
    private readonly stack: sip.SipStack,
  ) {}

  /**
   * INVITE, the final reply, ACK along the recorded route, BYE, its reply. Never throws because of the other side's
   * behaviour.
   */
  async placeCall(options: CallOptions): Promise<CallResult> {
    const started = performance.now();
    const invite = this.request('INVITE', options);
    const provisional: number[] = [];
    let ack: sip.SipRequest | undefined;
    const final = await new Promise<sip.SipResponse | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), options.timeoutMs ?? 10_000);
      sendRequest(this.stack, invite, (response) => {
        if (response.status < 200) {
          provisional.push(response.status);
          if (response.status === options.cancelOn) this.cancel(invite, options.proxy);
          return;
        }
        // The answerer repeats its 2xx until it receives an ACK; each repetition gets one (RFC 3261 section 13.2.2.4).
        if (response.status < 300) sendRequest(this.stack, (ack = this.inDialog('ACK', invite, response)));
        clearTimeout(timer);
        resolve(response);
      });
    });
    const answerMs = performance.now() - started;
    const established = final !== undefined && ack !== undefined;
    if (established && options.holdMs) await sleep(options.holdMs);
    const byeStatus = established ? (await this.transact(this.inDialog('BYE', invite, final), options)).status : 0;
    const contact = final?.headers.contact;
    const target = Array.isArray(contact) ? sip.parseUri(contact[0]?.uri ?? '') : undefined;
    return {
      status: final?.status ?? 0,
      reason: final?.reason ?? '',
      provisional,
      gateway: decodeURIComponent(target?.user ?? ''),
      byeStatus,
      callId: String(invite.headers['call-id']),
      routes: (final?.headers['record-route'] ?? []).map((route) => uriText(route.uri)).reverse(),
      answerMs,
    };
  }

  /** One request outside a dialog (not INVITE) and its final reply. */
  async sendRequest(method: string, options: Omit<CallOptions, 'holdMs' | 'cancelOn'>): Promise<RequestResult> {
    return this.transact(this.request(method, options), options);
  }

  /** Closes its port. Calls in progress get no further reply. */
  stop(): void {
    this.stack.destroy();
  }

  private transact(request: OutboundRequest, options: { readonly timeoutMs?: number }): Promise<RequestResult> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve({ status: 0, reason: '', headers: {} }), options.timeoutMs ?? 10_000);
      sendRequest(this.stack, request, (response) => {
        if (response.status < 200) return;
        clearTimeout(timer);
        resolve({ status: response.status, reason: response.reason, headers: response.headers });
      });
    });
  }

  private request(method: string, options: CallOptions): OutboundRequest {
    const number = ++this.calls;
    const user = options.from ?? this.name;
    return {
      method,
      uri: options.ruri,
      outboundProxy: options.proxy,
      headers: {
        'max-forwards': 70,
        to: { uri: options.ruri, params: {} },
        from: { uri: `sip:${user}@${this.host}:${this.port}`, params: { tag: `${this.instance}${number}` } },
        'call-id': `${this.instance}z${number}@${this.host}`,
        cseq: { method, seq: 1 },
        contact: [{ uri: `sip:${user}@${this.host}:${this.port}`, params: {} }],
        ...options.headers,
      },
      content: options.content,
    };
  }

  private cancel(invite: sip.SipRequest, proxy: string | undefined): void {
    const { headers } = invite;
    const via = headers.via?.[0];
    const cancel: OutboundRequest = {
      method: 'CANCEL',
      uri: invite.uri,
      outboundProxy: proxy,
      headers: {
        via: [{ ...via, params: { ...via?.params, branch: packageBranch(invite) } }],
        'max-forwards': 70,
        ...pick(headers, 'to', 'from', 'call-id'),
        cseq: { method: 'CANCEL', seq: headers.cseq?.seq ?? 1 },
      },
    };
    sendRequest(this.stack, cancel);
  }

  private inDialog(method: 'ACK' | 'BYE', invite: sip.SipRequest, answer: sip.SipResponse): OutboundRequest {
    const contact = answer.headers.contact;
    const seq = invite.headers.cseq?.seq ?? 1;
    return {
      method,
      uri: (Array.isArray(contact) ? contact[0]?.uri : undefined) ?? invite.uri,
      headers: {
        'max-forwards': 70,
        ...pick(invite.headers, 'from', 'call-id'),
        ...pick(answer.headers, 'to'),
        cseq: { method, seq: method === 'ACK' ? seq : seq + 1 },
        route: [...(answer.headers['record-route'] ?? [])].reverse(),
      },
    };
  }
}

/** Opens a caller's port. Throws when the port is in use. */
export async function startCaller(options: CallerOptions): Promise<Caller> {
  const port = options.port ?? (await freePort(options.host));
  const stack = await createStack(options.host, port, (request) => {
    if (request.method !== 'ACK') stack.send(sip.makeResponse(request, request.method === 'BYE' ? 200 : 501, 'Answer'));
  });
  return new Caller(options.host, port, options.name ?? 'caller', stack);
}

function pick(headers: sip.SipHeaders, ...names: readonly (keyof sip.SipHeaders)[]): sip.SipHeaders {
  const picked: sip.SipHeaders = {};
  for (const name of names) if (headers[name] !== undefined) picked[name] = headers[name];
  return picked;
}
