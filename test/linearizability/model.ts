/** What one key does: the sequential specification that every history is held against. */

import type { Operation } from './history.js';
import { ABSENT } from './operations.mjs';

/** The state of a key is its value or `ABSENT`. Returns the one after, or undefined where the result is another then. */
export function stateAfter(state: number, operation: Operation): number | undefined {
  const told = tellAndChange(state, operation);
  return told.result === operation.result ? told.after : undefined;
}

/** What the operation is told in this state, and the state after it. Made with nothing but the arguments. */
export function tellAndChange(state: number, operation: Operation): { result: number; after: number } {
  const { argument, expected } = operation;
  const isPresent = state !== ABSENT;
  switch (operation.kind) {
    case 'get':
      return { result: state, after: state };
    case 'has':
      return { result: Number(isPresent), after: state };
    case 'set':
      return { result: ABSENT, after: argument };
    case 'delete':
      return { result: Number(isPresent), after: ABSENT };
    case 'clear':
      return { result: ABSENT, after: ABSENT };
    case 'getOrInsert':
    case 'getOrInsertComputed': {
      const value = isPresent ? state : argument;
      return { result: value, after: value };
    }
    case 'getAndSet':
      return { result: state, after: argument };
    case 'getAndDelete':
      return { result: state, after: ABSENT };
    case 'compareAndSet':
      return state === expected ? { result: 1, after: argument } : { result: 0, after: state };
    case 'compareAndDelete':
      return isPresent && state === expected ? { result: 1, after: ABSENT } : { result: 0, after: state };
    case 'increment':
      return { result: state + argument, after: state + argument };
    case 'update':
      // It takes effect only while what its function was shown is there.
      return { result: state === expected ? argument : Number.NaN, after: argument };
    case 'expire':
      return { result: ABSENT, after: state === expected ? ABSENT : state };
  }
}

/** Whether the result says that the operation left everything as it was. */
export function changedNothing(operation: Operation): boolean {
  const { kind, argument, expected, result } = operation;
  switch (kind) {
    case 'get':
    case 'has':
      return true;
    case 'delete':
    case 'getAndDelete':
    case 'compareAndSet':
    case 'compareAndDelete':
      return result === 0;
    case 'getOrInsert':
    case 'getOrInsertComputed':
      return result !== argument;
    case 'update':
      return argument === expected;
    default:
      return false;
  }
}

/** The state that an operation left, if it happened. */
export function stateLeftBy(operation: Operation): number {
  switch (operation.kind) {
    case 'increment':
      return operation.result;
    case 'delete':
    case 'clear':
    case 'getAndDelete':
    case 'compareAndDelete':
    case 'expire':
      return ABSENT;
    default:
      return operation.argument;
  }
}

/** The states that the results of an operation tell from others. */
export function statesToldApart({ kind, argument, expected, result }: Operation): readonly number[] {
  return kind === 'increment' ? [result - argument] : [expected, result];
}
