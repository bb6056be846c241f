/**
 * Adds a ws or wss socket for each tcp or tls socket at the same address and port: Kamailio's websocket and xhttp
 * accept HTTP on every TCP and TLS socket. Any Origin is accepted, since there the script checks it.
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
