/** A value in the files that are written. */
export type WrittenJson =
  | null
  | boolean
  | number
  | string
  | readonly WrittenJson[]
  | { readonly [key: string]: WrittenJson };
