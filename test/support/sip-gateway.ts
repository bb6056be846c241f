import * as sip from 'sip';
import { freePort } from './ports.js';
import { createStack } from './sip-stack.js';

/** Reaction of a gateway to a request: a final status, no reply, or a detailed plan. */
export type Answer = number | `${number}` | 'silent' | AnswerPlan;

export interface AnswerPlan {
  readonly status: number;
  readonly reason?: string;
  /** Milliseconds to ring (180) before the final answer of an INVITE. Default: no 180. */
  readonly ringMs?: number;
  /** Milliseconds until the first reply. Default 0. */
  readonly delayMs?: number;
  readonly headers?: sip.SipHeaders;
  readonly content?: string;
}

export interface GatewayOptions {
  /** Its own address, 127.0.0.2 or another: the stack cannot send to another port of its own address. */
  readonly host: string;
  /** UDP port. Default: one that is free. */
  readonly port?: number;
  /** Name in its Contact and Server header fields and in the results of calls. */
  readonly name: string;
  /** Called for each request outside a dialog except ACK and CANCEL. Default: 200. */
  readonly answer?: (request: sip.SipRequest) => Answer;
}

interface PendingInvite {
  readonly request: sip.SipRequest;
  readonly tag: string;
  readonly timers: Set<NodeJS.Timeout>;
  /** The final reply; a 2xx is repeated until its ACK arrives (RFC 3261 section 13.3.1.4). */
  final: number;
}

/** A gateway on npm `sip`, which shares no code with the daemon. */
export class Gateway {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Its URI for a destination table. */
  readonly uri: string;
  /** Number of received requests by method, without retransmissions. */
  readonly received = new Map<string, number>();
  /** Calls answered with 200 that have received an ACK and no BYE. */
  activeCalls = 0;
  /** The last requests, newest last, up to a thousand. */
  readonly requests: sip.SipRequest[] = [];
  /** May be changed while it runs. */
  answer: (request: sip.SipRequest) => Answer;

  private stack: sip.SipStack | undefined;
  private readonly invites = new Map<string, PendingInvite>();
  private readonly dialogs = new Map<string, 'answered' | 'confirmed'>();
  private tags = 0;

  constructor(options: GatewayOptions & { port: number }) {
    this.name = options.name;
    this.host = options.host;
    this.port = options.port;
    this.uri = `sip:${options.host}:${options.port}`;
    this.answer = options.answer ?? (() => 200);
  }

  get alive(): boolean {
    return this.stack !== undefined;
  }

  /** Requests of a method received so far. */
  count(method: string): number {
    return this.received.get(method) ?? 0;
  }

  /** Closes its port and drops its calls, as after a power failure. */
  kill(): void {
    for (const invite of this.invites.values()) clearTimers(invite);
    this.invites.clear();
    this.dialogs.clear();
    this.activeCalls = 0;
    this.stack?.destroy();
    this.stack = undefined;
  }

  /** Opens its port (again). Throws when the port is in use. */
  async revive(): Promise<void> {
    this.stack ??= await createStack(this.host, this.port, (request) => this.onRequest(request));
  }

  private onRequest(request: sip.SipRequest): void {
    this.received.set(request.method, this.count(request.method) + 1);
    this.requests.push(request);
    if (this.requests.length > 1000) this.requests.shift();
    const callId = String(request.headers['call-id']);
    const inDialog = request.headers.to?.params['tag'] !== undefined;
    switch (request.method) {
      case 'ACK':
        this.onAck(callId, request);
        return;
      case 'CANCEL':
        this.onCancel(request);
        return;
      case 'BYE':
        this.onBye(callId, request);
        return;
    }
    if (inDialog) {
      if (!this.dialogs.has(callId)) this.reply(request, 481);
      else if (request.method === 'INVITE') this.answerInvite(request, { status: 200 });
      else this.reply(request, 200);
      return;
    }
    const answer = this.answer(request);
    if (answer === 'silent') return;
    const plan = typeof answer === 'object' ? answer : { status: Number(answer) };
    if (request.method === 'INVITE') this.answerInvite(request, plan);
    else if (plan.delayMs === undefined) this.reply(request, plan.status, plan);
    else setTimeout(() => this.reply(request, plan.status, plan), plan.delayMs).unref();
  }

