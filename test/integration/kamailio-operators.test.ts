import { test } from 'node:test';
import { CARRIER_TRUNKS } from '../side-by-side/carrier-trunks.js';
import { FURTHER_FILES } from '../side-by-side/further-files.js';
import { OFFICE_REGISTRAR } from '../side-by-side/office-registrar.js';
import { asSideBySide } from '../side-by-side/operator-file.js';
import { POOL_TENANTS } from '../side-by-side/pool-tenants.js';
import { TOPOS_BORDER } from '../side-by-side/topos-border.js';
import { sideBySide } from '../support/two-proxies.js';

// `npm run side-by-side` runs the others: they wait for timers.
const trunks = FURTHER_FILES.filter(({ file }) => file.startsWith('trunk-failover'));
for (const operator of [CARRIER_TRUNKS, OFFICE_REGISTRAR, POOL_TENANTS, TOPOS_BORDER, ...trunks]) {
  test(`${operator.file} of an operator sends the same as Kamailio`, (t) => sideBySide(t, asSideBySide(operator)));
}
