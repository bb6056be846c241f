import { digestUsername } from '../core/digest-username.js';
import { addrSpecOf } from '../core/name-addr.js';
import type { RequestView } from './request-view.js';

/** A request as plain data: what a batch line or a test gives in place of a SIP message. Strings are latin1. */
export interface RequestData {
  readonly method: string;
  readonly ruri: string;
  /** Full header values, with display name and tag. */
  readonly from: string;
  readonly to: string;
  readonly callid: string;
  /** Further headers, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What must be evaluated on the message, by somebody who knows pseudo-variables. */
export interface RequestFormats {
  hashVar?(partition: string): string | undefined;
  loadOf?(partition: string, destinationUri: string, setId: number): number | undefined;
  scoreOf?(partition: string, destinationUri: string, attrs: string): number | undefined;
}

/** A RequestView over plain data. */
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
