import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuditRecord } from '../access/audit.js';
import type { Caller } from '../access/caller.js';
import { mayDo, type Rights, sees } from '../access/rights.js';
import { type HttpHandler, sendPieces, sendText } from './server.js';

/** The state of the node. */
export interface HealthReport {
  /** Whether the node can serve: at least one partition is loaded, and the node is not stopping. */
  readonly ready: boolean;
  /** State of each partition: "ready", or what is wrong with it. */
  readonly partitions: Readonly<Record<string, string>>;
  /** State of other parts: { "version": "0.1.0", "nats": "connected" }. Contains no secrets. */
  readonly details: { readonly [part: string]: unknown };
}

/** Returns the state of the node. */
export type HealthSource = () => HealthReport;

const GET_ANSWERS = 'application/json';

/** /livez: answers 200 while the process runs. */
export function liveHandler(): HttpHandler {
  return (_request, response) => sendText(response, 200, GET_ANSWERS, '{"status":"ok"}\n');
}

/** /readyz: 200 when the node can serve, else 503. Needs no authentication and shows nothing else. */
export function readyHandler(source: HealthSource): HttpHandler {
  return (_request, response) => {
    const { ready } = source();
    sendText(response, ready ? 200 : 503, GET_ANSWERS, `{"status":"${ready ? 'ok' : 'unavailable'}"}\n`);
  };
}

/**
 * /health: 503 when the node cannot serve; else 200, with status "degraded" when a partition is not ready. Details are
 * shown only to an authenticated `caller`, and only of the partitions it may see.
 */
export function healthHandler(source: HealthSource, caller: Rights | undefined): HttpHandler {
  return (_request, response) => {
    const { ready, partitions, details } = source();
    const all = Object.entries(partitions);
    const status = !ready ? 'unavailable' : all.every(([, condition]) => condition === 'ready') ? 'ok' : 'degraded';
    let body: Readonly<Record<string, unknown>> = { status };
    if (caller !== undefined) {
      body = { status, ...details, partitions: Object.fromEntries(all.filter(([name]) => sees(caller, name))) };
    }
    sendText(response, ready ? 200 : 503, GET_ANSWERS, `${JSON.stringify(body)}\n`);
  };
}

/** What /metrics reads. */
export interface MetricsSource {
  pieces(wanted?: (labels: string) => boolean): Iterable<string>;
}

/**
 * /metrics: the metrics in the Prometheus text format 0.0.4. A caller limited to some partitions gets only the values
 * of those.
 */
export function metricsHandler(
  metrics: MetricsSource,
): (caller: Rights | undefined, request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return (caller, _request, response) => {
    const wanted = caller?.partitions === undefined ? undefined : (labels: string) => isVisible(caller, labels);
    return sendPieces(response, 'text/plain; version=0.0.4; charset=utf-8', metrics.pieces(wanted));
  };
}

function isVisible(caller: Rights, labels: string): boolean {
  const [, partition] = /[{,]partition="([^"\\]*)"/.exec(labels) ?? [];
  return partition !== undefined && sees(caller, partition);
}

/** Provides audit records. */
export interface AuditSource {
  recent(): readonly AuditRecord[];
}

/** Records in one answer. */
const MAX_RECORDS = 500;

/** /api/audit?after=SEQ: the last audit records that the caller may see, oldest first. For the role admin only. */
export function auditHandler(
  audit: AuditSource,
): (caller: Caller, request: IncomingMessage, response: ServerResponse) => void {
  return (caller, request, response) => {
    if (!mayDo(caller, { role: 'admin' })) {
      sendText(response, 403, GET_ANSWERS, '{"error":"forbidden"}\n');
      return;
    }
    const after = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('after') ?? 0);
    const records = recordsFor(audit, caller, Number.isFinite(after) ? after : 0);
    sendText(response, 200, GET_ANSWERS, `${JSON.stringify({ records: records.slice(-MAX_RECORDS) })}\n`);
  };
}

/** The records a caller may see: a caller limited to some partitions gets only theirs. */
function recordsFor(audit: AuditSource, caller: Rights, after: number): readonly AuditRecord[] {
  return audit.recent().filter(({ seq, partition }) => {
    return seq > after && (caller.partitions === undefined || (partition !== undefined && sees(caller, partition)));
  });
}
