import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { inventory } from '../../../src/cfg-file/inventory.js';
import { readCfg } from '../../../src/cfg-file/load.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-documented-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Parameters as the modules' documents of OpenSIPS 3.4 to 4.1 list them, with the value of their example: those with an
 * effect, and those that `check` must name as without effect.
 */
const DOCUMENTED: Readonly<
  Record<string, { readonly effect: Readonly<Record<string, string | number>>; readonly without: string }>
> = {
  tm: {
    effect: {
      fr_timeout: 10,
      fr_inv_timeout: 200,
      T1_timer: 700,
      T2_timer: 8000,
      restart_fr_on_each_reply: 0,
      onreply_avp_mode: 1,
      disable_6xx_block: 1,
      auto_100trying: 0,
      local_request_route: 'shown',
      local_reply_route: 'shown',
    },
    without: `wt_timer=10 delete_timer=5 ruri_matching=0 via1_matching=0 unix_tx_timeout=5 syn_branch=0 enable_stats=0 minor_branch_flag="MINOR"
      timer_partitions=2 tm_replication_cluster=1 cluster_param="tid" cluster_auto_cancel=no`,
  },
  rr: {
    effect: { append_fromtag: 0, enable_double_rr: 0, add_username: 1 },
    without: 'enable_socket_mismatch_warning=0',
  },
  pike: {
    effect: { sampling_time_unit: 10, reqs_density_per_unit: 30, remove_latency: 130, check_route: 'shown' },
    without: 'pike_log_level=-1',
  },
  nathelper: {
    effect: { received_avp: '$avp(received)', nortpproxy_str: 'a=sdpmangled:yes', oldip_skip: 'oc' },
    without: `natping_interval=10 ping_nated_only=1 natping_partitions=4 natping_socket="192.168.1.1:5006" force_socket="localhost:33333" sipping_bflag="S"
      remove_on_timeout_bflag="R" sipping_latency_flag="L" sipping_ignore_rpl_codes="408,480" sipping_from="sip:pinger@a.example" sipping_method="INFO"
      natping_tcp=1 ping_threshold=10 max_pings_lost=5 cluster_id=9 cluster_sharing_tag="vip"`,
  },
  ratelimit: {
    effect: { timer_interval: 5, expire_time: 1800, default_algorithm: 'RED', window_size: 5, slot_period: 100 },
    without: `hash_size=512 cachedb_url="redis://127.0.0.1/" db_prefix="rl_" repl_buffer_threshold=500 repl_timer_interval=100 repl_timer_expire=10
      pipe_replication_cluster=1 bridge_replication=true bridge_repl_timer_interval=500 bridge_repl_timer_expire=20`,
  },
  tracer: {
    effect: { trace_on: 1, trace_id: '[tid]uri=hep:127.0.0.1:9060' },
    without:
      'trace_local_ip="10.1.1.1:5064" syslog_default_facility="LOG_DAEMON" syslog_default_level=2 file_mode=0644',
  },
  proto_hep: {
    effect: { hep_id: '[hid] 127.0.0.1:9060;transport=udp', hep_port: 6666, hep_capture_id: 234 },
    without: `homer5_on=0 homer5_delim="##" hep_send_timeout=200 hep_max_msg_chunks=8 hep_async=0 hep_async_max_postponed_chunks=16
      hep_async_local_connect_timeout=200 hep_async_local_write_timeout=100`,
  },
  rtpproxy: {
    effect: {
      rtpproxy_sock: 'udp:127.0.0.1:22222|8.8.8.8=2',
      rtpproxy_disable_tout: 20,
      rtpproxy_timeout: '0.2',
      rtpproxy_retr: 2,
      default_set: 1,
      nortpproxy_str: 'a=sdpmangled:yes',
    },
    without: `rtpproxy_autobridge=1 db_url="sqlite:///x" db_table="nh" rtpp_socket_col="s" set_id_col="i" rtpp_notify_socket="tcp:10.10.10.10:9999"
      generated_sdp_port_min=10000 generated_sdp_port_max=30000 generated_sdp_media_ip="10.0.0.1"`,
  },
  rtpengine: {
    effect: {
      rtpengine_sock: '2 == udp:127.0.0.1:12225',
      rtpengine_disable_tout: 20,
      rtpengine_tout: 2,
      rtpengine_retr: 2,
      extra_id_pv: '$avp(extra_id)',
      setid_avp: '$avp(setid)',
    },
    without:
      'rtpengine_timer_interval=5 error_pv="$avp(e)" db_table="r" socket_column="sock" set_column="s" ping_enabled=1',
  },
  domain: {
    effect: {
      db_url: 'sqlite:///x',
      db_mode: 1,
      domain_table: 'new_name',
      domain_col: 'name',
      attrs_col: 'attributes',
    },
    without: 'subdomain_col="has_subdomain"',
  },
  mid_registrar: {
    effect: {},
    without: `mode=2 contact_id_insertion="ct-username" contact_id_param="ctid" at_escape_str="__" outgoing_expires=600 received_avp="$avp(r)" received_param="rcv"
      extra_contact_params_avp="$avp(p)" attr_avp="$avp(a)" min_expires=600 default_expires=1800 max_expires=7200 default_q=-1 tcp_persistent_flag="T"
      realm_prefix="sip." case_sensitive=0 expires_max_deviation=30 max_contacts=10 max_username_len=20 max_domain_len=80 max_aor_len=200 max_contact_len=150
      retry_after=30 disable_gruu=0 gruu_secret="x" pn_enable=true pn_providers="apns" pn_ct_match_params="pn-provider" pn_pnsreg_interval=300
      pn_trigger_interval=300 pn_skip_pn_interval=5 pn_refresh_timeout=3`,
  },
  proto_tcp: {
    effect: {},
    without: `tcp_port=5065 tcp_send_timeout=200 tcp_max_msg_chunks=8 tcp_crlf_pingpong=0 tcp_crlf_drop=1 tcp_async=0 tcp_async_max_postponed_chunks=16
      tcp_async_local_connect_timeout=200 tcp_async_local_write_timeout=100 trace_destination="hep_dest" trace_on=1 trace_filter_route="F"`,
  },
};

