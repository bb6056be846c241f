/** The rule of the benches: round robin over set 1, with failover and Record-Route. */
export const ROUTING = [
  {
    match: {},
    select: { set: 1, alg: 4, flags: 'f' },
    relay: 'stateful',
    failover: { codes: ['408', '503'] },
    record_route: true,
    reject: { code: 503, reason: 'No destinations' },
  },
];
