/** sample.ts in plain JavaScript, for an installation without a TypeScript compiler. */

/** @type {import('switchyard').Routes} */
export const routes = {
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
};
