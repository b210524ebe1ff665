// Which rounds tell of the maps, and not of what else the machine did: those in which each thread had a core to itself.
// It says nothing of threads that wait for each other or for another process by nature.

/** A round counts if each thread had a core to itself for at least this much of the time; others are repeated. */
const CPU_SHARE_MIN = 0.97;

/**
 * Whether enough rounds are undisturbed.
 *
 * @template T
 * @param {T[]} attempts
 * @param {(round: T) => number} shareOf the least part of a core that a thread had
 * @param {number} rounds wanted
 */
export function areEnough(attempts, shareOf, rounds) {
  return countUndisturbed(attempts, shareOf) >= rounds;
}

/**
 * The least disturbed rounds, with a note where not all of them are undisturbed.
 *
 * @template T
 * @param {T[]} attempts
 * @param {(round: T) => number} shareOf
 * @param {number} rounds wanted
 */
export function leastDisturbed(attempts, shareOf, rounds) {
  const count = countUndisturbed(attempts, shareOf);
  const note = `DISTURBED: ${rounds - count} of ${rounds} rounds`;
  const best = attempts.toSorted((a, b) => shareOf(b) - shareOf(a)).slice(0, rounds);
  return { rounds: best, note: count < rounds ? note : undefined };
}

/**
 * @template T
 * @param {T[]} attempts
 * @param {(round: T) => number} shareOf
 */
function countUndisturbed(attempts, shareOf) {
  return attempts.filter((round) => shareOf(round) >= CPU_SHARE_MIN).length;
}
