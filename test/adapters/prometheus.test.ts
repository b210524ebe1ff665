/**
 * Danger: metrics that a scraper cannot read, that say something else than the map does, or that keep a registry from
 * telling the others. So a real registry tells them, over a real server.
 */

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Gauge, Registry } from 'prom-client';
import { expect, it, onTestFinished } from 'vitest';
import { type CollectMetricsOptions, collectMetrics } from '../../lib/adapters/prometheus.js';
import { ShardMap } from '../../lib/index.js';

/** The values of a text, by name and labels. */
function parse(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

async function scrape(registry: Registry): Promise<string> {
  const server = createServer(async (_, response) => {
    response.setHeader('content-type', registry.contentType).end(await registry.metrics());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
    expect(response.status).toBe(200);
    return await response.text();
  } finally {
    server.close();
  }
}

it('are scraped, and say what stats says', async () => {
  const registry = new Registry();
  const map = new ShardMap<string, number>();
  collectMetrics(map, { registry, labels: { map: 'some "quoted" name', part: 1 } });
  for (let index = 0; index < 1000; index++) map.set(`key ${index}`, index);
  map.set('key 1', 0, { ttl: 1e6 });
  map.getMany(['key 1', 'key 2', 'absent']);
  map.delete('key 1');
  const text = await scrape(registry);
  const values = parse(text);
  const labels = 'map="some \\"quoted\\" name",part="1"';
  const stats = map.stats();
  expect(values.get(`shardmap_entries{${labels}}`)).toBe(999);
  expect(values.get(`shardmap_sets_total{${labels},result="inserted"}`)).toBe(1000);
  expect(values.get(`shardmap_sets_total{${labels},result="overwritten"}`)).toBe(1);
  expect(values.get(`shardmap_reads_total{${labels},result="hit"}`)).toBe(2);
  expect(values.get(`shardmap_reads_total{${labels},result="miss"}`)).toBe(1);
  expect(values.get(`shardmap_deletes_total{${labels},result="deleted"}`)).toBe(1);
  const memory = [...values].filter(([name]) => name.startsWith('shardmap_memory_bytes{'));
  expect(memory.reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(stats.bytesTotal);
  expect(text).not.toMatch(/^shardmap_log/m);
});

it('have a help, a type, and a name with its unit, each once', async () => {
  const registry = new Registry();
  const dir = mkdtempSync(path.join(tmpdir(), 'shardmap-metrics-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const map = await ShardMap.open<string, number>({ dir });
  collectMetrics(map, { registry });
  map.set('a', 1);
  await map.flush();
  await map.compact();
  const text = await scrape(registry);
  const typed = [...text.matchAll(/^# TYPE (\S+) (counter|gauge)$/gm)];
  expect(typed.length).toBeGreaterThan(25);
  for (const [, name = '', type] of typed) {
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    expect(text.split(`# HELP ${name} `).length, name).toBe(2);
    expect(text, name).toMatch(new RegExp(`^${name}[ {]`, 'm'));
  }
  const values = parse(text);
  expect(values.get('shardmap_log_state{state="running"}')).toBe(1);
  expect(values.get('shardmap_log_state{state="failed"}')).toBe(0);
  expect(values.get('shardmap_log_compactions_total')).toBe(1);
  expect(values.get('shardmap_log_last_sync_seconds')).toBeGreaterThan(0);
  expect(values.get('shardmap_log_last_sync_seconds')).toBeLessThan(60);
  map.close();
});

it('are all on the page about them', () => {
  const registry = new Registry();
  collectMetrics(new ShardMap(), { registry });
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/guides/metrics.md'), 'utf8');
  const told = new Set([...page.matchAll(/^\| `.*$/gm)].flatMap(([row]) => row.match(/shardmap_\w+/g)));
  expect([...told].sort()).toEqual(
    registry
      .getMetricsAsArray()
      .map(({ name }) => name)
      .sort(),
  );
});

it('are told as OpenMetrics and as JSON as well', async () => {
  const registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const map = new ShardMap([['a', 1]]);
  collectMetrics(map, { registry });
  for (let time = 0; time < 2; time++) {
    const text = await registry.metrics();
    expect(text).toMatch(/^# TYPE shardmap_clears counter$/m);
    expect(text).toMatch(/^shardmap_clears_total 0$/m);
    expect(text).not.toContain('total_total');
  }
  const json = await registry.getMetricsAsJSON();
  expect(json.find(({ name }) => name === 'shardmap_entries')).toMatchObject({ values: [{ value: 1, labels: {} }] });
});

it('tell several maps by their labels, and a map that is closed no more', async () => {
  const registry = new Registry();
  registry.setDefaultLabels({ job: 'test' });
  const [one, other] = [new ShardMap([['a', 1]], { name: 'metrics-one' }), new ShardMap<string, number>()];
  collectMetrics(one, { registry });
  const stop = collectMetrics(other, { registry, labels: { map: 'other' } });
  const entries = async () => [...parse(await registry.metrics())].filter(([name]) => name.includes('_entries{map'));
  expect(await entries()).toEqual([
    ['shardmap_entries{map="metrics-one",job="test"}', 1],
    ['shardmap_entries{map="other",job="test"}', 0],
    ['shardmap_timed_entries{map="metrics-one",job="test"}', 0],
    ['shardmap_timed_entries{map="other",job="test"}', 0],
  ]);
  one.close();
  expect((await entries()).map(([name]) => name)).toEqual([
    'shardmap_entries{map="other",job="test"}',
    'shardmap_timed_entries{map="other",job="test"}',
  ]);
  stop();
  stop();
  expect(await entries()).toEqual([]);
});

it('go with the last map, and leave what is of others', async () => {
  const registry = new Registry();
  new Gauge({ name: 'mine', help: 'Of somebody else.', registers: [registry] });
  const map = new ShardMap<string, number>();
  const stop = collectMetrics(map, { registry, prefix: 'app_' });
  registry.resetMetrics();
  expect(await registry.metrics()).toContain('app_entries 0');
  stop();
  expect(registry.getMetricsAsArray().map(({ name }) => name)).toEqual(['mine']);
  collectMetrics(map, { registry, prefix: 'app_' });
  expect(await registry.metrics()).toContain('app_entries 0');
});

it('are registered all, or none', async () => {
  const registry = new Registry();
  new Gauge({ name: 'shardmap_log_segments', help: 'A name that is taken.', registers: [registry] });
  const map = new ShardMap<string, number>();
  expect(() => collectMetrics(map, { registry })).toThrow(/shardmap_log_segments/);
  expect(registry.getMetricsAsArray()).toHaveLength(1);
  collectMetrics(map, { registry, prefix: 'other_' });
  expect(() => collectMetrics(map, { registry, prefix: 'other_' })).toThrow(
    expect.objectContaining({ code: 'ERR_SHARDMAP_INVALID_ARGUMENT' }),
  );
});

it('refuse what is no map, no registry, no prefix and no label', () => {
  const registry = new Registry();
  const map = new ShardMap<string, number>();
  const bad: unknown[] = [
    undefined,
    {},
    { registry: {} },
    { registry, prefix: 5 },
    { registry, prefix: 'a-b' },
    { registry, labels: 'x' },
    { registry, labels: { 'a-b': 1 } },
    { registry, labels: { result: 'taken' } },
    { registry, labels: { a: {} } },
    { registry, label: {} },
  ];
  for (const options of bad) {
    expect(() => collectMetrics(map, options as CollectMetricsOptions), JSON.stringify(options)).toThrow(
      expect.objectContaining({ code: 'ERR_SHARDMAP_INVALID_ARGUMENT' }),
    );
  }
  expect(() => collectMetrics(new Map() as never, { registry })).toThrow(TypeError);
  expect(registry.getMetricsAsArray()).toEqual([]);
});
