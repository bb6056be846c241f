import { Mixer } from '../../core/mix.js';
import type { Random } from '../../core/random.js';
import type { SipMessage } from '../message.js';

/** Computes the keys of server transactions (RFC 3261 section 17.2.3). */
export class RequestKeys {
  private readonly mixer: Mixer;
  /**
   * The request and the method of the last computed key: the key is needed twice, to match a request and to create its
   * transaction.
   */
  private last: SipMessage | undefined = undefined;
  private lastMethod = '';

  constructor(random: Random) {
    this.mixer = new Mixer(random.uint32(), random.uint32());
  }

  /**
   * Computes the key that a transaction of `request` would have if its method were `method`, from branch, sent-by and
   * method; without the magic cookie, from what RFC 2543 compares. The result is valid until the next call.
   */
  of(request: SipMessage, method: string): Mixer {
    const { text, via } = request;
    if (this.last === request && this.lastMethod === method) return this.mixer;
    this.last = request;
    this.lastMethod = method;
    const mixer = this.mixer.begin().text(method);
    if (via === undefined) return mixer;
    const { branch, branchStart } = via;
    if (branch.length > 7 && text.startsWith('z9hG4bK', branchStart)) {
      return mixer
        .text(text, branchStart, branchStart + branch.length)
        .text(via.host)
        .number(via.port);
    }
    mixer.text(request.requestUri).text(request.fromTag).text(request.callId).number(request.cseqNumber);
    return mixer.text(text, via.start, via.end);
  }
}
