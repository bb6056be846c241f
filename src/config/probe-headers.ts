/**
 * Header fields that each probe has already; a second one would make it another transaction, or end its body elsewhere.
 */
const OWN = /^(?:via|v|from|f|to|t|call-id|i|cseq|max-forwards|content-length|l):/i;
const HEADER_LINE = /^[A-Za-z0-9!%*_+`'~.-]{1,128}:[^\r\n\0]*$/;

/** Whether probes can carry this header line. */
export function isProbeHeader(line: string): boolean {
  return HEADER_LINE.test(line) && !OWN.test(line);
}
