import { defaultPort, parseUri, type SipUri } from '../core/uri.js';
import { isIpLiteral } from '../engine/compiled-destination.js';
import type { DestinationRow, ResolvedAddress } from '../engine/destination.js';

/** Rows processed in one event loop iteration: about a millisecond. */
const ROWS_PER_ITERATION = 1000;

/**
 * Makes each address a host name resolves to a row of its own: the name's row with the address instead of the name,
 * port and transport as the DNS gave them (RFC 3263). The name goes into an empty description. States of such rows are
 * not written back, as several share one row of the table. Rows over TLS keep their name, which certificates are
 * checked against; so do names that do not resolve.
 */
export async function expandNames(
  rows: readonly DestinationRow[],
  addressesOf: (uri: SipUri) => readonly ResolvedAddress[] | undefined,
  pause: () => Promise<void>,
): Promise<readonly DestinationRow[]> {
  const expanded: DestinationRow[] = [];
  for (let i = 0; i < rows.length; i++) {
    if (i % ROWS_PER_ITERATION === ROWS_PER_ITERATION - 1) await pause();
    const row = rows[i] as DestinationRow;
    const uri = parseUri(row.uri);
    const named = uri !== undefined && uri.host !== '' && !isIpLiteral(uri.host);
    const addresses = (named ? addressesOf(uri) : undefined) ?? [];
    if (uri === undefined || addresses.length === 0 || addresses.some(({ transport }) => isSecure(transport))) {
      expanded.push(row);
      continue;
    }
    const description = row.description === '' ? uri.host : row.description;
    for (const address of addresses) {
      expanded.push({ ...row, rowId: undefined, uri: addressUri(row.uri, uri, address), description });
    }
  }
  return expanded;
}

function isSecure(transport: ResolvedAddress['transport']): boolean {
  return transport === 'tls' || transport === 'wss';
}

/** The URI with an address instead of its host; the transport is written where the URI does not say it. */
function addressUri(text: string, uri: SipUri, { family, address, port, transport }: ResolvedAddress): string {
  const at = text.indexOf('@');
  const before = at < 0 ? `${uri.scheme}:` : text.slice(0, at + 1);
  const host = family === 6 ? `[${address}]` : address;
  const portText = port === defaultPort(transport) && uri.portText === '' ? '' : `:${port}`;
  const says = transport === 'udp' || /;transport=/i.test(uri.params);
  return `${before}${host}${portText}${uri.params}${says ? '' : `;transport=${transport}`}${uri.headers}`;
}