interface Given {
  readonly name: string;
  readonly value: string;
}

function written(value: string | number): string {
  return typeof value === 'number' ? String(value) : `"${value}"`;
}

function given(module: string): { readonly effect: readonly Given[]; readonly without: readonly Given[] } {
  const { effect = {}, without = '' } = DOCUMENTED[module] ?? {};
  return {
    effect: Object.entries(effect).map(([name, value]) => ({ name, value: written(value) })),
    without: without.split(/\s+/).map((each) => {
      const equals = each.indexOf('=');
      return { name: each.slice(0, equals), value: each.slice(equals + 1) };
    }),
  };
}

/** A file of today that loads a module and sets parameters, one a line from line 6 on. */
function read(module: string, parameters: readonly Given[]) {
  const file = join(folder, 'opensips.cfg');
  const lines = parameters.map(({ name, value }) => `modparam("${module}", "${name}", ${value})`);
  const loads = [...new Set(['proto_udp', 'tm', module])].map((name) => `loadmodule "${name}.so"`).join(' ');
  const head = ['#!OPENSIPS', 'log_level=3', 'stderror_enabled=yes', 'socket=udp:127.0.0.1:5060', loads];
  writeFileSync(file, [...head, ...lines, 'route { exit; }', 'route[shown] { exit; }', ''].join('\n'));
  return readCfg(file, { dialect: 'opensips' });
}

const faults = (module: string, parameters: readonly Given[]): string[] =>
  read(module, parameters)
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ at, message }) => `${at.line} ${message}`);

for (const module of Object.keys(DOCUMENTED)) {
  describe(`documented parameters of ${module}`, () => {
    const { effect, without } = given(module);

    test('are accepted, and those without effect are named', () => {
      assert.deepEqual(faults(module, [...effect, ...without]), []);
      const named = inventory(read(module, [...effect, ...without]))
        .things.filter(({ kind, standing }) => kind === 'parameter' && standing === 'no effect')
        .filter(({ name }) => name.startsWith(`${module}:`))
        .map(({ name }) => name);
      assert.deepEqual(
        named,
        without.map(({ name }) => `${module}: ${name}`),
      );
    });

    test('of another type are refused with their line', () => {
      const typed = [...effect, ...without].filter(({ name }) => !EITHER.has(name));
      for (const { name, value } of typed) {
        const other = value.startsWith('"') ? '5' : '"x"';
        const [first = ''] = faults(module, [{ name, value: other }]);
        assert.match(first, new RegExp(`^6 .*${name} must be a (?:number|string)`), name);
      }
    });
  });
}

/** Parameters that take numbers and texts. */
const EITHER: ReadonlySet<string> = new Set(
  `minor_branch_flag sipping_bflag remove_on_timeout_bflag sipping_latency_flag tcp_persistent_flag file_mode bridge_replication
  bridge_repl_timer_interval bridge_repl_timer_expire`.split(/\s+/),
);
