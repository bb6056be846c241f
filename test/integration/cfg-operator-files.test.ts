import {
  acc,
  DIALPLAN,
  DOMAIN,
  DROUTING,
  LOAD_BALANCER,
  PREFERENCES,
  routing,
  sippCalls,
} from '../support/operator-calls.js';

// Files that select destinations with the dispatcher module.
sippCalls([
  {
    file: 'class4-switch-2.1.cfg',
    way: 'a partner calls the core',
    rows: [
      [1, 'BUSY', 0],
      [1, 'UP', 0],
    ],
    calls: 4,
    service: '004930123',
    lines: [
      /^c4-1 starts$/,
      / acme caller -> \+4930123 by sip:127/,
      / next core sip:127.* after 503$/,
      / answered by 127\.0\.0\.1, acme$/,
      / BYE from downstream after \d+, partner acme$/,
    ],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (10, '127.0.0.1', 32, 0, 'any', 'id=acme;cps=50;max=20');
       INSERT INTO version VALUES ('dialplan', 5);
       ${DIALPLAN}
       INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_flags, subst_exp, repl_exp, attrs) VALUES (2, 1, 1, '^00[1-9]', 0, '^00(.*)$', '+\\1', 'ok');
       ${PREFERENCES}
       ${acc('partner TEXT, carrier TEXT, rule TEXT, ani TEXT, dnis TEXT')}
       ${DROUTING}`,
    ],
  },
  {
    file: 'class4-switch-2.1.cfg',
    way: 'the core calls out',
    rows: [
      [9, 'BUSY', 0],
      [9, 'UP', 0],
    ],
    calls: 3,
    service: '030123',
    lines: [
      / normal call \(0\) caller -> 4930123 by busy of all, rule 1 /,
      / busy said 503$/,
      / again call \(2\) caller -> 4930123 by up of all, rule 1 /,
    ],
    tables: ([busy = '', up = ''], caller) => [
      `INSERT INTO dispatcher (setid, destination) VALUES (1, 'sip:127.0.0.1:${caller}');
       INSERT INTO version VALUES ('dialplan', 5);
       ${DIALPLAN}
       ${PREFERENCES}
       ${acc('partner TEXT, carrier TEXT, rule TEXT, ani TEXT, dnis TEXT')}
       ${DROUTING}
       INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix, attrs) VALUES ('busy', 1, '${busy}', 0, '', 'ring=20'), ('up', 1, '${up}', 0, '', 'pai=yes');
       INSERT INTO dr_carriers (carrierid, gwlist, flags) VALUES ('all', 'busy,up', 0);
       INSERT INTO dr_rules (groupid, prefix, priority, gwlist, attrs) VALUES ('7', '49', 0, '#all', 'r1');`,
    ],
  },
  {
    file: 'media-farm-3.2.cfg',
    rows: [
      [60, 'BUSY', 0],
      [60, 'UP', 0],
    ],
    service: '8123',
    lines: [
      / counted$/,
      / conf on sip:127/,
      / gave 503$/,
      / next server sip:127/,
      / bye of downstream, service conf, \d+ s$/,
    ],
    tables: ([busy = '', up = '']) => [
      `${LOAD_BALANCER}
       INSERT INTO load_balancer (group_id, dst_uri, resources, probe_mode) VALUES (1, '${busy}', 'calls=30;conf=15', 0), (1, '${up}', 'calls=20;conf=5', 0);`,
    ],
  },
  {
    file: 'teams-edge-3.4.cfg',
    way: 'the PBX calls Teams',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    service: '030123',
    lines: [/ sip:\+4930123@127\.0\.0\.1.* by sip:127.* over udp$/i],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (2, '127.0.0.1', 32, 0, 'any', 'pbx');`,
    ],
  },
  {
    file: 'hidden-sbc-3.6.cfg',
    way: 'a trunk calls the core',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/^1 numbers blocked$/, / leg 1: sip:.* by sip:127/, / BYE downstream of trunk acme \(5\)$/],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (0, '127.0.0.1', 32, 0, 'any', '{"name":"acme","cps":50,"burst":20,"channels":10}');
       CREATE TABLE blocked (number TEXT);
       INSERT INTO blocked VALUES ('0900');
       ${acc('uuid TEXT, trunk_in TEXT, trunk_out TEXT, mos TEXT').replace('TABLE acc', 'TABLE cdrs')}`,
    ],
  },
  {
    file: 'residential-nat-2.3.cfg',
    way: 'the exchange calls itself',
    rows: [
      [1, 'BUSY', 0],
      [1, 'UP', 0],
    ],
    calls: 4,
    service: '4930123',
    lines: [],
    tables: () => [
      `INSERT INTO version VALUES ('domain', 4);
       ${DOMAIN}
       INSERT INTO domain (domain) VALUES ('127.0.0.1');
       CREATE TABLE dbaliases (alias_username TEXT, alias_domain TEXT, username TEXT, domain TEXT);
       CREATE TABLE grp (username TEXT, domain TEXT, grp TEXT);
       ${PREFERENCES}
       ${acc('src_user TEXT, src_dom TEXT')}
       ${DROUTING}`,
    ],
  },
  {
    file: 'trunk-guard-3.1.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    service: '4930123',
    lines: [/ call 1 of acme at 0\.5$/, / 503, next is sip:127/, / \d+ s cost /],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (3, '127.0.0.1', 32, 0, 'any', 'acme');
       ${PREFERENCES}
       INSERT INTO usr_preferences (username, attribute, type, value) VALUES ('acme', 'cps', 2, '40');
       CREATE TABLE rates (prefix TEXT, rate TEXT);
       INSERT INTO rates VALUES ('49', '0.5'), ('4', '9');`,
    ],
  },
  {
    file: 'residential-options-3.4.cfg',
    rows: [[9, 'UP', 0]],
    calls: 3,
    lines: [/^new branch at sip:4930123@127\.0\.0\.1:\d+$/, /^incoming reply$/],
    tables: ([up = ''], caller) => [
      routing(
        '0',
        `INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix) VALUES ('up', 1, '${up}', 0, ''), ('in', 1, 'sip:127.0.0.1:${caller}', 0, '');
         INSERT INTO domain (domain) VALUES ('127.0.0.1');
         CREATE TABLE dbaliases (id INTEGER PRIMARY KEY, alias_username TEXT, alias_domain TEXT, username TEXT, domain TEXT);
         INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_flags, subst_exp, repl_exp, attrs) VALUES (0, 1, 1, '^.*$', 0, '^.*$', '+4930123', '');`,
      ),
    ],
  },
  {
    file: 'trunking-limits-3.5.cfg',
    rows: [
      [9, 'BUSY', 0],
      [9, 'UP', 0],
    ],
    calls: 3,
    service: '004930123',
    lines: [
      /^trunk is up, maintenance is 0$/,
      / rule 1 prefix 49 gateway busy carrier all to sip:4930123@/,
      / rule 1 prefix 49 gateway up carrier all to sip:4930123@/,
      / branch 1 to /,
      / acme hangs up after \d+ s, downstream$/,
    ],
    tables: ([busy = '', up = '']) => [
      routing(
        '1',
        `INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix) VALUES ('busy', 1, '${busy}', 0, ''), ('up', 1, '${up}', 0, '');
         INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', 'acme');
         CREATE TABLE customers (name TEXT, channels INT, cps INT);
         INSERT INTO customers VALUES ('acme', 20, 50);`,
      ),
    ],
  },
  {
    file: 'load-balancer-2.4.cfg',
    rows: [
      [1, 'BUSY', 0],
      [1, 'UP', 0],
    ],
    lines: [/^call .* goes to sip:127\.0\.0\.1:/],
    calls: 4,
  },
  {
    file: 'old-style-1.8.cfg',
    rows: [
      [1, 'UP', 0],
      [1, 'UP', 0],
    ],
    lines: [],
    calls: 2,
  },
  {
    file: 'failover-1.11.cfg',
    rows: [
      [2, 'BUSY', 10],
      [2, 'UP', 0],
    ],
    lines: [/^INVITE .* to 127\.0\.0\.1, attributes \[/],
    calls: 3,
  },
  {
    file: 'statistics-3.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/^lb1:NOTICE:started at /],
  },
  { file: 'sharing-tags-3.3.cfg', rows: [[1, 'UP', 0]], lines: [] },
  { file: 'mi-http-3.3.cfg', rows: [[1, 'UP', 0]], lines: [/^balancer starts$/] },
  { file: 'unused-modules-3.6.cfg', rows: [[1, 'UP', 0]], lines: [] },
  {
    file: 'guarded-edge-3.5.cfg',
    rows: [
      [1, 'UP', 0],
      [2, 'UP', 0],
    ],
    lines: [/"from": ?"caller"/],
    calls: 6,
  },
  { file: 'cluster-pair-3.4.cfg', rows: [[1, 'UP', 0]], lines: [] },
  { file: 'events-rest-3.1.cfg', rows: [[1, 'UP', 0]], lines: [/^no answer of the routing service/] },
]);
