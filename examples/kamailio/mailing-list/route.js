/**
 * The route of the mailing list, which asked why it loops: the groups one after the other, each destination tried once,
 * then an answer. What ends it is that the failure route asks for the next of the list, and answers when there is none.
 */
import { defineRoutes } from 'switchyard';

export const routes = defineRoutes({
  request(r) {
    // Inside a dialog the recorded route decides; BYE and re-INVITE must not select anew.
    if (r.has_totag()) {
      if (r.loose_route()) r.t_relay();
      else if (!r.is_method('ACK')) r.send_reply(404, 'Not here');
      r.exit();
    }
    if (!r.is_method('INVITE')) {
      r.send_reply(405, 'Method Not Allowed');
      r.exit();
    }

    r.record_route();
    // "core:" is the partition; mode d puts the destination into $du, so ds_next_dst() is what goes on.
    const groups = r.is_present_hf('X-Groups') ? '$hdr(X-Groups)' : '2=4;1=4;3=4';
    if (!r.ds_select_routes(groups, 'd', '0', 'core')) {
      r.send_reply(503, 'No initial routes');
      r.exit();
    }
    r.xlog('call $ci: $xavp(_dsctx_=>cnt) destinations, the first is $xavp(_dsdst_[0]=>uri)');
    r.t_on_failure('REROUTE');
    r.t_relay();
  },

  failure: {
    REROUTE(r) {
      if (r.t_was_cancelled()) r.exit();
      if (!r.t_check_status('408|5[0-9][0-9]')) r.exit();
      if (!r.ds_next_dst('core')) {
        r.send_reply(503, 'Out of routes');
        r.exit();
      }
      r.t_on_failure('REROUTE');
      r.t_relay();
    },
  },
});
