/** The calls of the module documentation's examples 1.29 to 1.31, in a script that answers with what they returned. */
import { defineRoutes, type RequestRoute } from 'switchyard';

/** Example 1.29: ds_select_dst. */
function selections(r: RequestRoute): boolean[] {
  const done: boolean[] = [];
  done.push(r.ds_select_dst('1', '0'));
  done.push(r.ds_select_dst('part2 : 1', '0', '5'));
  done.push(r.ds_select_dst('part3 : 1', '0', 'fUsD'));
  done.push(r.ds_select_dst('part4 : 2,3', '0,1', 'fuD M 5, fuS M 2'));
  // Dispatch over multiple dispatching groups.
  r.set('$var(part_name)', 'p4');
  r.set('$var(setid)', '1, 2');
  r.set('$var(alg)', '4, 2');
  r.set('$var(flags)', ' sFDU M 2, fuS M 3');
  done.push(r.ds_select_dst('$var(part_name):$var(setid)', '$var(alg)', '$var(flags)'));
  return done;
}

/** Example 1.30: ds_count. */
function counts(r: RequestRoute): string[] {
  const results: string[] = [];
  if (r.ds_count('1', 'a', '$avp(result)')) {
    results.push(r.format('$avp(result)'));
  }
  r.set('$avp(partition)', 'part2');
  r.set('$avp(set)', 1);
  if (r.ds_count('$avp(partition) : $avp(set)', 'ip', '$avp(result)')) {
    results.push(r.format('$avp(result)'));
  }
  return results;
}

/** Example 1.31: ds_is_in_list. */
function applies(r: RequestRoute): boolean[] {
  const found: boolean[] = [];
  // Source IP:PORT is in a dispatcher list.
  found.push(r.ds_is_in_list('$si', '$sp'));
  // Request-URI (ip and port) is in the dispatcher list id "2" of the default partition.
  found.push(r.ds_is_in_list('$rd', '$rp', '2'));
  // Request-URI (ip and port) is in the dispatcher list id "2" of the partition called 'part2'.
  found.push(r.ds_is_in_list('$rd', '$rp', 'part2:2'));
  return found;
}

export const routes = defineRoutes({
  request(r) {
    switch (r.get('$rU')) {
      case '1.29':
        r.send_reply(200, selections(r).join(' '));
        break;
      case '1.30':
        r.send_reply(200, counts(r).join(' '));
        break;
      case '1.31':
        r.send_reply(200, applies(r).join(' '));
        break;
      default:
        r.send_reply(404, 'No such example');
    }
  },
});
