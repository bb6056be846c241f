/**
 * A host name without the dot at its end, which names the root of the DNS (RFC 1034 section 3.1). It is the same name.
 */
export function withoutRoot(host: string): string {
  return host.length > 1 && host.charCodeAt(host.length - 1) === 46 ? host.slice(0, -1) : host;
}
