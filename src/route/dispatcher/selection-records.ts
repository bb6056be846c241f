import { parseAttributes } from '../../engine/kamailio/attributes.js';
import type { TargetLists } from '../../engine/target-lists.js';
import type { PvarRecords, PvarValue } from '../../pvar/context.js';

/** Names Kamailio gives its records when nothing else is configured. */
const USUAL: RecordNames = { destinations: '_dsdst_', context: '_dsctx_' };

/** The parameters xavp_dst and xavp_ctx. */
export interface RecordNames {
  readonly destinations: string;
  readonly context: string;
}

/**
 * What a kamailio selection keeps as scripts read it: $xavp(_dsdst_[0]=>uri) is the destination in use, those after it
 * are to come (fields uri, grp, attrs, dstid, socket, sockname); $xavp(_dsctx_=>cnt) is how many there were.
 */
export class SelectionRecords implements PvarRecords {
  /** `lists`: of the kamailio partition used last. */
  constructor(
    private readonly lists: () => TargetLists | undefined,
    private readonly names: () => RecordNames = () => USUAL,
  ) {}

  /** How many records a name has. */
  count(name: string): number {
    const lists = this.lists();
    if (lists === undefined) return 0;
    const { destinations, context } = this.names();
    if (name === context) return lists.current === undefined ? 0 : 1;
    return name === destinations ? lists.listed().length : 0;
  }

  /** A field of the record at `index`, 0 the one in use; null: there is none. */
  get(name: string, index: number, field: string): PvarValue {
    const lists = this.lists();
    if (lists === undefined) return null;
    const { destinations, context } = this.names();
    if (name === context) {
      const isCounted = lists.current !== undefined && !lists.uncounted;
      return index === 0 && field === 'cnt' && isCounted ? lists.count : null;
    }
    if (name !== destinations) return null;
    const destination = index === 0 ? lists.first : lists.listed()[index];
    if (destination === undefined) return null;
    const { row, setId } = destination;
    switch (field) {
      case 'uri':
        return row.uri;
      case 'grp':
        return setId;
      case 'attrs':
        return orNull(row.attrs);
      case 'dstid':
        return lists.call === undefined ? null : orNull(parseAttributes(row.attrs).duid);
      case 'socket':
        return orNull(row.socket);
      case 'sockname':
        return orNull(parseAttributes(row.attrs).sockname);
      default:
        return null;
    }
  }
}

function orNull(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
