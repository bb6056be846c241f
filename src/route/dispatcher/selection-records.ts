import { parseAttributes } from '../../engine/kamailio/attributes.js';
import type { TargetLists } from '../../engine/target-lists.js';
import type { PvarRecords, PvarValue } from '../../pvar/context.js';

/** Kamailio's default names of the records, and all usual fields. */
const USUAL: RecordShape = { destinations: '_dsdst_', context: '_dsctx_', destinationMode: 0, contextMode: 0 };

/** Values of the parameters xavp_dst, xavp_ctx, xavp_dst_mode and xavp_ctx_mode. */
export interface RecordShape {
  readonly destinations: string;
  readonly context: string;
  /** Bits: 1 leaves attrs out, 2 adds socket, 4 adds sockname. */
  readonly destinationMode: number;
  /** With bit 1 there is no cnt. */
  readonly contextMode: number;
}

/** What the field sock of a destination with a socket shows: in the original a pointer. */
const POINTER = '<<vptr:0x1000000>>';

/**
 * A selection of a Kamailio partition as scripts read it. $xavp(_dsdst_[0]=>uri) is the current destination, followed
 * by those still to be tried (fields uri, grp, attrs, dstid, sock, socket, sockname). $xavp(_dsctx_=>cnt) is the number
 * of selected destinations.
 */
export class SelectionRecords implements PvarRecords {
  /** `lists` gives the lists of the Kamailio partition used last. */
  constructor(
    private readonly lists: () => TargetLists | undefined,
    private readonly shape: () => RecordShape = () => USUAL,
  ) {}

  /** Number of records with a name. */
  count(name: string): number {
    const lists = this.lists();
    if (lists === undefined) return 0;
    const { destinations, context, contextMode } = this.shape();
    if (name === context && (contextMode & 1) !== 0) return 0;
    if (name === context) return lists.current === undefined ? 0 : 1;
    return name === destinations ? lists.listed().length : 0;
  }

  /** A field of the record at `index` (0 is the current one); null when there is none. */
  get(name: string, index: number, field: string): PvarValue {
    const lists = this.lists();
    if (lists === undefined) return null;
    const { destinations, context, destinationMode, contextMode } = this.shape();
    if (name === context) {
      const isCounted = lists.current !== undefined && (contextMode & 1) === 0;
      return index === 0 && field === 'cnt' && isCounted ? (lists.count ?? null) : null;
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
        return (destinationMode & 1) === 0 ? orNull(row.attrs) : null;
      case 'dstid':
        return lists.call === undefined ? null : orNull(parseAttributes(row.attrs).duid);
      case 'sock':
        return row.socket === undefined || row.socket === '' ? null : POINTER;
      case 'socket':
        return (destinationMode & 2) === 0 ? null : orNull(row.socket);
      case 'sockname':
        return (destinationMode & 4) === 0 ? null : orNull(parseAttributes(row.attrs).sockname);
      default:
        return null;
    }
  }

  /**
   * As observed, ds_next_dst() uses the URIs that a script has written into the records, and fails at a record without
   * one. Other fields cannot be changed.
   */
  change(name: string, index: number | undefined, field: string | undefined, value: PvarValue): void {
    const lists = this.lists();
    if (lists === undefined || name !== this.shape().destinations) return;
    if (field === undefined ? value !== null : field !== 'uri') return;
    const uris: (string | number)[] = lists.listed().map((each) => each.dialUri);
    if (field === undefined) uris.splice(index ?? 0, 1);
    else if (value === null) uris.length = index ?? uris.length;
    else if (index === undefined) uris.unshift(String(value));
    else uris[index] = String(value);
    lists.setTargets(uris);
  }
}

function orNull(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
