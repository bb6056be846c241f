/**
 * The listeners and, for each of tcp and tls, one of ws or wss at the same address and port: Kamailio's websocket and xhttp accept HTTP at
 * every TCP and TLS listener. Any Origin is accepted: there the script checks it.
 */
export function withWebSockets(listen: readonly string[]): string[] {
  const shared = listen.flatMap((text) => {
    const found = /^(tcp|tls):(.*?)(?:\s+name\s+\S+)?$/i.exec(text.trim());
    if (found === null) return [];
    const [, transport = '', rest = ''] = found;
    return [`${transport.toLowerCase() === 'tcp' ? 'ws' : 'wss'}:${rest} origins any`];
  });
  return [...listen, ...shared];
}