  private answerInvite(request: sip.SipRequest, plan: AnswerPlan): void {
    const tag = request.headers.to?.params['tag'] ?? `${this.name.replace(/\W/g, '')}-${++this.tags}`;
    const invite: PendingInvite = { request, tag, timers: new Set(), final: 0 };
    this.invites.set(transactionKey(request), invite);
    const finish = () => {
      this.finalAnswer(invite, plan.status, plan);
    };
    const begin = () => {
      if (plan.ringMs === undefined) return finish();
      this.reply(request, 180, { tag, dialog: true });
      this.later(invite, plan.ringMs, finish);
    };
    if (plan.delayMs === undefined) begin();
    else this.later(invite, plan.delayMs, begin);
  }

  private finalAnswer(invite: PendingInvite, status: number, plan: Omit<AnswerPlan, 'status'> = {}): void {
    invite.final = status;
    const { request, tag } = invite;
    const send = () => this.reply(request, status, { ...plan, tag, dialog: status < 300 });
    send();
    if (status >= 300) {
      this.invites.delete(transactionKey(request));
      return;
    }
    const callId = String(request.headers['call-id']);
    if (!this.dialogs.has(callId)) this.dialogs.set(callId, 'answered');
    const again = (wait: number, left: number): void => {
      if (left === 0) {
        this.invites.delete(transactionKey(request));
        return;
      }
      this.later(invite, wait, () => {
        send();
        again(Math.min(wait * 2, 4000), left - 1);
      });
    };
    again(500, 10);
  }

  private onAck(callId: string, request: sip.SipRequest): void {
    for (const [key, invite] of this.invites) {
      const { headers } = invite.request;
      if (headers['call-id'] !== callId || headers.cseq?.seq !== request.headers.cseq?.seq) continue;
      clearTimers(invite);
      this.invites.delete(key);
    }
    if (this.dialogs.get(callId) !== 'answered') return;
    this.dialogs.set(callId, 'confirmed');
    this.activeCalls++;
  }

  private onBye(callId: string, request: sip.SipRequest): void {
    const known = this.dialogs.get(callId);
    if (known === 'confirmed') this.activeCalls--;
    this.dialogs.delete(callId);
    this.reply(request, known === undefined ? 481 : 200);
  }

  private onCancel(request: sip.SipRequest): void {
    const invite = this.invites.get(transactionKey(request));
    this.reply(request, invite === undefined ? 481 : 200);
    if (invite === undefined || invite.final !== 0) return;
    clearTimers(invite);
    this.finalAnswer(invite, 487, { reason: 'Request Terminated' });
  }

  private reply(
    request: sip.SipRequest,
    status: number,
    extra: { reason?: string; headers?: sip.SipHeaders; content?: string; tag?: string; dialog?: boolean } = {},
  ): void {
    if (this.stack === undefined) return;
    const response = sip.makeResponse(request, status, extra.reason ?? REASONS[status] ?? 'Answer');
    const to = request.headers.to;
    if (to !== undefined && to.params['tag'] === undefined) {
      response.headers.to = { ...to, params: { ...to.params, tag: extra.tag ?? `${this.name}-${++this.tags}` } };
    }
    response.headers['server'] = this.name;
    if (extra.dialog === true) {
      if (request.headers['record-route']) response.headers['record-route'] = request.headers['record-route'];
      response.headers.contact = [
        { uri: `sip:${encodeURIComponent(this.name)}@${this.host}:${this.port}`, params: {} },
      ];
    }
    Object.assign(response.headers, extra.headers);
    response.content = extra.content;
    this.stack.send(response);
  }

  private later(invite: PendingInvite, ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      invite.timers.delete(timer);
      run();
    }, ms);
    invite.timers.add(timer);
  }
}

/** Starts a gateway; resolves when its port is open. Throws when the port is in use. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new Gateway({ ...options, port: options.port ?? (await freePort(options.host)) });
  await gateway.revive();
  return gateway;
}

const REASONS: Readonly<Record<number, string>> = {
  180: 'Ringing',
  200: 'OK',
  404: 'Not Found',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  486: 'Busy Here',
  487: 'Request Terminated',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  603: 'Decline',
};

/** An INVITE and its CANCEL have the same top Via branch and Call-ID. */
function transactionKey(request: sip.SipRequest): string {
  return `${request.headers.via?.[0]?.params['branch']} ${request.headers['call-id']}`;
}

function clearTimers(invite: PendingInvite): void {
  for (const timer of invite.timers) clearTimeout(timer);
  invite.timers.clear();
}
