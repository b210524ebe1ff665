/**
 * Decides whether a history is linearizable: whether each of its operations may have happened at one instant between call
 * and return, so that every result follows from those before it (M. Herlihy and J. Wing, "Linearizability: a correctness
 * condition for concurrent objects", 1990). Keys are independent, so each is checked by itself, from absent.
 */

import { formatHistory, type History, type Operation } from './history.js';
import { changedNothing, stateLeftBy, statesToldApart } from './model.js';
import { ABSENT } from './operations.mjs';
import { findUnexplainedReturn } from './search.js';

/**
 * Why a history is not linearizable: operations on one key, by time of their calls, of which no order explains the
 * results, whatever came before. It is the shortest such window before the first return that nothing explains, without
 * what changed nothing and is not needed. A write that reaches out of the window, at either end, may have happened there.
 */
export interface Violation {
  readonly key: number;
  readonly window: History;
}

/** A value that no result of a window tells from others like it. */
const OTHER = -0.5;

/** Undefined if the history is linearizable. */
export function findViolation(history: History): Violation | undefined {
  for (const key of new Set(history.map((operation) => operation.key))) {
    const operations = history.filter((operation) => operation.key === key);
    const end = findUnexplainedReturn(operations, [ABSENT]);
    if (end !== undefined) return { key, window: shortestWindow(operations, end) };
  }
  return undefined;
}

export function formatViolation({ key, window }: Violation): string {
  const heading = `No order of these explains what they were told about key ${key}, whatever was there before`;
  return `${heading} (times in ns):\n${formatHistory(window)}`;
}

/** Of operations that nothing explains, not even those that were called until `end` alone. */
function shortestWindow(operations: History, end: number): History {
  const beginning = cutAfter(operations, end);
  const begin = latestBegin(beginning);
  const window = withoutNeedless(cutBefore(beginning, begin), (rest) => statesBefore(beginning, begin, rest));
  const originals = window.map(({ worker, invoked }) =>
    operations.find((each) => each.worker === worker && each.invoked === invoked),
  );
  return (originals as Operation[]).sort((a, b) => a.invoked - b.invoked);
}

/** What is known of the operations called until a moment: those that return later may not have happened. */
function cutAfter(operations: History, end: number): History {
  const called = operations.filter((operation) => operation.invoked <= end);
  return dropIdle(called.map((each) => (each.returned > end ? { ...each, returned: Infinity } : each)));
}

/** What is left where all that returned before a moment is forgotten: who was called before it may have happened. */
function cutBefore(operations: History, begin: number): History {
  const returned = operations.filter((operation) => operation.returned >= begin);
  return dropIdle(returned.map((each) => (each.invoked < begin ? { ...each, returned: Infinity } : each)));
}

/** What may not have happened, or else changed nothing, says nothing. */
function dropIdle(operations: History): History {
  return operations.filter((operation) => operation.returned !== Infinity || !changedNothing(operation));
}

/** The states that the key may have been in when a window began, as far as its results tell them apart. */
function statesBefore(operations: History, begin: number, window: History): Set<number> {
  const told = new Set(window.flatMap(statesToldApart));
  const left = operations.filter((each) => each.invoked < begin && !changedNothing(each)).map(stateLeftBy);
  return new Set([ABSENT, ...left.map((state) => (told.has(state) ? state : OTHER))]);
}

/**
 * The latest call after which the operations are still explained by nothing that was before. To forget more explains
 * more, so bisection finds it; windows are short, so it looks at short ones first.
 */
function latestBegin(operations: History): number {
  const calls = operations.map((operation) => operation.invoked).sort((a, b) => b - a);
  const isTooLate = (begin: number): boolean => {
    const window = cutBefore(operations, begin);
    return findUnexplainedReturn(window, statesBefore(operations, begin, window)) === undefined;
  };
  let tooShort = 0;
  let enough = 1;
  while (enough < calls.length && isTooLate(calls[enough - 1] as number)) {
    tooShort = enough;
    enough = Math.min(2 * enough, calls.length);
  }
  while (enough - tooShort > 1) {
    const length = Math.floor((tooShort + enough) / 2);
    if (isTooLate(calls[length - 1] as number)) tooShort = length;
    else enough = length;
  }
  return calls[enough - 1] as number;
}

function withoutNeedless(window: History, statesOf: (window: History) => Set<number>): History {
  let needed = window;
  for (const operation of window) {
    if (!changedNothing(operation)) continue;
    const rest = needed.filter((each) => each !== operation);
    if (findUnexplainedReturn(rest, statesOf(window)) !== undefined) needed = rest;
  }
  return needed;
}
