import { code, type FunctionSpec, intOf, KAMAILIO, optional, param } from './define.js';

/** Functions that change the behaviour of a transaction: its timers, its 100, the handling of replies. */
export const transactionSettings: FunctionSpec[] = [
  {
    name: 't_set_fr',
    dialects: KAMAILIO,
    parameters: [param('final reply', 'int'), optional('any reply', 'int')],
    summary: 'sets the timeouts of the transaction for a final reply and for any reply, in milliseconds',
    compile:
      ([inv, fr]) =>
      (run) => {
        const ring = intOf(inv, run, 0);
        const silent = intOf(fr, run, 0);
        if (ring < 0 || silent < 0) return -1;
        if (ring > 0) run.call.frInvTimeout = ring;
        if (silent > 0) run.call.frTimeout = silent;
        return 1;
      },
  },
  {
    name: 't_reset_fr',
    dialects: KAMAILIO,
    summary: 'resets the timeouts of t_set_fr',
    compile: () => (run) => {
      run.call.frTimeout = undefined;
      run.call.frInvTimeout = undefined;
      return 1;
    },
  },
  {
    name: 't_set_auto_inv_100',
    dialects: KAMAILIO,
    parameters: [param('on', 'int')],
    routes: ['request', 'event'],
    summary: 'whether INVITE is answered 100 at once',
    compile:
      ([on]) =>
      (run) => {
        run.call.auto100 = intOf(on, run, 1) !== 0;
        return 1;
      },
  },
  {
    name: 't_set_max_lifetime',
    dialects: KAMAILIO,
    parameters: [param('INVITE', 'int'), param('other request', 'int')],
    summary: 'sets how long the transaction may wait for a final reply, all branches together, in milliseconds',
    compile:
      ([invite, other]) =>
      (run) => {
        const ms = run.message.method === 'INVITE' ? intOf(invite, run, 0) : intOf(other, run, 0);
        if (ms > 0) run.call.lifetime = ms;
        return 1;
      },
  },
  {
    name: 't_set_disable_6xx',
    dialects: KAMAILIO,
    parameters: [param('on', 'int')],
    summary: 'whether a 6xx leaves other branches alone',
    compile:
      ([on]) =>
      (run) => {
        run.call.plain6xx = intOf(on, run, 0) !== 0;
        return 1;
      },
  },
  {
    name: 't_set_no_e2e_cancel_reason',
    dialects: KAMAILIO,
    parameters: [param('on', 'int')],
    summary: "whether the Reason of the caller's CANCEL is left out of those to the branches",
    compile:
      ([on]) =>
      (run) => {
        run.call.passReason = intOf(on, run, 1) === 0;
        return 1;
      },
  },
  ...(
    [
      ['t_set_retr', 2, 'changes no retransmissions: retr_timer1 and retr_timer2 apply'],
      ['t_set_disable_failover', 1, 'changes nothing: other addresses of a name are tried'],
      ['t_set_disable_internal_reply', 1, 'changes nothing: replies of tm itself are sent'],
    ] as const
  ).map(
    ([name, count, standIn]): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: Array.from({ length: count }, (_, i) => param(`value ${i + 1}`, 'int')),
      summary: `accepted; ${standIn}`,
      standIn,
      // As recorded, a negative time is refused.
      compile: (values) => (run) => code(name !== 't_set_retr' || values.every((each) => intOf(each, run, 0) >= 0)),
    }),
  ),
  {
    name: 't_reset_max_lifetime',
    dialects: KAMAILIO,
    summary: 'takes t_set_max_lifetime() back',
    compile: () => (run) => {
      run.call.lifetime = undefined;
      return 1;
    },
  },
  {
    name: 't_reset_retr',
    dialects: KAMAILIO,
    summary: 'accepted',
    compile: () => () => 1,
  },
];
