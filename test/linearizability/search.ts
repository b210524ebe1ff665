/**
 * The search for an order of operations on one key that explains all of their results: that of J. Wing and C. Gong
 * ("Testing and verifying concurrent objects", 1993) with the memory that G. Lowe gave it ("Testing for
 * linearizability", 2017), which never goes on twice from the same set of operations and the same state.
 *
 * Three things keep it short. What has been put in order is a prefix of each lane, where a lane is a chain of operations
 * that do not overlap, so a set of operations is told by a few counts. It goes breadth first, so only sets of one size
 * need be remembered. And an operation whose result says that it changed nothing is put next as soon as it may be,
 * without a choice: whatever order explains the rest explains it with that one moved there.
 */

import type { History, Operation } from './history.js';
import { changedNothing, stateAfter } from './model.js';

/** `done[i]` operations of lane `i` are in order, and left this state. */
interface Configuration {
  readonly done: readonly number[];
  readonly state: number;
}

type Lane = Operation[];

/**
 * Undefined, if some order that begins in one of the states explains all operations that returned; those that never did
 * may be part of it. Else the first return that no order gets past: the operations called until then are the shortest
 * beginning of the history that nothing explains.
 */
export function findUnexplainedReturn(operations: History, states: Iterable<number>): number | undefined {
  const lanes = assignLanes(operations);
  const none = lanes.map(() => 0);
  let configurations: Configuration[] = [...states].map((state) => ({ done: none, state }));
  let unexplained = Number.NEGATIVE_INFINITY;
  while (configurations.length > 0) {
    const next: Configuration[] = [];
    for (const configuration of configurations) {
      const firstReturn = firstReturnAfter(lanes, configuration);
      if (firstReturn === Infinity) return undefined;
      if (firstReturn > unexplained) unexplained = firstReturn;
      addSuccessors(lanes, configuration, firstReturn, next);
    }
    configurations = next.length > 1 ? distinct(next) : next;
  }
  return unexplained;
}

/** Few lanes: hardly more than threads. */
function assignLanes(operations: History): readonly Lane[] {
  const lanes: Lane[] = [];
  for (const operation of [...operations].sort((a, b) => a.invoked - b.invoked)) {
    const lane = lanes.find((each) => (each.at(-1)?.returned ?? 0) < operation.invoked);
    if (lane === undefined) lanes.push([operation]);
    else lane.push(operation);
  }
  return lanes;
}

/** The first of those that are not in order yet to return. */
function firstReturnAfter(lanes: readonly Lane[], { done }: Configuration): number {
  let first = Infinity;
  for (let lane = 0; lane < done.length; lane++) {
    const operation = lanes[lane]?.[done[lane] as number];
    if (operation !== undefined && operation.returned < first) first = operation.returned;
  }
  return first;
}

/** An operation may be next if it was called before any other returned, or at the same time: these two overlap. */
function addSuccessors(
  lanes: readonly Lane[],
  { done, state }: Configuration,
  firstReturn: number,
  out: Configuration[],
): void {
  const before = out.length;
  for (let lane = 0; lane < done.length; lane++) {
    const operation = lanes[lane]?.[done[lane] as number];
    if (operation === undefined || operation.invoked > firstReturn) continue;
    const after = stateAfter(state, operation);
    if (after === undefined) continue;
    if (changedNothing(operation)) out.length = before;
    out.push({ done: done.with(lane, (done[lane] as number) + 1), state: after });
    if (changedNothing(operation)) return;
  }
}

function distinct(configurations: readonly Configuration[]): Configuration[] {
  const byName = new Map<string, Configuration>();
  for (const configuration of configurations) {
    byName.set(`${configuration.done.join()} ${configuration.state}`, configuration);
  }
  return [...byName.values()];
}
