import { acc, DIALPLAN, DOMAIN, DROUTING, LOAD_BALANCER, PREFERENCES, sippCalls } from '../support/operator-calls.js';

// Files that route by tables of gateways, carriers and loads.
sippCalls([
  {
    file: 'drouting-2.4.cfg',
    rows: [
      [9, 'BUSY', 0],
      [9, 'UP', 0],
    ],
    lines: [],
    calls: 3,
    tables: ([busy = '', up = '']) => [
      `${DROUTING}
       INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix) VALUES ('busy', 1, '${busy}', 0, ''), ('up', 1, '${up}', 0, ''),
         ('customer', 2, '127.0.0.1:1', 0, '');`,
      `INSERT INTO dr_carriers (carrierid, gwlist, flags) VALUES ('all', 'busy,up', 0);
       INSERT INTO dr_rules (groupid, prefix, priority, gwlist) VALUES ('0', '', 0, '#all');
       ${acc('customer TEXT, gateway TEXT, rule TEXT')}`,
    ],
  },
  {
    file: 'load-balancer-module-2.1.cfg',
    rows: [
      [9, 'BUSY', 0],
      [9, 'UP', 0],
    ],
    lines: [/^Selected destination is: sip:127\.0\.0\.1:/, /^new destination is: sip:127\.0\.0\.1:/],
    tables: ([busy = '', up = '']) => [
      `${LOAD_BALANCER}
       INSERT INTO load_balancer (group_id, dst_uri, resources, probe_mode) VALUES (1, '${busy}', 'pstn=30', 0), (1, '${up}', 'pstn=20', 0);`,
    ],
  },
  {
    file: 'trunks-limits-3.1.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/^\[.*\] branch 0 to /, /^\[.*\] ended after \d+ s by downstream$/],
    tables: () => [
      `CREATE TABLE dispatcher_in AS SELECT * FROM dispatcher;
       INSERT INTO version VALUES ('dispatcher_in', 9);
       INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (2, '127.0.0.1', 32, 0, 'any', 'customer');`,
    ],
  },
  {
    file: 'carrier-edge-2.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/^edge started$/, /^call of carrier c1$/, /^branch 1 to /],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', 'c1');`,
    ],
  },
  {
    file: 'trunk-carriers-3.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/^in dialog BYE of .* dir=downstream/, /^dialog .* ended$/],
    tables: () => [
      `INSERT INTO version VALUES ('ds_carriers', 9), ('trunk_addresses', 5), ('dialplan', 5);
       CREATE VIEW ds_carriers AS SELECT * FROM dispatcher;
       CREATE TABLE trunk_addresses (id INTEGER PRIMARY KEY, grp INTEGER, ip TEXT, mask INTEGER, port INTEGER, proto TEXT, pattern TEXT, context_info TEXT);
       INSERT INTO trunk_addresses (grp, ip, mask, port, proto, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', '{"trunk":"t1","cps":50,"channels":20}');
       ${DIALPLAN}`,
    ],
  },
  {
    file: 'trunk-fraud-3.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    service: '4930222',
    lines: [/^started at /, /^fraud \S+ total calls 1$/, /^dialog 4 -> 5$/],
    tables: ([busy = '', up = '']) => [
      `${DROUTING}
       INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix, attrs) VALUES ('busy', 1, '${busy}', 0, '', 'a'), ('up', 1, '${up}', 0, '9', 'b');
       INSERT INTO dr_carriers (carrierid, gwlist, flags) VALUES ('all', 'busy,up', 0);
       INSERT INTO dr_rules (groupid, prefix, priority, gwlist, attrs) VALUES ('1', '49', 0, '#all', 'gold;2');
       ${DIALPLAN}
       INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_flags, subst_exp, repl_exp) VALUES (1, 1, 1, '^[0-9]+$', 0, '^([0-9]+)$', '\\1');
       CREATE TABLE fraud_detection (ruleid INTEGER PRIMARY KEY, profileid INT, prefix TEXT, start_hour TEXT, end_hour TEXT, daysoftheweek TEXT,
         cpm_warning INT, cpm_critical INT, call_duration_warning INT, call_duration_critical INT, total_calls_warning INT, total_calls_critical INT,
         concurrent_calls_warning INT, concurrent_calls_critical INT, sequential_calls_warning INT, sequential_calls_critical INT);
       INSERT INTO fraud_detection VALUES (1, 1, '49', '00:00', '23:59', 'Mon-Sun', 300, 500, 7200, 13200, 1, 2000, 30, 50, 50, 100);
       INSERT INTO version VALUES ('dialplan', 5), ('dr_gateways', 6), ('dr_carriers', 3), ('dr_rules', 4), ('dr_groups', 2), ('fraud_detection', 1);`,
    ],
  },
  {
    file: 'services-3.1.cfg',
    rows: [
      [1, 'BUSY', 0],
      [1, 'UP', 0],
    ],
    calls: 3,
    lines: [/ talks to gold after \d tries$/],
    tables: () => [
      `${PREFERENCES}
       INSERT INTO usr_preferences (username, attribute, value) VALUES ('caller', 'plan', 'gold');
       CREATE TABLE limits (username TEXT, calls INT);
       INSERT INTO limits VALUES ('caller', 50);
       CREATE TABLE dbaliases (alias_username TEXT, alias_domain TEXT, username TEXT, domain TEXT);
       CREATE TABLE grp (username TEXT, domain TEXT, grp TEXT);
       CREATE TABLE speed_dial (username TEXT, domain TEXT, sd_username TEXT, sd_domain TEXT, new_uri TEXT);`,
    ],
  },
  {
    file: 'hosted-pbx-2.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [],
    tables: () => [acc('caller_id TEXT, callee_id TEXT, src_ip TEXT, dst_ip TEXT')],
  },
  {
    file: 'trunk-routing-3.1.cfg',
    rows: [
      [20, 'BUSY', 10],
      [20, 'UP', 0],
    ],
    lines: [/^trunk router starts$/, /: 503 .* of 127\.0\.0\.1$/, /BYE from the downstream side of customer acme /],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', 'id=acme;cps=50;max=20;set=20');
       INSERT INTO version VALUES ('dialplan', 5);
       ${DIALPLAN}`,
    ],
  },
  {
    file: 'hidden-border-3.3.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/ BYE downstream of customer acme \(/],
    tables: () => [
      `INSERT INTO version VALUES ('dispatcher_core', 9);
       CREATE VIEW dispatcher_core AS SELECT * FROM dispatcher;
       INSERT INTO address (grp, ip, mask, port, proto, pattern, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', '*',
         '{"id":"acme","limits":{"channels":20},"blocked":["0900"]}');`,
    ],
  },
  {
    file: 'pbx-farm-3.2.cfg',
    rows: [
      [60, 'BUSY', 0],
      [60, 'UP', 0],
    ],
    lines: [/^call of .* goes to sip:127\.0\.0\.1:/, /^again at sip:127\.0\.0\.1:/],
    tables: ([busy = '', up = '']) => [
      `${LOAD_BALANCER}
       INSERT INTO load_balancer (group_id, dst_uri, resources, probe_mode) VALUES (1, '${busy}', 'calls=30;conf=5', 0), (1, '${up}', 'calls=20;conf=5', 0);`,
    ],
  },
  {
    file: 'wholesale-router-2.4.cfg',
    rows: [
      [9, 'BUSY', 0],
      [9, 'UP', 0],
    ],
    calls: 3,
    lines: [
      /^softswitch ready, maintenance is 0$/,
      / is carried to 4930199$/,
      /-> 4930123 by busy /,
      / busy answered 503$/,
      /-> 4930123 by up /,
    ],
    tables: ([busy = '', up = '']) => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', 'id=c1;cps=50;channels=20;prefix=');
       INSERT INTO version VALUES ('dialplan', 5);
       ${DIALPLAN}
       INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_flags, subst_exp, repl_exp, attrs) VALUES (1, 1, 1, '^.*$', 0, '^.*$', '4930123', 'ok');
       CREATE TABLE lnp (number TEXT, lrn TEXT);
       INSERT INTO lnp VALUES ('4930123', '4930199');
       ${DROUTING}
       INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix, attrs) VALUES ('busy', 1, '${busy}', 0, '', 'timer=7'), ('up', 1, '${up}', 0, '', '');
       INSERT INTO dr_rules (groupid, prefix, priority, gwlist) VALUES ('0', '49', 0, 'busy=90,up=1');
       ${acc('customer_id TEXT, vendor_id TEXT, ani TEXT, dnis TEXT')}`,
    ],
  },
  {
    file: 'trunk-hybrid-3.1.cfg',
    rows: [
      [2, 'BUSY', 10],
      [2, 'UP', 0],
    ],
    calls: 3,
    lines: [/ call 1 of office west$/, / next trunk sip:127/, / ended by the caller, office west, reason <null>$/],
    tables: () => [
      `INSERT INTO version VALUES ('domain', 4);
       ${DOMAIN}
       INSERT INTO domain (domain, attrs) VALUES ('127.0.0.1', 'office=west;number=4930500');
       CREATE TABLE numbers (number TEXT, office TEXT, host TEXT, port INT, codecs TEXT);`,
    ],
  },
  {
    file: 'media-path-3.4.cfg',
    // Each call draws one: the probability that all eight begin with UP is 1 in 6,000.
    rows: [
      [1, 'BUSY', 10],
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    calls: 8,
    lines: [/ core again: sip:127\.0\.0\.1:/, / media: <null> bytes, MOS <null>$/],
  },
  {
    file: 'tenant-hub-3.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [
      /^1 tenants$/,
      / preferences of caller: \{"order":"weights","plan":"gold"\}$/,
      /^gateway of caller gave 503: /,
      / BYE in dialog .*, downstream, tenant caller$/,
    ],
    tables: () => [
      `INSERT INTO version VALUES ('ds_red', 9), ('ds_blue', 9);
       CREATE VIEW ds_red AS SELECT * FROM dispatcher;
       CREATE VIEW ds_blue AS SELECT * FROM dispatcher WHERE setid = 77;
       CREATE TABLE tenants (name TEXT, cps INT, channels INT, part TEXT);
       INSERT INTO tenants VALUES ('caller', 50, 20, 'red');
       CREATE TABLE tenant_prefs (username TEXT, attribute TEXT, value TEXT);
       INSERT INTO tenant_prefs VALUES ('caller', 'order', 'weights'), ('caller', 'plan', 'gold');`,
    ],
  },
]);
