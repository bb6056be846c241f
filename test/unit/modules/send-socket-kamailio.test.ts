import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

/** $fs after force_send_socket() with an argument, in a file that listens at 127.0.0.1:5060 and at `listen`. */
async function chosen(argument: string, listen: string): Promise<string | undefined> {
  const { receive, lines, stop } = startScript({
    dialect: 'kamailio',
    head: `listen=udp:127.0.0.1:5060\nlisten=${listen}\n`,
    script: `request_route { force_send_socket(${argument}); xinfo("$fs\\n"); exit; }`,
  });
  try {
    receive(INVITE);
    return lines[0];
  } finally {
    await stop();
  }
}

test('force_send_socket() accepts each notation of a socket that 5.6.3 accepts', async () => {
  for (const argument of ['udp:127.0.0.2:5090', '127.0.0.2:5090', 'udp:127.0.0.2', '127.0.0.2'])
    assert.equal(await chosen(argument, 'udp:127.0.0.2:5090'), 'udp:127.0.0.2:5090', argument);
  await assert.doesNotReject(chosen('udp:[::1]:5090', 'udp:[0:0:0:0:0:0:0:1]:5090'));
  await assert.doesNotReject(chosen('udp:[0:0:0:0:0:0:0:1]:5090', 'udp:[::1]:5090'));
});

test('force_send_socket() with a socket that the file does not have is refused', async () => {
  for (const argument of ['udp:127.0.0.9:5090', '127.0.0.9', 'tcp:127.0.0.2:5090', 'udp:127.0.0.2:5091'])
    await assert.rejects(chosen(argument, 'udp:127.0.0.2:5090'), /is not a socket of this file/, argument);
});
