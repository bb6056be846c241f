import { type HttpHandler, sendPieces, sendText } from './server.js';

/** What /health tells. */
export interface HealthReport {
  /** Whether this node does its work: 200, else 503. */
  readonly ready: boolean;
  /** Which parts are in which condition: { "partitions": { "acme": "starting: ..." } }. Never holds secrets. */
  readonly details: { readonly [part: string]: unknown };
}

/** Answers 200 or 503 with {"status":"ok"|"unavailable", ...details}. */
export function healthHandler(source: () => HealthReport): HttpHandler {
  return (_request, response) => {
    const { ready, details } = source();
    const body = { status: ready ? 'ok' : 'unavailable', ...details };
    sendText(response, ready ? 200 : 503, 'application/json', `${JSON.stringify(body)}\n`);
  };
}

/** Answers with the metrics in the Prometheus text format 0.0.4. */
export function metricsHandler(metrics: { pieces(): Iterable<string> }): HttpHandler {
  return (_request, response) => sendPieces(response, 'text/plain; version=0.0.4; charset=utf-8', metrics.pieces());
}
