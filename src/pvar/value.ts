/** What a variable holds; `null` is OpenSIPS' "not set". Strings are latin1, one code unit per byte on the wire. */
export type PvarValue = string | number | null;
