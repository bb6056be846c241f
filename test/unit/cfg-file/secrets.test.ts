import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScript } from '../../support/script-run.js';

const SECRET = 'zqSECRETqz';
const URL = `mysql://u:${SECRET}@127.0.0.1:1/d`;
const PARAMETERS = {
  kamailio: [
    ['auth auth_db', 'auth_db', 'db_url', URL],
    ['sqlops', 'sqlops', 'sqlcon', `ca=>mysq://u:${SECRET}@127.0.0.1:1/d`],
    ['http_client', 'http_client', 'httpcon', `c=>u:${SECRET}@127.0.0.1:1/x`],
    ['http_client', 'http_client', 'httpcon', `u:${SECRET}`],
    ['uac', 'uac', 'credential', `u ${SECRET}`],
    ['siptrace', 'siptrace', 'duplicate_uri', `u:${SECRET}@127.0.0.1:9`],
    ['auth', 'auth', 'secret', SECRET],
    ['', 'dispatcher', 'db_url', `u:${SECRET}@127.0.0.1:1/d`],
  ],
  opensips: [
    ['auth auth_db', 'auth_db', 'db_url', URL],
    ['', 'dispatcher', 'partition', `p: db_url = mysq://u:${SECRET}@127.0.0.1:1/d`],
    ['uac_auth', 'uac_auth', 'credential', `u:${SECRET}`],
    ['cachedb_redis', 'cachedb_redis', 'cachedb_url', `redi:g://:${SECRET}@127.0.0.1:1/`],
  ],
} as const;

test('no message about a parameter shows the password in its value', async () => {
  const shown: string[] = [];
  let refused = 0;
  for (const dialect of ['kamailio', 'opensips'] as const) {
    for (const [modules, module, name, value] of PARAMETERS[dialect]) {
      const heads = [
        `modparam("${module}", "${name}", "${value}")`,
        `modparam("${module}", "${name}" "${value}")`,
        `modparam("${module}", "${name}", "${value}"`,
        `modparam("${module}", "${name}", "a") "${value}"`,
        `modparam("${module}", "${name}", ${SECRET})`,
        `modparam("${module}", "${name}", "a" ${SECRET})`,
        `modparam("${module}", "${name}", "a"${SECRET}")`,
        `modparam("${module}", "${name}", 1 ${SECRET})`,
        `modparam("${module}", "${name}", ${SECRET}:x@h)`,
      ];
      for (const head of heads) {
        try {
          await startScript({ dialect, modules, head, script: 'exit;' }).stop();
        } catch (error) {
          refused++;
          if ((error as Error).message.includes(SECRET)) shown.push((error as Error).message);
        }
      }
    }
  }
  assert.deepEqual(shown, []);
  assert.ok(refused >= 30, `${refused} refused`);
});
