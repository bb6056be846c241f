/** The name of a header field: fields of one name keep their order. */
const nameOf = (line: string): string => line.slice(0, line.indexOf(':') + 1);

/** A Via with sorted parameters, without the connection's id. */
function ordered(line: string): string {
  const [sentBy, ...parameters] = line.split(';');
  return [sentBy, ...parameters.filter((each) => !each.startsWith('i=')).sort()].join(';');
}

/** A message without connection data: the peer's port and what each program derives from it. */
export const plain = (text: string): string =>
  text
    // Hop-by-hop; the original copies it from the request it forwarded.
    .replace(/^((?:ACK|CANCEL) [\s\S]*?\r\nMax-Forwards: )(?:6\d|70)(?=\r\n)/, (all, before: string) =>
      (text.match(/^Via:/gm)?.length ?? 0) === 1 ? `${before}*` : all,
    )
    .replace(/(rport=|alias=127\.0\.0\.1~|received=sip:127\.0\.0\.1:)\d+/g, '$1*')
    .replace(/branch=z9hG4bK[\w.-]+/g, 'branch=*')
    .replace(/tag=(?!ft|gw)[\w.-]+/g, 'tag=*')
    .replace(/;(?:dt|did)=[\w.-]+/g, '')
    .replace(/^(Server|User-Agent): .*\r\n/gm, '')
    .split('\r\n')
    .map((line) => (/^Via:/.test(line) ? ordered(line) : line))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0))
    .join('\n');
