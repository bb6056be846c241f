import assert from 'node:assert/strict';
import type { NextHop } from '../../src/proxy/decision.js';
import { hopTo, ListPlan, type ProxyFixtureOptions, proxyFixture } from './proxy-fixture.js';
import { startWord } from './sip-recorder.js';

export const A = hopTo('sip:192.0.2.7');
export const B = hopTo('sip:192.0.2.8');
export const C = hopTo('sip:192.0.2.9');

/** A relay with these targets. */
export function relay(
  hops: readonly (NextHop | readonly NextHop[])[] = [A, B],
  options: Partial<ProxyFixtureOptions> & { codes?: number[]; allowed?: (a: { address: string }) => boolean } = {},
) {
  const plan = new ListPlan(hops, options.codes ?? [408, 503], true, options.allowed);
  const fixture = proxyFixture({ ...options, decide: () => ({ kind: 'relay', plan }) });
  const words = (address: string) => fixture.sentTo(address).map(startWord);
  /** A target's reply to the INVITE (or the given method) it received. */
  const from = (address: string, status: number, toTag = `tag-${address}`, method = 'INVITE') => {
    const sent = fixture
      .sentTo(address)
      .filter((each) => each.startsWith(method))
      .at(-1);
    assert.ok(sent, `nothing was sent to ${address}`);
    fixture.answer(sent, status, toTag);
  };
  return { ...fixture, fixture, plan, words, from };
}
