import { trimmed } from '../../core/characters.js';
import { SwitchyardError } from '../../core/errors.js';
import type { TransportName } from '../../core/uri.js';
import type { SourceWanted } from '../../engine/flavour.js';
import type { Partition } from '../../engine/partition.js';
import { textOf } from '../../pvar/context.js';
import { compileFormat } from '../../pvar/format.js';
import type { Matcher } from './match.js';

/** Key in a rule's match that tests whether a request comes from a destination. */
export const FROM = 'from_list';

/** Conditions for the source of a request. */
interface FromList extends SourceWanted {
  /** '' for the default partition. */
  readonly partition: string;
}

const SHAPE = /^(?:([^:;]+):)?(\*|[0-9]{1,10})((?:;.*)?)$/s;

/** Parses "1", "acme:1", "*" or "1;port;active;attrs=pstn*". Throws SwitchyardError CONFIG_INVALID. */
export function parseFromList(text: string): FromList {
  const [, partition = '', set = '', options = ''] = SHAPE.exec(trimmed(text)) ?? [];
  const words = options.split(';').map((each) => trimmed(each));
  const attrs = words.find((each) => each.startsWith('attrs='))?.slice(6);
  const unknown = words.find(
    (each) => each !== '' && each !== 'port' && each !== 'active' && !each.startsWith('attrs='),
  );
  if (set === '' || unknown !== undefined) {
    throw new SwitchyardError('CONFIG_INVALID', `${FROM} "${text}" is not a set as in "1", "acme:1;port", "*;active"`);
  }
  const setId = set === '*' ? undefined : Number(set);
  return {
    partition: trimmed(partition),
    setId,
    port: words.includes('port'),
    active: words.includes('active'),
    attrs,
  };
}

/**
 * Makes a test whether a request comes from a destination of a set (ds_is_in_list, ds_is_from_list): by its source
 * address and, with "port", its source port. Throws SwitchyardError CONFIG_INVALID.
 */
export function fromListMatcher(text: string, partitions: (name: string) => Partition | undefined): Matcher {
  const wanted = parseFromList(text);
  const [address, port, transport] = ['$si', '$sp', '$pr'].map((each) => compileFormat(each)) as [
    ReturnType<typeof compileFormat>,
    ReturnType<typeof compileFormat>,
    ReturnType<typeof compileFormat>,
  ];
  return (context) => {
    const partition = partitions(wanted.partition);
    const ip = textOf(address.evaluateValue(context));
    if (partition === undefined || ip === '') return false;
    const from = Number(textOf(port.evaluateValue(context)));
    const by = textOf(transport.evaluateValue(context)).toLowerCase() as TransportName;
    return partition.flavour.isFrom(partition, { ip, port: from, transport: by }, wanted);
  };
}
