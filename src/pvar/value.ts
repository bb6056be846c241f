/**
 * Value of a variable; `null` is OpenSIPS' "not set". Strings are latin1, one code unit for each byte of the message.
 */
export type PvarValue = string | number | null;
