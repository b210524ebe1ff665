/** The switch of the bugs that are planted in a copy of the sources (scripts/planted/switches.mjs). */

const plantedBug = Number(process.env['SHARDMAP_PLANTED'] ?? 0);

export function planted(bug: number): boolean {
  return plantedBug === bug;
}
