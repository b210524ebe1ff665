/**
 * Danger: a checker that cannot fail, or that finds fault with histories that are right. Here are bad ones of every kind
 * that a broken map would make, good ones that look bad, and random ones: made from an order, and so right by
 * construction, or so short that all orders can be tried.
 */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runCount, seed } from '../lib/run-size.js';
import { findViolation, formatViolation } from './checker.js';
import { formatHistory, type History, type Operation, parseHistory } from './history.js';
import { stateAfter, tellAndChange } from './model.js';
import { ABSENT, FORMS, KINDS, valueWritten } from './operations.mjs';

/** The window that no order explains, as it is printed but for the spaces and the heading; empty where one does. */
function badWindow(text: string): string {
  const violation = findViolation(parseHistory(text));
  return violation === undefined ? '' : lines(formatHistory(violation.window)).slice(1).join('\n');
}

function lines(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '));
}

const BAD: Record<string, { history: string; window: string }> = {
  'a stale read': {
    history: `
      0 10 20 set 1
      0 30 40 set 2
      1 50 60 get = 1`,
    window: `
      0 0 10 set 2
      1 20 30 get = 1`,
  },
  'a value that goes backwards': {
    history: `
      0 10 20 set 1
      0 30 90 set 2
      1 40 50 get = 2
      1 60 70 get = 1`,
    window: `
      0 0 60 set 2
      1 10 20 get = 2
      1 30 40 get = 1`,
  },
  'a value that nobody wrote': {
    history: `
      0 10 20 set 1
      1 25 35 get = 7`,
    window: `1 0 10 get = 7`,
  },
  'a lost update': {
    history: `
      0 10 20 set 5
      0 30 60 increment 1 = 6
      1 40 50 increment 1 = 6
      0 70 80 get = 6`,
    window: `
      0 0 30 increment 1 = 6
      1 10 20 increment 1 = 6`,
  },
  'a lost update by update()': {
    history: `
      0 10 20 set 1
      0 30 60 update 1 2 = 2
      1 40 50 update 1 3 = 3`,
    window: `
      0 0 30 update 1 2 = 2
      1 10 20 update 1 3 = 3`,
  },
  'a double success of compareAndSet': {
    history: `
      0 10 20 set 1
      0 30 60 compareAndSet 1 2 = true
      1 40 50 compareAndSet 1 3 = true`,
    window: `
      0 0 30 compareAndSet 1 2 = true
      1 10 20 compareAndSet 1 3 = true`,
  },
  'a compareAndSet that fails for no reason': {
    history: `
      0 10 20 set 1
      1 30 40 compareAndSet 1 2 = false`,
    window: `
      0 0 10 set 1
      1 20 30 compareAndSet 1 2 = false`,
  },
  'a double success of compareAndSet from absent': {
    history: `
      0 10 40 compareAndSet absent 1 = true
      1 20 30 compareAndSet absent 2 = true`,
    window: `
      0 0 30 compareAndSet absent 1 = true
      1 10 20 compareAndSet absent 2 = true`,
  },
  'a double success of compareAndDelete': {
    history: `
      0 10 20 set 1
      0 30 60 compareAndDelete 1 = true
      1 40 50 compareAndDelete 1 = true`,
    window: `
      0 0 30 compareAndDelete 1 = true
      1 10 20 compareAndDelete 1 = true`,
  },
  'a getOrInsert of two steps': {
    history: `
      0 10 50 getOrInsert 1 = 1
      1 20 40 getOrInsert 2 = 2`,
    window: `
      0 0 40 getOrInsert 1 = 1
      1 10 30 getOrInsert 2 = 2`,
  },
  'a getOrInsertComputed that lost against nobody': {
    history: `
      0 10 20 getOrInsertComputed 1 = 2
      1 30 40 getOrInsertComputed 2 = 2`,
    window: '0 0 10 getOrInsertComputed 1 = 2',
  },
  'a delete that is true twice': {
    history: `
      0 10 20 set 1
      0 30 60 delete = true
      1 40 50 delete = true`,
    window: `
      0 0 30 delete = true
      1 10 20 delete = true`,
  },
  'a value that two take away': {
    history: `
      0 10 20 set 1
      0 30 60 getAndDelete = 1
      1 40 50 getAndSet 2 = 1`,
    window: `
      0 0 30 getAndDelete = 1
      1 10 20 getAndSet 2 = 1`,
  },
  'a deleted entry that is seen again': {
    history: `
      0 10 20 set 1
      0 30 40 delete = true
      1 50 60 has = true`,
    window: `
      0 0 10 delete = true
      1 20 30 has = true`,
  },
  'an entry that a clear left behind': {
    history: `
      0 10 20 set 1
      0 30 40 clear
      1 50 60 get = 1`,
    window: `
      0 0 10 clear
      1 20 30 get = 1`,
  },
  'a value that is seen after its deadline': {
    history: `
      0 10 20 set 1
      4 110 120 expire 1
      1 130 140 get = 1`,
    window: `
      4 0 10 expire 1
      1 20 30 get = 1`,
  },
  'a value that is gone before its deadline': {
    history: `
      0 10 20 set 1
      1 30 40 get = absent
      4 110 120 expire 1`,
    window: `
      0 0 10 set 1
      1 20 30 get = absent`,
  },
  'two readers who disagree about the order of two writers': {
    history: `
      0 10 90 set 1
      1 10 90 set 2
      2 20 30 get = 1
      2 40 50 get = 2
      3 20 30 get = 2
      3 40 50 get = 1`,
    window: `
      0 0 80 set 1
      1 0 80 set 2
      2 10 20 get = 1
      3 10 20 get = 2
      2 30 40 get = 2
      3 30 40 get = 1`,
  },
};

