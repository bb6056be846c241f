/** What is written into the files. */
export type WrittenJson =
  | null
  | boolean
  | number
  | string
  | readonly WrittenJson[]
  | { readonly [key: string]: WrittenJson };
