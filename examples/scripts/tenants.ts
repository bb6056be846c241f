/**
 * A script as an operator would write one: tenants by domain, failover with marking, a black list, dialogs, header fields
 * for the gateways, ringing that is not passed on, probes with a header of their own, and a score for algorithm 10.
 */
import { defineRoutes, type RequestRoute } from 'switchyard';

/** Requests inside a dialog follow the route recorded at its start. */
function withinDialog(r: RequestRoute): never {
  if (r.loose_route()) r.t_relay();
  else r.send_reply(404, 'Not here');
  r.exit();
}

export const routes = defineRoutes({
  request(r) {
    if (!r.mf_process_maxfwd_header(10)) {
      r.send_reply(483, 'Too Many Hops');
      r.exit();
    }
    if (r.has_totag()) withinDialog(r);
    if (r.is_method('CANCEL')) r.exit();
    if (r.is_method('OPTIONS') && r.get('$rU') === null) {
      r.send_reply(200, 'Keepalive');
      r.exit();
    }

    // What comes from a gateway goes to the tenant's own servers, what comes from there to the gateways.
    const set = r.ds_is_in_list('$si', '$sp', 1) ? 2 : 1;
    r.set('$var(set)', set);
    r.xlog('L_DBG', 'call $ci from $si:$sp to set $var(set)');

    r.use_blacklist('blocked');
    if (!r.ds_select_dst('$var(set)', 10, 'f')) {
      r.append_to_reply('Retry-After: 30');
      r.send_reply(503, 'No destinations');
      r.exit();
    }
    r.record_route();
    r.remove_hf('X-Internal');
    r.t_on_branch('TO_GATEWAY');
    r.t_on_reply('FROM_GATEWAY');
    r.t_on_failure('NEXT_GATEWAY');
    r.t_relay();
  },

  failure: {
    NEXT_GATEWAY(r) {
      if (r.t_was_cancelled()) r.exit();
      if (!r.t_check_status('408|5[0-9][0-9]')) r.exit();
      r.xlog('L_WARN', 'destination failed with $T_reply_code $rr');
      r.ds_mark_dst('p');
      if (!r.ds_next_dst()) {
        r.send_reply(503, 'All gateways failed');
        r.exit();
      }
      r.t_on_failure('NEXT_GATEWAY');
      r.t_relay();
    },
  },

  branch: {
    TO_GATEWAY(r) {
      r.append_hf('X-Destination: $du\r\n');
    },
  },

  reply: {
    FROM_GATEWAY(r) {
      if (r.t_check_status('183')) r.drop();
      r.remove_hf('Server');
    },
  },

  local(r) {
    if (r.is_method('OPTIONS')) r.append_hf('X-Probe: switchyard\r\n');
  },

  event: {
    E_DISPATCHER_STATUS(e) {
      e.xlog('L_WARN', 'destination $param(address) of set $param(group) is $param(status)');
    },
  },

  algo: {
    /** Attributes like "cost=3": the cheapest first; one without a cost is the last. */
    CHEAPEST(d) {
      return Number(/(?:^|;)cost=([0-9]+)/.exec(d.attrs)?.[1] ?? 1000);
    },
  },
});
