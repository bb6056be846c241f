/**
 * The sample script of the module documentation (its example 1.32): every request goes to a destination of set 2, chosen
 * by a hash over the Call-ID.
 */
import { defineRoutes } from 'switchyard';

export const routes = defineRoutes({
  request(r) {
    if (!r.mf_process_maxfwd_header('10')) {
      r.send_reply('483', 'To Many Hops');
      r.exit();
    }

    if (!r.ds_select_dst('2', '0')) {
      r.send_reply('500', 'Unable to route');
      r.exit();
    }

    r.t_relay();
  },
});
