/** The symbols of disposal, on every Node version. */

// Node 20 adds these symbols to its main context only: elsewhere they may be missing, and the methods then have no name
// to be called by.
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? (Symbol('Symbol.dispose') as typeof Symbol.dispose);
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol('Symbol.asyncDispose') as typeof Symbol.asyncDispose);
