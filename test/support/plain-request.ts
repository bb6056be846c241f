import { digestUsername } from '../../src/core/digest-username.js';
import { addrSpecOf } from '../../src/core/name-addr.js';
import type { RequestData } from '../../src/engine/request-data.js';
import type { RequestView } from '../../src/engine/request-view.js';

/** Values that need pseudo-variables to be evaluated on the message. */
export interface RequestFormats {
  hashVar?(partition: string): string | undefined;
  loadOf?(partition: string, destinationUri: string, setId: number): number | undefined;
  scoreOf?(partition: string, destinationUri: string, attrs: string): number | undefined;
}

/** A RequestView with plain values. */
export class PlainRequest implements RequestView {
  readonly callId: string;
  requestUri: string;

  constructor(
    readonly data: RequestData,
    private readonly formats: RequestFormats = {},
  ) {
    this.callId = data.callid.trim();
    this.requestUri = data.ruri;
  }

  get method(): string {
    return this.data.method;
  }

  get fromUri(): string {
    return addrSpecOf(this.data.from);
  }

  get toUri(): string {
    return addrSpecOf(this.data.to);
  }

  get authUsername(): string | undefined {
    const credentials = this.header('proxy-authorization') ?? this.header('authorization');
    return credentials === undefined ? undefined : digestUsername(credentials);
  }

  hashVar(partition: string): string | undefined {
    return this.formats.hashVar?.(partition);
  }

  loadOf(partition: string, destinationUri: string, setId: number): number | undefined {
    return this.formats.loadOf?.(partition, destinationUri, setId);
  }

  scoreOf(partition: string, destinationUri: string, attrs: string): number | undefined {
    return this.formats.scoreOf?.(partition, destinationUri, attrs);
  }

  private header(name: string): string | undefined {
    return this.data.headers.find((each) => each[0].trim().toLowerCase() === name)?.[1];
  }
}
