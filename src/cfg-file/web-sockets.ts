/**
 * Listeners with those for WebSockets that come by their ports: with its module websocket Kamailio takes them at every TCP and TLS listener.
 * Which pages may use them is the script's affair there, so any may.
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
