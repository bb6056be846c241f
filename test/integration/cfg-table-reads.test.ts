import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';

const table = (domain: string): string =>
  `id(int,auto) domain(string) did(string,null) last_modified(int)\n1:${domain}:${domain}:0\n`;

test('after two reloads of tables at once, the rows of the later reload are used', async (t) => {
  const daemon = await startCfgDaemon({
    text: `#!KAMAILIO
listen=LISTEN
loadmodule "sl.so"
loadmodule "db_text.so"
loadmodule "domain.so"
modparam("domain", "db_url", "text://FOLDER/db")
request_route { sl_send_reply("200", "OK"); }
`,
    prepare(folder) {
      mkdirSync(join(folder, 'db'));
      writeFileSync(join(folder, 'db', 'domain'), table('first.example'));
    },
  });
  t.after(() => daemon.stop());
  const path = join(daemon.folder, 'db', 'domain');
  // The first reload reads from a pipe; its rows come after the second reload was requested.
  const pipe = join(daemon.folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  renameSync(pipe, path);
  const slow = daemon.daemon.callRpc('domain.reload', []);
  const writer = await open(path, 'w');
  writeFileSync(pipe, table('last.example'));
  renameSync(pipe, path);
  const fast = daemon.daemon.callRpc('domain.reload', []);
  // It must not end before the first one; if it does, it ends within this time.
  await Promise.race([fast, new Promise((resolve) => setTimeout(resolve, 300))]);
  await writer.writeFile(table('older.example'));
  await writer.close();
  await Promise.all([slow, fast]);
  const shown = JSON.stringify(await daemon.daemon.callRpc('domain.dump', []));
  assert.match(shown, /last\.example/);
  assert.doesNotMatch(shown, /older\.example/);
});