const GOOD: Record<string, string> = {
  'nothing at all': '',
  'an old value that is read while it is replaced': `
      0 10 20 set 1
      0 30 60 set 2
      1 40 50 get = 1`,
  'a new value that is read before its set returns': `
      0 10 60 set 1
      1 20 30 get = 1
      1 40 50 get = 1`,
  'a read that ends at the very moment at which a set begins': `
      0 20 30 set 1
      1 10 20 get = 1`,
  'a value that is replaced in time': `
      0 10 20 set 1
      0 30 40 set 2
      4 110 120 expire 1
      1 130 140 get = 2`,
  'a value that is seen at its deadline': `
      0 10 30 set 1
      4 110 130 expire 1
      1 115 120 get = 1
      1 122 125 get = absent`,
  'writers of whom either may be the last': `
      0 10 60 set 1
      1 10 60 set 2
      2 70 80 get = 1`,
  'a set that took effect long after its call': `
      0 10 99 set 1
      1 20 30 set 2
      1 40 50 get = 2
      1 60 70 delete = true
      1 80 90 get = 1`,
  'one who wins and one who loses': `
      0 10 50 compareAndSet absent 1 = true
      1 10 50 compareAndSet absent 2 = false
      0 60 90 compareAndDelete 1 = false
      1 60 90 getAndSet 3 = 1
      0 91 99 increment 2 = 5`,
  'an update that removes what it is shown': `
      0 10 20 set 1
      0 30 90 update 1 absent = absent
      1 40 50 getOrInsert 2 = 2`,
};

describe('a bad history is told by the shortest window that nothing explains', () => {
  it.each(Object.entries(BAD))('%s', (_, { history, window }) => {
    expect(badWindow(history)).toBe(lines(window).join('\n'));
    // What was printed may be taken for a test.
    expect(badWindow(window)).not.toBe('');
  });

  it('also after thousands of good operations, and before others', () => {
    const good = Array.from({ length: 5000 }, (_, step) => [
      `0 ${100 * step} ${100 * step + 60} set ${2 * step + 1}`,
      `1 ${100 * step + 10} ${100 * step + 70} getAndSet ${2 * step + 2} = ${2 * step + 1}`,
      `2 ${100 * step + 80} ${100 * step + 90} get = ${2 * step + 2}`,
    ]).flat();
    expect(badWindow(good.join('\n'))).toBe('');
    good[9002] = '2 300080 300090 get = 6001';
    expect(lines(badWindow(good.join('\n')))).toEqual([
      '0 0 60 set 6001',
      '1 10 70 getAndSet 6002 = 6001',
      '2 80 90 get = 6001',
    ]);
  });

  it('of the key that is concerned alone', () => {
    const other = parseHistory('0 10 20 set 1\n1 30 40 get = 1', 3);
    const bad = parseHistory('0 11 21 set 1\n1 31 41 get = absent', 4);
    const violation = findViolation([...other, ...bad]);
    expect(violation).toEqual({ key: 4, window: bad });
    expect(violation && formatViolation(violation)).toBe(
      'No order of these explains what they were told about key 4, whatever was there before (times in ns):\n' +
        'worker  called  returned  operation\n' +
        '     0       0        10  set 1\n' +
        '     1      20        30  get = absent',
    );
  });
});

describe('a good history is explained', () => {
  it.each(Object.entries(GOOD))('%s', (_, history) => {
    expect(badWindow(history)).toBe('');
  });
});

const WORKERS = 4;

/** What a random history is made of: who does what, with which of a few values, and how long that takes. */
const anyStep = fc.record({
  worker: fc.integer({ min: 0, max: WORKERS - 1 }),
  key: fc.integer({ min: 0, max: 1 }),
  kind: fc.constantFrom(...KINDS),
  expected: fc.integer({ min: 0, max: 3 }),
  argument: fc.integer({ min: 1, max: 3 }),
  before: fc.double({ min: 0, max: 1, noNaN: true }),
  after: fc.double({ min: 0, max: 1, noNaN: true }),
});
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

const STEP_NS = 100;

