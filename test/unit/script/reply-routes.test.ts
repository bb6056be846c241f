import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

/** As recorded of Kamailio 5.6.3: a reply that it has made itself was not received. */
const RECORDED =
  '[] [0] [<null>] [<null>] [none] [none] [<null>] [<null>] [<null>] [<null>] [<null>] [sip::0] [<null>]';

describe('source of a reply of our own', () => {
  for (const [module, statement] of [
    ['tm', 't_newtran(); t_reply("404", "No");'],
    ['sl', 'sl_send_reply("404", "No");'],
  ] as const)
    test(`is empty in event_route[${module}:local-response], and that of the request afterwards`, async () => {
      const script = `request_route { ${statement} xlog("$si $Ri\\n"); }
event_route[${module}:local-response] {
  xlog("[$si] [$sp] [$Ri] [$Rp] [$proto] [$pr] [$Rn] [$Ru] [$RAi] [$RAp] [$fs] [$su] [$Rut]\\n");
}
`;
      const [within, after] = await linesOf({ dialect: 'kamailio', script });
      assert.equal(within, RECORDED);
      assert.match(after ?? '', /^\S+ 127\.0\.0\.1$/);
    });
});
