import type { CallEntry, TryEntry } from './call-entry-types.js';

/** Shows a call record on a terminal: a line for the request, and one for each destination that was tried. */
export function renderCall(entry: CallEntry): string {
  const { time, method, from, ruri, code, ms, call_id, source } = entry;
  const came = entry.stateless ? 'forwarded statelessly' : `${code} after ${ms} ms`;
  const lines = [`${time} ${method} ${from} -> ${ruri}  ${came}${outcome(entry)}`];
  lines.push(`    Call-ID ${call_id}, from ${source}${decision(entry)}`);
  if (entry.reason !== undefined) lines.push(`    ${entry.reason}`);
  for (const [i, each] of entry.tries.entries()) {
    lines.push(`    ${i + 1}. ${entry.stateless ? `${each.destination} (${each.address})` : tryText(each)}`);
  }
  if (entry.more_tries !== undefined) lines.push(`    and ${entry.more_tries} more`);
  return `${lines.map(printable).join('\n')}\n`;
}

function outcome({ cancelled, ring_ms, duration_ms, hung_up, in_progress }: CallEntry): string {
  const parts: string[] = [];
  if (cancelled) parts.push('the caller gave up');
  if (ring_ms !== undefined) parts.push(`rang after ${ring_ms} ms`);
  if (in_progress) parts.push('in progress');
  if (duration_ms !== undefined) parts.push(`${(duration_ms / 1000).toFixed(1)} s`);
  if (hung_up !== undefined) parts.push(hung_up === 'unknown' ? 'end of the call not seen' : `the ${hung_up} hung up`);
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
}

function decision({ rule, partition, sets, algorithm }: CallEntry): string {
  let text = '';
  if (rule !== undefined) text += rule === 'script' ? ', by the script' : `, rule ${rule}`;
  if (partition !== undefined) text += `, partition ${partition}`;
  if (sets !== undefined) text += `, set ${sets.join(', ')}`;
  if (algorithm !== undefined) text += `, algorithm ${algorithm}`;
  return text;
}

function tryText({ destination, address, code, local, cause, ms, first_ms }: TryEntry): string {
  const at = address === undefined ? 'not sent' : address;
  const how = [code === undefined ? undefined : `${code}${local ? ' (our own)' : ''}`, cause].filter(
    (each) => each !== undefined,
  );
  const first = first_ms === undefined || first_ms === ms ? '' : `, first reply after ${first_ms} ms`;
  const took = ms === undefined || address === undefined ? '' : ` after ${ms} ms`;
  return `${destination} (${at}): ${how.length === 0 ? 'no answer' : how.join(' ')}${took}${first}`;
}

/** Control characters sent by a peer must not reach the terminal. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}
