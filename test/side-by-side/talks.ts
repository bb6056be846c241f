import type { TestCall } from '../support/side-by-side.js';
import type { Calls } from '../support/two-proxies.js';

/** An answered call with a request from each side within the dialog, then a BYE. */
export const talked =
  (options: Parameters<TestCall['invite']>[0] = {}): Calls[string][1] =>
  async (call, lane) => {
    const answer = await call.invite(options);
    const within = (cseq: number) => ({ ...options, ...call.within(answer, cseq) });
    call.send('ACK', within(1));
    await call.ask('INFO', within(2));
    const gateway = ['gw2', 'gw3'].find((name) => lane.reached(name, call.callId)) ?? 'gw1';
    await lane.fromGateway(gateway, call.callId, 'INFO', 30);
    await call.ask('BYE', within(3));
  };