/**
 * Each step takes effect in its turn; calls and returns are as far from there as they may be without overlapping the same
 * worker's others, and longer than others' steps by far.
 */
function historyInOrder(steps: readonly Step[]): Operation[] {
  const states = new Map<number, number>();
  const effects = steps.map((_, place) => (place + 1) * STEP_NS);
  return steps.map(({ worker, key, kind, expected, argument, before, after }, place) => {
    const effect = effects[place] as number;
    const isOwn = (each: Step): boolean => each.worker === worker;
    const previous = effects[steps.slice(0, place).findLastIndex(isOwn)] ?? 0;
    const next = effects[steps.findIndex((each, index) => index > place && isOwn(each))] ?? (place + 30) * STEP_NS;
    const state = states.get(key) ?? ABSENT;
    const shown = kind === 'update' ? state : expected;
    const operation = {
      ...{ kind, worker, key, expected: shown, argument, result: ABSENT },
      invoked: Math.round(effect - (before * (effect - previous)) / 2),
      returned: Math.round(effect + (after * (next - effect - 2)) / 2),
    };
    const told = tellAndChange(state, operation);
    states.set(key, told.after);
    return normal({ ...operation, result: told.result });
  });
}

/** Without what its kind is not given. */
function normal(operation: Operation): Operation {
  const { takes } = FORMS[operation.kind] as { takes: readonly string[] };
  const given = (name: 'expected' | 'argument'): number => (takes.includes(name) ? operation[name] : ABSENT);
  return { ...operation, expected: given('expected'), argument: given('argument') };
}

/** Tries all orders. */
function isExplainedByBruteForce(operations: History, state = ABSENT): boolean {
  const first = Math.min(...operations.map((operation) => operation.returned));
  return operations.every((operation) => operation.returned === Infinity) || operations.some(isNextOf);

  function isNextOf(operation: Operation): boolean {
    const after = operation.invoked <= first ? stateAfter(state, operation) : undefined;
    if (after === undefined) return false;
    return isExplainedByBruteForce(
      operations.filter((each) => each !== operation),
      after,
    );
  }
}

describe(`random histories (SHARDMAP_TEST_SEED=${seed})`, () => {
  it('that were made from an order are explained', () => {
    const property = fc.property(fc.array(anyStep, { maxLength: 300, size: 'max' }), (steps) => {
      const history = historyInOrder(steps);
      expect(findViolation(history.toReversed())).toBeUndefined();
    });
    fc.assert(property, { seed, numRuns: runCount(300) });
  });

  it('of few operations are judged as if all orders were tried', () => {
    const anyHistory = fc.array(fc.tuple(anyStep, fc.integer({ min: 0, max: 4 })), { maxLength: 6 });
    let good = 0;
    let bad = 0;
    const property = fc.property(anyHistory, fc.integer({ min: 0, max: 20 }), (steps, lie) => {
      const right = historyInOrder(steps.map(([step]) => ({ ...step, key: 0 })));
      const history = right.map((operation, place) =>
        place === lie % 7 && FORMS[operation.kind].tells !== 'nothing'
          ? { ...operation, result: wrongResult(operation, steps[place]?.[1] ?? 0) }
          : operation,
      );
      const violation = findViolation(history);
      const isExplained = isExplainedByBruteForce(history);
      expect(violation === undefined).toBe(isExplained);
      if (isExplained) good++;
      else bad++;
      if (violation !== undefined) expect(isExplainedByBruteForce(violation.window)).toBe(false);
    });
    fc.assert(property, { seed, numRuns: runCount(3000) });
    expect(Math.min(good, bad)).toBeGreaterThan(0);
  });

  it('are read as they were written', () => {
    const property = fc.property(fc.array(anyStep, { minLength: 1, maxLength: 20 }), (steps) => {
      const history = historyInOrder(steps.map((step) => ({ ...step, key: 5 }))).map((operation) => ({
        ...operation,
        argument: operation.argument === ABSENT ? ABSENT : valueWritten(operation.worker, operation.argument) + 2,
      }));
      const begin = Math.min(...history.map((operation) => operation.invoked));
      const moved = history.map((each) => ({
        ...each,
        invoked: each.invoked - begin,
        returned: each.returned - begin,
      }));
      expect(parseHistory(formatHistory(history), 5)).toEqual(moved);
    });
    fc.assert(property, { seed, numRuns: runCount(300) });
  });

  it('are not read from other lines', () => {
    for (const line of [
      '0 1 2',
      '0 1 2 swap 3',
      '0 1 2 set',
      '0 1 2 get',
      '0 1 2 get 3',
      '0 1 2 get = 3 4',
      '0 1 2 get = q1',
      'x 1 2 clear',
    ])
      expect(() => parseHistory(line), line).toThrow('no operation');
  });
});

function wrongResult({ kind, result }: Operation, other: number): number {
  return FORMS[kind].tells === 'boolean' ? 1 - result : other;
}
