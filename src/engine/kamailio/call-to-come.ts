import { ownText } from '../../core/own-text.js';
import type { Destination } from '../destination.js';
import type { CountedCall } from '../selection.js';
import type { CallsInProgress } from './calls.js';

/**
 * A call that counts as load from the moment it is sent to one of the given sets: those that ds_select_routes selects
 * by call load after a set that it selects otherwise.
 */
export class CallToCome implements CountedCall {
  private readonly callId: string;
  private begun: CountedCall | undefined = undefined;
  private ended = false;

  constructor(
    private readonly calls: CallsInProgress,
    callId: string,
    private readonly setIds: ReadonlySet<number>,
  ) {
    this.callId = ownText(callId);
  }

  get counts(): boolean {
    return this.begun?.counts ?? false;
  }

  enter(): void {
    this.calls.enter();
  }

  leave(): void {
    this.calls.leave();
  }

  moveTo(destination: Destination): void {
    if (this.begun !== undefined) this.begun.moveTo(destination);
    else if (!this.ended && this.setIds.has(destination.setId)) this.begun = this.calls.begin(this.callId, destination);
  }

  confirm(): void {
    this.begun?.confirm();
  }

  end(): void {
    this.ended = true;
    this.begun?.end();
  }
}
