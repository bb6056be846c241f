import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

test('a script sets the status of its own groups; a change raises an event', async () => {
  const { receive, lines, stop } = startScript({
    dialect: 'opensips',
    modules: 'status_report',
    head: 'modparam("status_report", "script_sr_group", "farm")',
    script: `route {
        if (sr_check_status("farm")) xlog("good\\n");
        sr_set_status("farm", -2, "no media"); if (!sr_check_status("farm")) xlog("bad\\n");
        sr_set_status("farm", -2); sr_set_status("farm", 0, "back"); if (sr_check_status("farm", "main")) xlog("good\\n");
        if (sr_check_status("dispatcher", "default;events")) xlog("others are good\\n");
        if (sr_add_report("farm", "IP $si")) xlog("reported\\n"); if (!sr_add_report("x", "y")) xlog("no group\\n");
        if (!sr_set_status("x", 1)) xlog("no group\\n"); }
      event_route[E_CORE_SR_STATUS_CHANGED] {
        xlog("$param(group) $param(identifier) $param(status) $param(details) $param(old_status)\\n"); }`,
  });
  try {
    receive(INVITE);
    assert.deepEqual(lines, [
      'good',
      'farm main -2 no media 1',
      'bad',
      'farm main 1 back -2',
      'good',
      'others are good',
      'reported',
      'no group',
      'no group',
    ]);
  } finally {
    await stop();
  }
});
