import { defaultPort, parseUri, type SipUri } from '../core/uri.js';
import { isIpLiteral } from '../engine/compiled-destination.js';
import type { DestinationRow, ResolvedAddress } from '../engine/destination.js';

/** Rows handled in one event loop iteration: about a millisecond. */
const ROWS_PER_ITERATION = 1000;

/**
 * Replaces a row whose URI has a host name by one row for each address of that name, with port and transport from the
 * DNS (RFC 3263). An empty description is set to the name. The states of such rows are not written back, since they
 * share one row of the table. A row over TLS is not replaced, since certificates are checked against its name; nor is
 * one whose name does not resolve.
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

/** The URI with an address instead of its host, and with the transport where the URI does not have it. */
function addressUri(text: string, uri: SipUri, { family, address, port, transport }: ResolvedAddress): string {
  const at = text.indexOf('@');
  const before = at < 0 ? `${uri.scheme}:` : text.slice(0, at + 1);
  const host = family === 6 ? `[${address}]` : address;
  const portText = port === defaultPort(transport) && uri.portText === '' ? '' : `:${port}`;
  const says = transport === 'udp' || /;transport=/i.test(uri.params);
  return `${before}${host}${portText}${uri.params}${says ? '' : `;transport=${transport}`}${uri.headers}`;
}
