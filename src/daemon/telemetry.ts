import type { Span, SpanOptions, Tracer } from '@opentelemetry/api';
import type { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { callEntry } from '../calls/call-entry.js';
import type { CallEntry, TryEntry } from '../calls/call-entry-types.js';
import type { FinalRecords } from '../calls/call-ledger.js';
import type { CallRecord } from '../calls/call-record.js';
import type { Settings, TelemetryConfig } from '../config/settings.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { hash32 } from '../core/mix.js';
import type { Service } from '../core/service.js';
import { isOneIn } from '../trace/call-id.js';

/** Spans that may wait to be sent; further ones are dropped. */
const MAX_WAITING = 4096;
/** Milliseconds between two requests to the collector, and for one request. */
const SEND_EVERY = 2000;
const SEND_LIMIT = 5000;

type Api = typeof import('@opentelemetry/api');

/**
 * OpenTelemetry: a span for each dispatched request when it has its final reply, with a child span for each attempt.
 * The packages are loaded only if the settings name a collector.
 */
export class Telemetry implements Service, FinalRecords {
  readonly name = 'telemetry';
  private provider: BasicTracerProvider | undefined;
  private api: Api | undefined;
  private tracer: Tracer | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly log: Logger,
  ) {}

  /** Throws SwitchyardError CONFIG_INVALID if the packages are not installed. */
  async start(): Promise<void> {
    const { telemetry, node } = this.settings;
    if (telemetry === undefined) return;
    const { api, provider } = await loaded(telemetry, node);
    this.api = api;
    this.provider = provider;
    this.tracer = provider.getTracer('switchyard');
    this.log.info({ otlp: telemetry.otlp }, 'spans of calls are sent');
  }

  async stop(): Promise<void> {
    this.tracer = undefined;
    // A collector that is down must not delay the shutdown.
    await this.provider?.shutdown().catch((error: unknown) => {
      this.log.warn({ cause: messageOf(error) }, 'the last spans could not be delivered');
    });
    this.provider = undefined;
  }

  /** Whether a call gets spans, by its Call-ID. */
  isWanted(callId: string): boolean {
    const { oneIn } = this.settings.telemetry ?? { oneIn: 1 };
    return this.tracer !== undefined && isOneIn(hash32(callId, 0), oneIn);
  }

  /** Makes the spans of a request with its final reply. */
  record(record: CallRecord): void {
    const { tracer, api } = this;
    const { telemetry, node, privacy } = this.settings;
    if (tracer === undefined || api === undefined || telemetry === undefined) return;
    const entry = callEntry(record, node, privacy);
    const began = record.time;
    const root = tracer.startSpan(`${entry.method} ${entry.partition ?? 'request'}`, requestSpan(api, entry, began));
    const context = api.trace.setSpan(api.ROOT_CONTEXT, root);
    for (const each of entry.tries) {
      const span = tracer.startSpan(`${entry.method} ${each.destination}`, trySpan(api, each, began), context);
      if (each.cause !== undefined || (each.code ?? 0) >= 400) failed(api, span, each.cause ?? String(each.code));
      span.end(began + each.after_ms + (each.ms ?? 0));
    }
    if (entry.code >= 500) failed(api, root, entry.reason ?? String(entry.code));
    root.end(began + entry.ms);
  }
}

function requestSpan(api: Api, entry: CallEntry, startTime: number): SpanOptions {
  const { method, call_id, code, partition, sets, rule, algorithm, source, from, to, ruri, ring_ms } = entry;
  return {
    kind: api.SpanKind.SERVER,
    startTime,
    root: true,
    attributes: {
      'sip.method': method,
      'sip.call_id': call_id,
      'sip.from': from,
      'sip.to': to,
      'sip.request_uri': ruri,
      'sip.status_code': code,
      'switchyard.source': source,
      'switchyard.tries': entry.tries.length,
      ...(partition === undefined ? {} : { 'switchyard.partition': partition }),
      ...(sets === undefined ? {} : { 'switchyard.sets': [...sets] }),
      ...(rule === undefined ? {} : { 'switchyard.rule': rule }),
      ...(algorithm === undefined ? {} : { 'switchyard.algorithm': algorithm }),
      ...(ring_ms === undefined ? {} : { 'switchyard.ring_ms': ring_ms }),
    },
  };
}

function trySpan(api: Api, each: TryEntry, began: number): SpanOptions {
  return {
    kind: api.SpanKind.CLIENT,
    startTime: began + each.after_ms,
    attributes: {
      'switchyard.destination': each.destination,
      ...(each.set === undefined ? {} : { 'switchyard.set': each.set }),
      ...(each.address === undefined ? {} : { 'network.peer.address': each.address }),
      ...(each.code === undefined ? {} : { 'sip.status_code': each.code }),
      ...(each.local === true ? { 'switchyard.local': true } : {}),
      ...(each.cause === undefined ? {} : { 'error.type': each.cause }),
    },
  };
}

function failed(api: Api, span: Span, message: string): void {
  span.setStatus({ code: api.SpanStatusCode.ERROR, message });
}

async function loaded(
  { otlp, headers, service }: TelemetryConfig,
  node: string,
): Promise<{ readonly api: Api; readonly provider: BasicTracerProvider }> {
  try {
    const [api, { resourceFromAttributes }, sdk, { OTLPTraceExporter }] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
    const exporter = new OTLPTraceExporter({ url: otlp, headers: { ...headers }, timeoutMillis: SEND_LIMIT });
    const processor = new sdk.BatchSpanProcessor(exporter, {
      maxQueueSize: MAX_WAITING,
      maxExportBatchSize: 512,
      scheduledDelayMillis: SEND_EVERY,
      exportTimeoutMillis: SEND_LIMIT,
    });
    const resource = resourceFromAttributes({ 'service.name': service, 'service.instance.id': node });
    return { api, provider: new sdk.BasicTracerProvider({ resource, spanProcessors: [processor] }) };
  } catch (error) {
    const names = 'api resources sdk-trace-base exporter-trace-otlp-http'.replaceAll(/\S+/g, '@opentelemetry/$&');
    throw new SwitchyardError('CONFIG_INVALID', `"telemetry" needs packages: npm i ${names} (${messageOf(error)})`, {
      cause: error,
    });
  }
}
